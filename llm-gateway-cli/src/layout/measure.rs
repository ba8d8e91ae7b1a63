//! Measures how many columns a text takes on a terminal.

use anstream::adapter::strip_str;
use textwrap::core::display_width;
use unicode_width::UnicodeWidthStr;

/// Returns the number of columns that a line takes: two for a wide character, none for a combining
/// one, a control character or an escape sequence.
///
/// Terminals disagree about some joined characters. The larger number counts then.
pub(crate) fn columns(line: &str) -> usize {
    display_width(line).max(strip_str(line).to_string().width())
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
            ("\x1b[", 0),
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
}
