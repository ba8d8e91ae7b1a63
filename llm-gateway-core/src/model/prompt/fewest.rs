//! A lower bound on the number of tokens of a text.
//!
//! A request is refused for its length before it is paid for only where it cannot fit, so this
//! bound errs on the side of too few. An estimate by characters would refuse texts of long words
//! and of deep indentation that fit.

/// The longest token, in characters. The longest of the published vocabularies are runs of 128
/// spaces or dashes (o200k_base: <https://github.com/openai/tiktoken>); none has a longer word.
const LONGEST_TOKEN: usize = 128;

/// Returns the lower bound on a text's tokens: one for each word, and one more for each 128
/// characters of the word. Tokenizers split a text at its words before they look for tokens, so no
/// token reaches over two. Marks and spaces between words count as nothing.
pub(super) fn fewest_tokens(text: &str) -> u64 {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().count().div_ceil(LONGEST_TOKEN) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_token_at_least() {
        for (text, fewest) in [
            ("", 0),
            ("  \n\t ", 0),
            ("=====----", 0),
            ("one", 1),
            ("one two,three", 3),
            (" responsibilities responsibilities", 2),
            ("\u{4e00}\u{4e8c}\u{4e09}", 1),
        ] {
            assert_eq!(fewest_tokens(text), fewest, "{text}");
        }
        assert_eq!(fewest_tokens(&"x".repeat(128)), 1);
        assert_eq!(fewest_tokens(&"x".repeat(129)), 2);
    }
}
