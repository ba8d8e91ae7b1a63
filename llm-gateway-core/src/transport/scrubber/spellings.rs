//! The spellings of a key that are searched among the letters of a text: plain, in base64 and in
//! hex digits.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::letters::letters;

/// The length in bytes below which a key must not be interrupted by more blanks than it has,
/// because the words of a sentence may spell a short key.
const LONG: usize = 16;

/// Texts that may precede a key and swallow its first letters, because together they read as an
/// escape: the `n` of `\nvapi-…` after a backslash, the digits of `%41bc…` after a percent sign.
const SWALLOWING: [&str; 4] = ["\\", "%", "&", "\u{1b}["];

/// A spelling: one way to write a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    /// The bytes in which the key is written.
    pub(super) letters: Vec<u8>,
    /// The number of blanks between the bytes; `None` if the key is readable with any number.
    pub(super) blanks: Option<usize>,
}

impl Spelling {
    /// Returns whether a text that holds these letters has as many blanks as the key.
    pub(super) fn fits(&self, written: &[u8]) -> bool {
        self.blanks.is_none_or(|own| own == blanks(written))
    }

    /// Returns whether a text may go on so that it fits, after the beginning that was `written`.
    pub(super) fn may_fit(&self, written: &[u8]) -> bool {
        self.blanks.is_none_or(|own| own >= blanks(written))
    }
}

fn blanks(written: &[u8]) -> usize {
    written.iter().filter(|byte| byte.is_ascii_whitespace()).count()
}

/// Returns the ways in which a key may be written.
pub(super) fn spellings(key: &str) -> Vec<Spelling> {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let encoded = (0..3).map(|lead| base64(key, lead)).chain([hex]);
    let encoded = encoded.flat_map(|text| letters_of(&text)).map(|it| (it, None));
    let own = key.bytes().filter(u8::is_ascii_whitespace).count();
    let blanks = (key.len() < LONG).then_some(own);
    let plain = letters_of(key).into_iter().map(|it| (it, blanks));
    let mut spellings: Vec<_> =
        plain.chain(encoded).map(|(letters, blanks)| Spelling { letters, blanks }).collect();
    spellings.dedup();
    spellings
}

/// Returns the letters of a text, and the shorter versions of them whose first letters are
/// swallowed.
fn letters_of(text: &str) -> Vec<Vec<u8>> {
    let whole = plain(text);
    let swallowed = SWALLOWING.iter().map(|before| plain(&[before, text].concat()));
    let swallowed: Vec<_> = swallowed.filter(|letters| !letters.ends_with(&whole)).collect();
    [whole].into_iter().chain(swallowed).collect()
}

/// Returns the letters of a text, without those at its end that may begin an escape.
fn plain(text: &str) -> Vec<u8> {
    let mut letters = letters(text.as_bytes());
    while letters.pop_if(|last| matches!(last, b'%' | b'&')).is_some() {}
    letters
}

/// Returns a key's base64 within a longer text. The result depends on where the key begins in a
/// group of three bytes, which is after `lead` bytes. The characters at its edges also hold bits of
/// its neighbours, so they are left out.
fn base64(key: &str, lead: usize) -> String {
    const BITS: usize = 6;
    let text = [" ".repeat(lead).as_str(), key].concat();
    let own = (lead * 8).div_ceil(BITS)..text.len() * 8 / BITS;
    STANDARD_NO_PAD.encode(&text).get(own).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_looked_for_in_each_way_to_write_it() {
        let spelled = spellings("nvapi-%41b%");
        let letters = |it: &Spelling| String::from_utf8(it.letters.clone()).unwrap();
        let spelled: Vec<_> = spelled.iter().map(|it| (letters(it), it.blanks)).collect();
        for (letters, blanks) in [
            ("nvapi+ab", Some(0)),
            // After a backslash.
            ("vapi+ab", Some(0)),
            ("bnzhcgktjtqxyi", None),
            ("52yxbplsu0mwil", None),
            ("udmfwas0lndfij", None),
            ("6e766170692d2534316225", None),
            // After a percent sign.
            ("n766170692d2534316225", None),
        ] {
            assert!(spelled.contains(&(letters.to_owned(), blanks)), "{letters}: {spelled:?}");
        }
    }
}
