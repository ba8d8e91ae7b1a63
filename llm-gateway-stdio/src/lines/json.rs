//! Reads one line as JSON: tolerant in form, strict in meaning.
//!
//! A lone surrogate, which JavaScript and Python write when they cut a text within a character,
//! becomes U+FFFD. A name that one object gives twice has two meanings and is refused.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::arguments::shown;

/// The character that replaces an unknown one.
const UNKNOWN: &str = "\u{fffd}";

/// The reason why a line could not be read.
#[derive(Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// The line is not JSON, or has more than a parser can hold.
    NotJson(String),
    /// The line is JSON with two meanings, or with too many values.
    Ambiguous(String),
}

/// Reads a line.
///
/// # Errors
/// Fails with a sentence that says what is wrong with the line.
pub(crate) fn read(line: &[u8]) -> Result<Value, Unreadable> {
    let text = text(line).map_err(Unreadable::NotJson)?;
    let read = |text: &str| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = Unique { left: &Cell::new(MOST_VALUES) }.deserialize(&mut deserializer)?;
        deserializer.end().map(|()| value)
    };
    let read = read(&text).or_else(|error| match without_lone_escapes(&text) {
        Cow::Borrowed(_) => Err(error),
        Cow::Owned(mended) => read(&mended),
    });
    read.map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Unreadable::Ambiguous(error.to_string()),
        _ => Unreadable::NotJson(error.to_string()),
    })
}

/// Returns a line as text. A surrogate that was encoded as if it were a character becomes U+FFFD.
fn text(line: &[u8]) -> Result<Cow<'_, str>, String> {
    let refused = match std::str::from_utf8(line) {
        Ok(text) => return Ok(Cow::Borrowed(text)),
        Err(error) => format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1),
    };
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(_) => rest.len(),
            Err(error) => error.valid_up_to(),
        };
        let (good, bad) = rest.split_at_checked(valid).unwrap_or((rest, &[]));
        text.push_str(std::str::from_utf8(good).unwrap_or_default());
        rest = match bad {
            [] => bad,
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, rest @ ..] => {
                text.push_str(UNKNOWN);
                rest
            }
            _ => return Err(refused),
        };
    }
    Ok(Cow::Owned(text))
}

/// Replaces each `\u` escape of a lone surrogate by U+FFFD. Returns the same text if there is none.
pub(crate) fn without_lone_escapes(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let (kept, taken) = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (escape.get(..12), 12),
            (Some(0xd800..=0xdfff), _) => (Some(UNKNOWN), 6),
            _ => {
                // An escape is at least one character more, of any length.
                let length = 1 + escape.chars().nth(1).map_or(0, char::len_utf8);
                (escape.get(..length), length)
            }
        };
        mended.push_str(kept.unwrap_or_default());
        rest = escape.get(taken..).unwrap_or_default();
    }
    mended.push_str(rest);
    if mended == text { Cow::Borrowed(text) } else { Cow::Owned(mended) }
}

/// Returns the UTF-16 unit of the `\u` escape at the beginning of a text.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

/// The most values of one line. The longest line could have some eight million values, each of
/// which takes more memory than its text; a call has a few dozen.
const MOST_VALUES: usize = 262_144;

/// A reader of JSON in which no object gives a name twice.
#[derive(Clone, Copy)]
struct Unique<'a> {
    /// The number of further values that the line may have.
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left =
            self.left.get().checked_sub(1).ok_or_else(|| {
                D::Error::custom(format!("there are more than {MOST_VALUES} values"))
            })?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("`{}` is given twice", shown(&name))));
            }
            let value = members.next_value_seed(self)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_character_becomes_the_one_that_cannot_be_known() {
        for (written, read) in [
            (r"cut \ud83d", "cut \u{fffd}"),
            (r"\ude00 cut", "\u{fffd} cut"),
            (r"\ud83d\ude00", "\u{1f600}"),
            (r"\uD83D\uDE00", "\u{1f600}"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\\ud83d", r"\ud83d"),
            (r"\\\ud83d", "\\\u{fffd}"),
            (r"\ud83d\\ude00", "\u{fffd}\\ude00"),
            (r"é\ud83dé", "é\u{fffd}é"),
        ] {
            let line = format!("{{\"a\":\"{written}\"}}");
            assert_eq!(super::read(line.as_bytes()), Ok(json!({ "a": read })), "{written}");
            let line = format!("{{\"{written}\":1}}");
            assert_eq!(super::read(line.as_bytes()), Ok(json!({ read: 1 })), "{written}");
        }
        let raw = [b"\"cut ".as_slice(), &[0xed, 0xa0, 0xbd], b"\""].concat();
        assert_eq!(read(&raw), Ok(json!("cut \u{fffd}")));
    }

    #[test]
    fn what_is_not_json_is_refused_with_a_reason() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for (line, why) in [
            (r#"{"a":1e999}"#, "number out of range"),
            (r#"{"a":NaN}"#, "expected"),
            (r#"{"a":1,}"#, "trailing comma"),
            (r#"{"a":1} {"b":2}"#, "trailing characters"),
            (r#"{"a":{"b":1,"b":2}}"#, "`b` is given twice"),
            (r#"{"a":1,"\u0061":2}"#, "`a` is given twice"),
            (r#"{"a":"\ud83"}"#, "escape"),
            (r#"{"a":"\ud83d"#, "EOF"),
            (&deep, "recursion limit"),
            ("", "EOF"),
        ] {
            let error = read(line.as_bytes()).unwrap_err();
            let (Unreadable::NotJson(told) | Unreadable::Ambiguous(told)) = &error;
            assert!(told.contains(why), "{line}: {told}");
            let twice = why.ends_with("twice");
            assert_eq!(matches!(error, Unreadable::Ambiguous(_)), twice, "{line}");
        }
        for (line, at) in [(b"\"\xff\"".as_slice(), 2), (b"\"caf\xe9\"", 5), (b"\"\xed\xa0", 2)] {
            let why = format!("invalid UTF-8 at byte {at}");
            assert_eq!(read(line), Err(Unreadable::NotJson(why)));
        }
    }

    #[test]
    fn a_line_of_too_many_values_is_refused() {
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(read(list(MOST_VALUES).as_bytes()).is_ok());
        let why = format!("there are more than {MOST_VALUES} values");
        let error = read(list(MOST_VALUES + 1).as_bytes()).unwrap_err();
        assert!(matches!(&error, Unreadable::Ambiguous(told) if told.contains(&why)), "{error:?}");
    }

    #[test]
    fn a_long_text_with_many_escapes_is_read_in_linear_time() {
        let line = format!("\"{}\"", r"\ud83d".repeat(1_000_000));
        assert_eq!(read(line.as_bytes()), Ok(json!(UNKNOWN.repeat(1_000_000))));
    }
}
