//! Decides which escapes at the end of a text more text could change.
//!
//! A stream is scrubbed as it arrives, so a text may end within an escape: `%2` may become `%2B`,
//! and `\\` may become `\\u002B`. Such an end is not read before the rest of it has arrived. This
//! module mirrors the grammar of [letters](mod@super::letters), whose reader consumes an escape.

use super::letters::{ENTITIES, ESCAPE, hex_or_decimal, number, repeated};

/// Returns whether more text could change how the unit is read that begins with `first`. `after` is
/// the text behind `first` as far as it has arrived.
pub(super) fn is_unfinished(first: u8, after: &[u8]) -> bool {
    match first {
        b'%' => percent(after),
        b'\\' => backslash(after),
        b'&' => entity(after),
        ESCAPE => sequence(after),
        _ => false,
    }
}

/// Returns whether a percent escape could go on.
fn percent(after: &[u8]) -> bool {
    let (_, rest) = repeated(after, b"25");
    match rest.split_first() {
        None => true,
        Some((b'u', digits)) => coded(digits, 4),
        Some(_) => coded(rest, 2),
    }
}

/// Returns whether an escape with a backslash could go on.
fn backslash(after: &[u8]) -> bool {
    let (_, rest) = repeated(after, b"\\");
    match rest.split_first() {
        None => true,
        Some((b'u', digits)) => coded(digits, 4),
        Some((b'x', digits)) => coded(digits, 2),
        Some((b'U', digits)) => coded(digits, 8),
        Some(_) => false,
    }
}

/// Returns whether an entity of HTML could go on.
fn entity(after: &[u8]) -> bool {
    let (_, rest) = repeated(after, b"amp;");
    let begins = |name: &[u8]| name.len() > rest.len() && name.starts_with(rest);
    if begins(b"amp;") || ENTITIES.iter().any(|(name, _)| begins(name)) {
        return true;
    }
    let Some(digits) = rest.strip_prefix(b"#") else { return false };
    if digits.is_empty() {
        return true;
    }
    let (radix, digits, _) = hex_or_decimal(digits);
    let end = digits.iter().take(8).position(|byte| *byte == b';');
    match end {
        Some(end) => {
            let value = digits.get(..end).and_then(|digits| number(digits, radix));
            is_escape(value) && sequence(digits.get(end + 1..).unwrap_or_default())
        }
        None => digits.len() < 8 && digits.iter().all(|it| char::from(*it).is_digit(radix)),
    }
}

/// Returns whether an escape that writes a character in this many hex digits could go on.
fn coded(text: &[u8], digits: usize) -> bool {
    match text.split_at_checked(digits) {
        Some((digits, rest)) => is_escape(number(digits, 16)) && sequence(rest),
        None => text.iter().all(u8::is_ascii_hexdigit),
    }
}

fn is_escape(value: Option<u32>) -> bool {
    value == Some(ESCAPE.into())
}

/// Returns whether the control sequence of a terminal could go on whose escape character stands
/// before `rest`.
fn sequence(rest: &[u8]) -> bool {
    match rest.split_first() {
        None => true,
        Some((b'[', rest)) => rest.iter().all(|byte| (0x20..0x40).contains(byte)),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::letters::Units;
    use super::*;

    #[test]
    fn an_escape_is_finished_when_nothing_more_can_belong_to_it() {
        for (text, unfinished) in [
            ("%", true),
            ("%2", true),
            ("%25", true),
            ("%252", true),
            ("%2b", false),
            ("% ", false),
            ("%zz", false),
            ("%u00", true),
            ("%u00zz", false),
            ("%1b", true),
            ("%1b[3;1", true),
            ("%1b[3;1m", false),
            ("%1bx", false),
            ("\\", true),
            ("\\\\", true),
            ("\\n", false),
            ("\\u002", true),
            ("\\u002b", false),
            ("\\u00x", false),
            ("\\U0000002", true),
            ("\\x1b[", true),
            ("&", true),
            ("& ", false),
            ("&am", true),
            ("&amp;", true),
            ("&amp;quo", true),
            ("&quot;", false),
            ("&#", true),
            ("&#x", true),
            ("&#x2B", true),
            ("&#x2B;", false),
            ("&#27;[1", true),
            ("&#zz", false),
            ("&#12345678", false),
            ("\u{1b}", true),
            ("\u{1b}[1;", true),
            ("\u{1b}[1;m", false),
            ("a", false),
            ("é", false),
        ] {
            let (first, after) = text.as_bytes().split_first().unwrap();
            assert_eq!(is_unfinished(*first, after), unfinished, "{text:?}");
        }
    }

    proptest! {
        /// Checks that a unit that is called finished is read alike whatever follows.
        #[test]
        fn what_is_finished_stays_as_it_was_read(
            text in "[%\\\\&#;u xX0125bBamp\\[q\u{1b}]{1,14}", more in "[%\\\\&#;ux0125bBamp\\[quot m\u{1b}]{0,20}",
        ) {
            let whole = format!("{text}{more}");
            let (first, after) = text.as_bytes().split_first().unwrap();
            if !is_unfinished(*first, after) {
                let read = |text: &str| Units(text.as_bytes()).next().unwrap();
                prop_assert_eq!(read(&text), read(&whole), "{:?} {:?}", text, more);
            }
        }

        /// Checks that a unit is called unfinished only while some text could change it.
        #[test]
        fn what_is_unfinished_can_still_become_another(text in "[%\\\\&#ux02bamp]{1,8}") {
            let (first, after) = text.as_bytes().split_first().unwrap();
            let read = |text: &str| Units(text.as_bytes()).next().unwrap();
            let unit = read(&text);
            if is_unfinished(*first, after) && unit.length == text.len() {
                let ends = ["25", "2b", "b", "02b", "002b", "0002b", "00002b", "amp;", "p;", ";", "\\", "n", "x2b", "#43;", "u002b", "1;", "uot;", "mp;", "quot;", "43;", "[1m", "3;", "02b;"];
                let changes = ends.iter().any(|end| read(&format!("{text}{end}")) != unit);
                prop_assert!(changes, "{:?}", text);
            }
        }
    }
}
