//! JSON as servers write it in practice.
//!
//! [`read`] parses valid JSON at full speed. Only if that fails, it repairs the form of the text
//! and parses once more: a byte that is no UTF-8, half a surrogate pair, an escape that JSON does
//! not have, a bare control character, a number that no type can hold, a name that stands twice. No
//! meaning is guessed: a text that ends too early stays an error for which
//! [`is_eof`](serde_json::Error::is_eof) is true.

use std::iter::Peekable;
use std::str::Chars;

use serde::de::{DeserializeOwned, Error as _};
use serde_json::Value;

/// The escape of the character that replaces whatever cannot be read.
const UNREADABLE: &str = "\\ufffd";

/// Parses a text, after repairing its form if that is necessary.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    serde_json::from_slice(text).or_else(|error| {
        if error.is_eof() {
            return Err(error);
        }
        // A map takes the last of two equal names, which a struct refuses.
        serde_json::from_str::<Value>(&mended(&String::from_utf8_lossy(text)))
            .and_then(serde_json::from_value)
    })
}

/// Parses a text that holds one object, and refuses a list in its place.
pub(crate) fn object<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    let begins = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text).trim_ascii_start();
    match begins.first() {
        Some(b'{') | None => read(text),
        Some(_) => Err(serde_json::Error::custom("it is no JSON object")),
    }
}

/// Returns the text with every fault of its form replaced by valid JSON.
fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '"' => {
                mended.push('"');
                string(&mut rest, &mut mended);
            }
            '-' | '+' | '.' | '0'..='9' | 'A'..='Z' | 'a'..='z' => {
                let mut word = next.to_string();
                while let Some(next) = rest.next_if(|c| is_of_a_word(*c)) {
                    word.push(next);
                }
                mended.push_str(literal(&word));
            }
            other => mended.push(other),
        }
    }
    mended
}

fn is_of_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')
}

/// Returns the JSON for a bare word. A number that no type can hold becomes `null`, and so do the
/// words of other languages for nothing. Any other word stays a fault.
fn literal(word: &str) -> &str {
    match word {
        "True" => "true",
        "False" => "false",
        "None" | "nil" | "undefined" | "NaN" | "Infinity" | "-Infinity" => "null",
        word if word.starts_with(|c: char| c.is_ascii_alphabetic()) => word,
        number if serde_json::from_str::<f64>(number).is_ok() => number,
        _ => "null",
    }
}

/// Repairs a string, from behind its first quote to its last.
fn string(rest: &mut Peekable<Chars<'_>>, mended: &mut String) {
    while let Some(next) = rest.next() {
        match next {
            '"' => return mended.push('"'),
            '\\' => escape(rest, mended),
            other => plain(other, mended),
        }
    }
}

/// Repairs a character that is not part of an escape.
fn plain(character: char, mended: &mut String) {
    match character {
        control if control < ' ' => mended.push_str(&format!("\\u{:04x}", u32::from(control))),
        other => mended.push(other),
    }
}

/// Repairs one escape of a JSON string; `rest` begins behind its backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, mended: &mut String) {
    match rest.next() {
        Some(known @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
            mended.extend(['\\', known]);
        }
        Some('u') => unit(rest, mended),
        // The backslash was meant: a path, or mathematics.
        Some(other) => {
            mended.push_str("\\\\");
            plain(other, mended);
        }
        None => {}
    }
}

/// Repairs a `\u` escape, from behind its `u`. Half a surrogate pair is unreadable.
fn unit(rest: &mut Peekable<Chars<'_>>, mended: &mut String) {
    let Some(first) = hex(rest) else { return mended.push_str(UNREADABLE) };
    if !(0xd800..0xe000).contains(&first) {
        return mended.push_str(&format!("\\u{first:04x}"));
    }
    let mut ahead = rest.clone();
    let second = match (ahead.next(), ahead.next()) {
        (Some('\\'), Some('u')) => hex(&mut ahead),
        _ => None,
    };
    match second {
        Some(second) if first < 0xdc00 && (0xdc00..0xe000).contains(&second) => {
            mended.push_str(&format!("\\u{first:04x}\\u{second:04x}"));
            *rest = ahead;
        }
        _ => mended.push_str(UNREADABLE),
    }
}

/// Reads four hexadecimal digits, and consumes those that are present.
fn hex(rest: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut value = 0;
    for _ in 0..4 {
        value = value * 16 + rest.next_if(char::is_ascii_hexdigit)?.to_digit(16)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_of_form_is_mended() {
        for (text, meant) in [
            ("\u{feff}{\"a\": 1}", json!({"a": 1})),
            (r#"{"a": "x \ud83d"}"#, json!({"a": "x \u{fffd}"})),
            (r#"{"a": "\ude00 x"}"#, json!({"a": "\u{fffd} x"})),
            (r#"{"a": "\ud83d\u0041"}"#, json!({"a": "\u{fffd}A"})),
            (r#"{"a": "\ud83d\ud83d\ude00"}"#, json!({"a": "\u{fffd}😀"})),
            (r#"{"a": "\ud83d\ude00", "b": "\ud83d"}"#, json!({"a": "😀", "b": "\u{fffd}"})),
            (r#"{"a": "\uzz"}"#, json!({"a": "\u{fffd}zz"})),
            (r#"{"a": "\u12"}"#, json!({"a": "\u{fffd}"})),
            (r#"{"a": "it\'s \alpha"}"#, json!({"a": "it\\'s \\alpha"})),
            ("{\"a\": \"one\ntwo\tthree\"}", json!({"a": "one\ntwo\tthree"})),
            ("{\"a\": \"one\\\ntwo\\\tthree\"}", json!({"a": "one\\\ntwo\\\tthree"})),
            (r#"{"a": 1e999, "b": -1e999, "c": NaN}"#, json!({"a": null, "b": null, "c": null})),
            (r#"{"a": Infinity, "b": -Infinity}"#, json!({"a": null, "b": null})),
            (r#"{"a": +1, "b": .5, "c": 01}"#, json!({"a": null, "b": null, "c": null})),
            (r#"{"a": None, "b": 1.5E3}"#, json!({"a": null, "b": 1500.0})),
            (r#"{"a": True, "b": False}"#, json!({"a": true, "b": false})),
        ] {
            assert_eq!(read::<Value>(text.as_bytes()).unwrap(), meant, "{text}");
        }
        let bytes = b"{\"a\": \"caf\xe9\"}";
        assert_eq!(read::<Value>(bytes).unwrap(), json!({"a": "caf\u{fffd}"}));
    }

    #[test]
    fn the_last_of_two_equal_names_counts() {
        #[derive(serde::Deserialize)]
        struct Named {
            name: u8,
        }
        assert_eq!(read::<Named>(br#"{"name": 1, "name": 2}"#).unwrap().name, 2);
    }

    #[test]
    fn a_text_that_ends_too_early_is_not_completed() {
        let whole = r#"{"a": ["b\n", 1.5, {"c": "😀"}], "d": true}"#;
        for (end, _) in whole.char_indices() {
            let error = read::<Value>(&whole.as_bytes()[..end]).unwrap_err();
            assert!(error.is_eof(), "{end}: {error}");
        }
        let odd = r#"{"a": "\ud83d", "b": "#;
        assert!(read::<Value>(odd.as_bytes()).unwrap_err().is_eof());
        for other in ["hello", "{a: 1}", r#"{"a": 1} x"#, r#"{"a" 1}"#] {
            let error = read::<Value>(other.as_bytes()).unwrap_err();
            assert!(!error.is_eof(), "{other}: {error}");
        }
    }

    proptest! {
        /// Checks that valid JSON is read unchanged, repaired or not.
        #[test]
        fn what_is_sound_is_not_changed(text in ".{0,40}", number in any::<f64>()) {
            let value = json!({"text": text, "number": number, "list": [text, null, true]});
            let written = value.to_string();
            prop_assert_eq!(serde_json::from_str::<Value>(&mended(&written)).unwrap(), value);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read::<Value>(&bytes);
        }
    }
}
