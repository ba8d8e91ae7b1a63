//! The text of a call that was not answered, as far as it came. It was paid for, so it is kept.

use crate::model::Target;

/// The text that a model had written when its call failed or was stopped: the beginning of an
/// answer, and no answer. Of several attempts it is the longest text; two texts are never joined.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartialText {
    /// Target whose model wrote the text.
    pub target: Target,
    /// The text as far as it came, without keys and without reasoning. It is never blank.
    pub text: String,
    /// Whether a part of the text was passed on while it arrived, so that no other model was asked.
    pub is_committed: bool,
}

impl PartialText {
    /// Returns the text that is kept of several: the one that was passed on, else the longest one,
    /// and the last of those that are as long.
    pub(super) fn best_of(texts: impl IntoIterator<Item = Self>) -> Option<Self> {
        texts.into_iter().max_by_key(|it| (it.is_committed, it.text.trim().chars().count()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelId, ProviderName};

    #[test]
    fn what_was_passed_on_is_kept_else_the_longest() {
        let partial = |(text, is_committed): &(&str, bool)| {
            let target =
                Target::new(ProviderName::new("house").unwrap(), ModelId::new("m").unwrap());
            PartialText { target, text: (*text).to_owned(), is_committed: *is_committed }
        };
        for (texts, best) in [
            (&[][..], None),
            (&[("a", false)], Some("a")),
            (&[("ab", false), ("a", false)], Some("ab")),
            (&[("ab", false), ("cd", false)], Some("cd")),
            (&[("ab", false), ("c      ", false)], Some("ab")),
            (&[("abc", false), ("a", true)], Some("a")),
            (&[("€€", false), ("abc", false)], Some("abc")),
        ] {
            let kept = PartialText::best_of(texts.iter().map(partial));
            assert_eq!(kept.map(|it| it.text).as_deref(), best, "{texts:?}");
        }
    }
}
