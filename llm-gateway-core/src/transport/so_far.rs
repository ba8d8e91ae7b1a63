//! The text that the attempts of one call have brought so far, for the case that the call fails.
//!
//! Each attempt has a text of its own, because the texts of two attempts are never joined. Of the
//! attempts before the newest one, the longest text is kept.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most bytes that are kept of one attempt's text, which is as much as a whole body may have.
const LARGEST_TEXT: usize = 16 * 1024 * 1024;

/// The texts of one call's attempts, as far as they have come.
#[derive(Default)]
pub(crate) struct TextSoFar(Mutex<AttemptTexts>);

#[derive(Default)]
struct AttemptTexts {
    /// The text of the newest attempt.
    newest: String,
    /// The longest text of the attempts before it.
    longest: String,
}

/// The attempt whose text is wanted of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextOf {
    /// The newest attempt, because its text was passed on already.
    Newest,
    /// The attempt that said most; of two that said as much, the later one.
    Longest,
}

impl TextSoFar {
    /// Begins the text of another attempt.
    pub(super) fn begin(&self) {
        let mut texts = self.texts();
        let newest = std::mem::take(&mut texts.newest);
        if is_no_shorter(&newest, &texts.longest) {
            texts.longest = newest;
        }
    }

    /// Adds a piece to the text of the newest attempt.
    pub(super) fn add(&self, piece: &str) {
        let mut texts = self.texts();
        let room = LARGEST_TEXT.saturating_sub(texts.newest.len());
        texts.newest.push_str(within(piece, room));
    }

    /// Sets the whole text of the newest attempt.
    pub(super) fn set(&self, mut text: String) {
        text.truncate(within(&text, LARGEST_TEXT).len());
        self.texts().newest = text;
    }

    /// Takes the text of an attempt out. Returns `None` if there is nothing to read in it.
    pub(super) fn take(&self, of: TextOf) -> Option<String> {
        let AttemptTexts { newest, longest } = std::mem::take(&mut *self.texts());
        let is_newest = of == TextOf::Newest || is_no_shorter(&newest, &longest);
        let text = if is_newest { newest } else { longest };
        (!text.trim().is_empty()).then_some(text)
    }

    fn texts(&self) -> MutexGuard<'_, AttemptTexts> {
        // A text that a panic has left half written is still the beginning of what was said.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a text has as many characters as another one, apart from blanks around it.
fn is_no_shorter(text: &str, than: &str) -> bool {
    text.trim().chars().count() >= than.trim().chars().count()
}

/// Returns the beginning of a text that has at most this many bytes.
fn within(text: &str, bytes: usize) -> &str {
    let most = text.len().min(bytes);
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says the texts one after the other, each in an attempt of its own, and takes one of them.
    fn taken(attempts: &[&[&str]], of: TextOf) -> Option<String> {
        let said = TextSoFar::default();
        for attempt in attempts {
            said.begin();
            attempt.iter().for_each(|piece| said.add(piece));
        }
        said.take(of)
    }

    #[test]
    fn the_text_of_one_attempt_is_kept_and_never_two_joined() {
        use TextOf::{Longest, Newest};
        for (attempts, longest, newest) in [
            (&[][..], None, None),
            (&[&[][..]][..], None, None),
            (&[&["", " \n"]], None, None),
            (&[&["Gr", "ü"]], Some("Grü"), Some("Grü")),
            (&[&["Paris is"], &["Pa"]], Some("Paris is"), Some("Pa")),
            (&[&["Pa"], &["Paris is"], &[]], Some("Paris is"), None),
            (&[&["one"], &["two"]], Some("two"), Some("two")),
            (&[&["one"], &["two"], &[]], Some("two"), None),
            (&[&["üü"], &["abc"]], Some("abc"), Some("abc")),
            (&[&["ab"], &["   \n  "]], Some("ab"), None),
        ] {
            assert_eq!(taken(attempts, Longest).as_deref(), longest, "{attempts:?}");
            assert_eq!(taken(attempts, Newest).as_deref(), newest, "{attempts:?}");
        }
    }

    #[test]
    fn what_is_set_takes_the_place_of_what_was_added() {
        let said = TextSoFar::default();
        said.begin();
        said.add("ab");
        said.set("abc".to_owned());
        said.begin();
        said.begin();
        assert_eq!(said.take(TextOf::Longest).as_deref(), Some("abc"));
        assert_eq!(said.take(TextOf::Longest), None, "it was taken");
    }

    #[test]
    fn no_text_is_larger_than_the_bound_and_no_character_is_cut() {
        let said = TextSoFar::default();
        let piece = "€".repeat(LARGEST_TEXT / 3 - 1);
        (0..3).for_each(|_| said.add(&piece));
        let text = said.take(TextOf::Newest).unwrap();
        assert!(text.len() <= LARGEST_TEXT && text.len() > LARGEST_TEXT - 3, "{}", text.len());
        said.set("€".repeat(LARGEST_TEXT));
        assert_eq!(said.take(TextOf::Newest).unwrap().len(), LARGEST_TEXT / 3 * 3);
    }
}
