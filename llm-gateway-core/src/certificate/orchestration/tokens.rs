//! Splits texts into words, and numbers the words. A word is a run of letters and digits in lower
//! case. In a script without spaces each character is a word. A run that is longer than any word is
//! split into several words, so that an encoded text does not count as one word.
//!
//! Spacing, case and punctuation do not count, so a text is still found after it was reformatted.
//! Runs of words are compared in full, never by a hash alone.

use std::collections::HashMap;

/// The total number of characters that are read: as many as many rounds of the largest context
/// have.
const MOST_CHARACTERS: usize = 16 * 1024 * 1024;

/// The largest number of characters that a word may have. Only one or two of the longest words in
/// use are cut.
const LONGEST_WORD: usize = 24;

/// Returns whether a character's script has no spaces between words: Thai, Lao, Tibetan, Burmese,
/// Khmer, the Japanese syllables, Chinese characters (Unicode 17, blocks).
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Splits a text into its words.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.flat_map(|run| {
        let mut rest = run;
        std::iter::from_fn(move || {
            let mut ends = rest.char_indices().take(LONGEST_WORD);
            let first = ends.next().map(|(_, c)| c)?;
            let end = match is_unspaced(first) {
                true => Some(first.len_utf8()),
                false => ends.find(|(_, c)| is_unspaced(*c)).map(|(at, _)| at),
            };
            let end = end.or_else(|| rest.char_indices().nth(LONGEST_WORD).map(|(at, _)| at));
            let (word, behind) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            rest = behind;
            Some(word)
        })
    })
}

/// Returns a word in lower case, by way of upper case, because the capitals of ß are SS.
fn in_one_case(word: &str) -> String {
    word.to_lowercase().replace('ß', "ss")
}

/// A lexicon that assigns a number to each distinct word, in the order in which words occur.
#[derive(Debug)]
pub(super) struct Lexicon {
    numbers: HashMap<String, u32>,
    /// The number of characters that may still be read.
    left: usize,
}

/// The words of a text, as numbers in a lexicon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) numbers: Vec<u32>,
    /// Whether the text was read in full, within the limit on characters.
    pub(super) is_whole: bool,
}

impl Lexicon {
    pub(super) fn new() -> Self {
        Self { numbers: HashMap::new(), left: MOST_CHARACTERS }
    }

    /// Returns the words of a text as numbers, as far as the limit on characters allows.
    pub(super) fn words(&mut self, text: &str) -> Words {
        let looked_at = match text.char_indices().nth(self.left) {
            Some((end, _)) => text.get(..end).unwrap_or_default(),
            None => text,
        };
        self.left -= looked_at.chars().count().min(self.left);
        let numbers = split(looked_at).map(|word| self.number(in_one_case(word))).collect();
        Words { numbers, is_whole: looked_at.len() == text.len() }
    }

    fn number(&mut self, word: String) -> u32 {
        // There are fewer words than characters that are read, so the number always fits.
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(word).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_whatever_is_between_them() {
        let mut lexicon = Lexicon::new();
        let plain = lexicon.words("straße 2 b c");
        assert_eq!(lexicon.words("**Straße**-2\n\t(B_c)"), plain);
        assert_eq!(lexicon.words("STRASSE 2, B, C"), plain);
        assert_eq!(plain.numbers, [0, 1, 2, 3]);
        assert!(plain.is_whole);
    }

    #[test]
    fn scripts_without_spaces_and_encoded_texts_have_words() {
        let split = |text| split(text).collect::<Vec<_>>();
        assert_eq!(split("v2检查输入 ok"), ["v2", "检", "查", "输", "入", "ok"]);
        let encoded = "x".repeat(50);
        assert_eq!(split(&encoded), [&encoded[..24], &encoded[..24], "xx"]);
        assert_eq!(split(" , "), [""; 0]);
    }

    #[test]
    fn the_number_of_characters_read_is_bounded() {
        let mut lexicon = Lexicon { left: 7, ..Lexicon::new() };
        assert_eq!(lexicon.words("ä b"), Words { numbers: vec![0, 1], is_whole: true });
        assert_eq!(lexicon.words("ä ä c"), Words { numbers: vec![0, 0], is_whole: false });
        assert_eq!(lexicon.words("d"), Words { numbers: vec![], is_whole: false });
    }
}
