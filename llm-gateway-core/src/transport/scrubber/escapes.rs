//! Reads through escapes: `\u002B` in JSON and `%2b` in a URL both mean a plus.
//!
//! A writer may escape any character, so a list of all spellings of a key would have no end.
//! Instead, the text is searched without its escapes, and what is found is replaced at its place in
//! the text. This file knows nothing about keys.

use std::ops::Range;

/// The most backslashes before a `u` that are read: five layers of JSON, each of which doubles
/// them.
const MOST_BACKSLASHES: usize = 16;

/// Returns `text` without its escapes; `None` if it has none.
pub(super) fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    // Most texts have no escapes, and checking for them is ten times faster than reading them.
    if !text.contains(&b'%') && !text.windows(3).any(|it| it == b"u00") {
        return None;
    }
    let view: Vec<u8> = Characters(text).map(|(byte, _)| byte).collect();
    (view.len() < text.len()).then_some(view)
}

/// Returns `text` with each range that was found in its [`unescaped`] form replaced. The ranges are
/// in order.
pub(super) fn replaced(text: &[u8], found: &[Range<usize>], with: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut found = found.iter().peekable();
    let mut rest = text;
    for (at, (_, length)) in Characters(text).enumerate() {
        let (written, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = after;
        while found.next_if(|range| range.end <= at).is_some() {}
        match found.peek() {
            Some(range) if range.start == at => result.extend_from_slice(with),
            Some(range) if range.contains(&at) => {}
            _ => result.extend_from_slice(written),
        }
    }
    result
}

/// The bytes that a text means, each with the number of bytes that it is written in.
struct Characters<'a>(&'a [u8]);

impl Iterator for Characters<'_> {
    type Item = (u8, usize);

    fn next(&mut self) -> Option<(u8, usize)> {
        let first = *self.0.first()?;
        let escaped = match first {
            b'%' => percent(self.0),
            b'\\' => backslash(self.0),
            _ => None,
        };
        let (byte, length) = escaped.unwrap_or((first, 1));
        self.0 = self.0.get(length..).unwrap_or_default();
        Some((byte, length))
    }
}

/// Reads a percent escape, such as `%2b`, at the start of a text.
fn percent(text: &[u8]) -> Option<(u8, usize)> {
    Some((character(text.get(1..3)?)?, 3))
}

/// Reads a JSON escape, such as `\u002b`, at the start of a text.
fn backslash(text: &[u8]) -> Option<(u8, usize)> {
    let backslashes = text.iter().take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
    let digits = text.get(backslashes..)?.strip_prefix(b"u00")?.get(..2)?;
    Some((character(digits)?, backslashes + 5))
}

/// Returns the character with these two hex digits, if a key may hold it.
fn character(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    byte.is_ascii_graphic().then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let view = unescaped(text.as_bytes()).unwrap_or_else(|| text.into());
        String::from_utf8(view).unwrap()
    }

    #[test]
    fn escapes_are_read_whoever_wrote_them() {
        for (text, meant) in [
            (r"a\u002Bb", "a+b"),
            (r"a\u002bb\\u002b\\\\u002b", "a+b++"),
            ("a%2Bb%2b", "a+b+"),
            (r"%5c\u0022", r#"\""#),
        ] {
            assert_eq!(read(text), meant);
        }
        // No character, none of a key, or no escape.
        for text in ["ü\u{1f600}", r"\u00e9\u20ac\u0020\u00", "100 %, %+1, %é, %", "%0a", r"\n\\"]
        {
            assert_eq!(unescaped(text.as_bytes()), None, "{text}");
        }
        let backslashes = format!("{}u002B", "\\".repeat(1_000_000));
        assert!(read(&backslashes).ends_with("\\+"));
    }

    #[test]
    fn what_is_found_is_replaced_where_it_stands() {
        let replace = |text: &str, found: &[Range<usize>]| {
            String::from_utf8(replaced(text.as_bytes(), found, b"X")).unwrap()
        };
        // Read as `é+b+c+`.
        let text = r"é\u002Bb%2Bc%2b";
        assert_eq!(replace(text, &[]), text);
        assert_eq!(replace(text, std::slice::from_ref(&(2..4))), "éX%2Bc%2b");
        assert_eq!(replace(text, &[2..5, 5..7]), "éXX");
        assert_eq!(replace(text, &[3..4, 6..7]), r"é\u002BX%2BcX");
    }
}
