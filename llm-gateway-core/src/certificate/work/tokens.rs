//! Texts as words: runs of letters and digits in lower case, each word a number.
//!
//! Spacing, case and punctuation do not count, so that a text that was set out anew is still
//! found. Runs of words are compared whole, never by a hash alone.

use std::collections::HashMap;

/// How many characters are looked at in all: what many rounds of the largest context hold.
const LOOKED_AT: usize = 16 * 1024 * 1024;

/// Numbers words as they come.
#[derive(Debug)]
pub(super) struct Lexicon {
    numbers: HashMap<String, u32>,
    /// How many more characters are looked at.
    left: usize,
}

/// The words of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) numbers: Vec<u32>,
    /// Whether all of the text was looked at.
    pub(super) is_whole: bool,
}

impl Lexicon {
    pub(super) fn new() -> Self {
        Self { numbers: HashMap::new(), left: LOOKED_AT }
    }

    pub(super) fn words(&mut self, text: &str) -> Words {
        let looked_at = match text.char_indices().nth(self.left) {
            Some((end, _)) => text.get(..end).unwrap_or_default(),
            None => text,
        };
        self.left -= looked_at.chars().count().min(self.left);
        let words = looked_at.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let numbers = words.map(|word| self.number(word.to_lowercase())).collect();
        Words { numbers, is_whole: looked_at.len() == text.len() }
    }

    fn number(&mut self, word: String) -> u32 {
        // There are fewer words than characters that are looked at.
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(word).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_whatever_stands_between() {
        let mut lexicon = Lexicon::new();
        let plain = lexicon.words("straße 2 b c");
        assert_eq!(lexicon.words("**Straße**-2\n\t(B_c)"), plain);
        assert_eq!(plain.numbers, [0, 1, 2, 3]);
        assert!(plain.is_whole);
    }

    #[test]
    fn only_so_much_is_looked_at() {
        let mut lexicon = Lexicon { left: 7, ..Lexicon::new() };
        assert_eq!(lexicon.words("ä b"), Words { numbers: vec![0, 1], is_whole: true });
        assert_eq!(lexicon.words("ä ä c"), Words { numbers: vec![0, 0], is_whole: false });
        assert_eq!(lexicon.words("d"), Words { numbers: vec![], is_whole: false });
    }
}
