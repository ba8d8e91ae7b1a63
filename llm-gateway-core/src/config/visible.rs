//! Names in messages the characters that a reader cannot see, such as no-break spaces, zero-width
//! characters and tabs.

use crate::model::is_blank;

/// Returns a text in which every character is named that looks like a blank or like nothing.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match unseen(c) {
            true => shown.push_str(&format!("<U+{:04X}>", u32::from(c))),
            false => shown.push(c),
        }
    }
    shown
}

/// Returns whether a character has no shape, or is a blank other than the plain space.
pub(super) fn unseen(c: char) -> bool {
    c != ' ' && is_blank(c)
}

/// Returns the name of a character for a message.
pub(super) fn named(c: char) -> String {
    let what = match c {
        ' ' => return "a blank".to_owned(),
        '\t' => "a tab",
        '\n' | '\r' => "a line end",
        '\u{a0}' | '\u{202f}' => "a no-break space",
        '\u{feff}' => "a byte order mark",
        _ if c.is_whitespace() => "a blank of another kind",
        _ => "a character that cannot be seen",
    };
    format!("{what} (U+{:04X})", u32::from(c))
}

/// Returns the first character of a line that cannot be seen, with its column; `None` if all can be
/// seen.
pub(super) fn first_unseen(line: &str) -> Option<String> {
    let (at, c) = line.chars().enumerate().find(|(_, c)| unseen(*c))?;
    Some(format!("{} stands in column {}", named(c), at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named_and_what_can_be_stays() {
        assert_eq!(visible("no `a\u{a0}b\u{200b}`"), "no `a<U+00A0>b<U+200B>`");
        for seen in ["plain text", "— “quoted” …", "Ключ 密钥", "e\u{301}"] {
            assert_eq!(visible(seen), seen);
        }
        assert_eq!(first_unseen("a: 1"), None);
        let tab = first_unseen("  \tb: 1");
        assert_eq!(tab.as_deref(), Some("a tab (U+0009) stands in column 3"));
    }
}
