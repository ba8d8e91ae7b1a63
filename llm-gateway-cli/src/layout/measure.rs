//! Measures how many columns a text takes on a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns the number of columns that a line takes: two for a wide character, none for a combining
/// one, a control character or an escape sequence.
///
/// Terminals disagree about some joined characters. The larger number counts then.
pub(crate) fn columns(line: &str) -> usize {
    let (mut plain, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(c) = rest.chars().next() {
        let escape = escape_length(rest);
        if escape == 0 && !c.is_control() {
            plain.push(c);
        }
        rest = rest.get(escape.max(c.len_utf8())..).unwrap_or_default();
    }
    let one_by_one: usize = plain.chars().filter_map(UnicodeWidthChar::width).sum();
    one_by_one.max(plain.width())
}

/// Returns whether a character takes two columns.
pub(super) fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// Returns the length in bytes of the escape sequence that a text begins with; 0 if there is none.
///
/// Only sequences of this program's own styles are in a text that is laid out.
pub(super) fn escape_length(text: &str) -> usize {
    let Some(sequence) = text.strip_prefix("\x1b[") else { return 0 };
    let end = sequence.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c));
    end.map_or(0, |end| "\x1b[".len() + end + 1)
}

/// Returns a text with blanks behind it, so that it takes at least this many columns.
pub(super) fn padded(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{:blanks$}", "")
}

/// Returns a line that takes no more than `room` columns: the words that fit, and a mark where
/// others are left out.
pub(crate) fn shortened(line: &str, room: usize) -> String {
    if columns(line) <= room {
        return line.to_owned();
    }
    let mut kept = String::new();
    for word in line.split_inclusive(' ') {
        if columns(&kept) + columns(word) + 1 > room {
            break;
        }
        kept.push_str(word);
    }
    if room > 0 { kept + "…" } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_the_columns_that_a_terminal_gives_it() {
        for (text, expected) in [
            ("", 0),
            ("plain", 5),
            ("größer", 6),
            ("gro\u{308}ßer", 6),
            ("密钥", 4),
            ("ｆｕｌｌ", 8),
            ("한글", 4),
            ("\u{1112}\u{1161}\u{11ab}", 2),
            ("\x1b[1m\x1b[38;5;12mbold\x1b[0m", 4),
            ("a\u{200b}b", 2),
            ("👩\u{200d}👩\u{200d}👧", 6),
            ("❤\u{fe0f}", 2),
            ("\x1b[", 1),
        ] {
            assert_eq!(columns(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_is_shortened_between_words() {
        assert_eq!(shortened("asking one/alpha", 16), "asking one/alpha");
        assert_eq!(shortened("asking one/alpha", 15), "asking …");
        assert_eq!(shortened("one/alpha", 3), "…");
        assert_eq!(shortened("密钥 密钥 密钥", 8), "密钥 …");
        assert_eq!(shortened("one", 0), "");
        for room in 0..40 {
            assert!(columns(&shortened("round 1  plan · asking 密钥/模型 · 3 s", room)) <= room);
        }
    }

    #[test]
    fn padding_counts_columns() {
        assert_eq!(padded("密钥", 6), "密钥  ");
        assert_eq!(padded("\x1b[1ma\x1b[0m", 2), "\x1b[1ma\x1b[0m ");
        assert_eq!(padded("long", 2), "long");
    }
}
