//! Parses one document of a response, even if its form is not quite JSON.
//!
//! A response was paid for whatever its form is, so this parser reads documents that the strict
//! parser of [`certificate::json`](crate::certificate::json) refuses. The strict parser is used for
//! requests, receipts and bundles, which the gateway writes itself. A text without any form, or one
//! that ends too early, is an error for both.
//!
//! | in the text | is read as |
//! |---|---|
//! | a byte order mark before the document | nothing |
//! | half a surrogate pair, a `\u` without four digits | U+FFFD |
//! | a backslash before a character that is not escaped so | the backslash and the character |
//! | a control character in a string | the character |
//! | a number that no type can hold, `NaN`, `None`, `undefined` | null |
//! | `True`, `False` | true, false |
//! | a name that stands twice in one object | the last of the two |

use serde_json::{Map, Number, Value};

use crate::certificate::effort;

/// The deepest nesting of a document that is read.
const DEEPEST: usize = 128;

/// The most values that a document may have. A usual answer has some hundred, and a stranger's
/// bundle must not fill the memory.
const MOST_RESPONSE_VALUES: usize = 1 << 20;

/// The character that replaces whatever cannot be read.
const UNREADABLE: char = '\u{fffd}';

/// The characters between the values of a document.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Parses one complete document.
///
/// # Errors
/// The text is not one document, or a bound is exceeded. The error names the place and quotes
/// nothing, because it may get into a receipt.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    effort::add(text.len());
    let mut cursor = Cursor {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        values_left: MOST_RESPONSE_VALUES,
    };
    let value = cursor.value(DEEPEST);
    cursor.skip_blanks();
    value.filter(|_| cursor.rest.is_empty()).ok_or_else(|| {
        let read = text.strip_suffix(cursor.rest).unwrap_or(text);
        let line = read.matches('\n').count() + 1;
        let column = read.chars().rev().take_while(|c| *c != '\n').count();
        format!("it is not of its format at line {line}, column {column}")
    })
}

/// The rest of a text while it is parsed. Each function returns `None` if the text has no form that
/// it knows.
struct Cursor<'a> {
    rest: &'a str,
    values_left: usize,
}

impl Cursor<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    /// Consumes `wanted` if it comes next.
    fn take(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(BLANKS);
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.values_left = self.values_left.checked_sub(1)?;
        self.skip_blanks();
        match self.rest.chars().next()? {
            '{' => self.object(depth.checked_sub(1)?).map(Value::Object),
            '[' => self.list(depth.checked_sub(1)?).map(Value::Array),
            '"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Map<String, Value>> {
        let mut fields = Map::new();
        self.take('{')?;
        self.skip_blanks();
        if self.take('}').is_some() {
            return Some(fields);
        }
        loop {
            self.skip_blanks();
            let name = self.string()?;
            self.skip_blanks();
            self.take(':')?;
            let value = self.value(depth)?;
            fields.insert(name, value);
            self.skip_blanks();
            match self.next()? {
                ',' => {}
                '}' => return Some(fields),
                _ => return None,
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        self.take('[')?;
        self.skip_blanks();
        if self.take(']').is_some() {
            return Some(items);
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_blanks();
            match self.next()? {
                ',' => {}
                ']' => return Some(items),
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        self.take('"')?;
        loop {
            let (plain, rest) = self.rest.split_at(self.rest.find(['"', '\\'])?);
            text.push_str(plain);
            self.rest = rest;
            match self.next()? {
                '"' => return Some(text),
                _ => self.escape(&mut text)?,
            }
        }
    }

    /// Reads an escape from behind its backslash.
    fn escape(&mut self, text: &mut String) -> Option<()> {
        let character = match self.next()? {
            same @ ('"' | '\\' | '/') => same,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unit(),
            // The backslash was meant, as in a path or a formula.
            other => {
                text.push('\\');
                other
            }
        };
        text.push(character);
        Some(())
    }

    /// Reads the digits of a `\u` escape, and the second half of a surrogate pair if it has one.
    fn unit(&mut self) -> char {
        let first = self.hex_digits();
        if let Some(whole) = first.and_then(char::from_u32) {
            return whole;
        }
        let Some(high) = first.filter(|unit| (0xd800..0xdc00).contains(unit)) else {
            return UNREADABLE;
        };
        let behind = self.rest;
        let has_escape = self.take('\\').is_some() && self.take('u').is_some();
        let low = has_escape.then(|| self.hex_digits()).flatten();
        let low = low.filter(|unit| (0xdc00..0xe000).contains(unit));
        let pair =
            low.and_then(|low| char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)));
        pair.unwrap_or_else(|| {
            self.rest = behind;
            UNREADABLE
        })
    }

    /// Reads four hexadecimal digits, and consumes those that are present even if some are missing.
    fn hex_digits(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.rest.chars().next()?.to_digit(16)?;
            self.next();
            value = value * 16 + digit;
        }
        Some(value)
    }

    /// Reads a number, or a word that stands for a value.
    fn word(&mut self) -> Option<Value> {
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let end = self.rest.find(|c| !is_of_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let value = match word {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            "null" | "None" | "nil" | "undefined" | "NaN" | "Infinity" | "-Infinity" => Value::Null,
            "" => return None,
            word if word.starts_with(|c: char| c.is_ascii_alphabetic()) => return None,
            number => serde_json::from_str::<Number>(number).map_or(Value::Null, Value::Number),
        };
        self.rest = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_json_nearly_allows_is_read() {
        for (text, meant) in [
            ("\u{feff} {\"a\": 1}\n", json!({"a": 1})),
            (r#"{"a": "x \ud83d"}"#, json!({"a": "x \u{fffd}"})),
            (
                r#"["\ude00 x", "\ud83d\u0041", "\ud83d\\u"]"#,
                json!(["\u{fffd} x", "\u{fffd}A", "\u{fffd}\\u"]),
            ),
            (r#"["\ud83d\ud83d\ude00", "\ud83d\ude00"]"#, json!(["\u{fffd}😀", "😀"])),
            (r#"["\uzz", "\u12", "\u+123"]"#, json!(["\u{fffd}zz", "\u{fffd}", "\u{fffd}+123"])),
            (r#"["it\'s \alpha", "C:\dir\x"]"#, json!(["it\\'s \\alpha", "C:\\dir\\x"])),
            (
                "[\"one\ntwo\tthree\", \"one\\\n\\\ttwo\"]",
                json!(["one\ntwo\tthree", "one\\\n\\\ttwo"]),
            ),
            (
                "[1e999, -1e999, NaN, -Infinity, +1, .5, 01, 1.2.3, -]",
                json!([null, null, null, null, null, null, null, null, null]),
            ),
            (
                "[None, undefined, True, False, 1.5E3, -0.5]",
                json!([null, null, true, false, 1500.0, -0.5]),
            ),
            (r#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}"#, json!({"a": 3, "b": {"c": 2}})),
        ] {
            assert_eq!(parse(text), Ok(meant), "{text}");
        }
    }

    #[test]
    fn what_is_no_document_is_an_error_with_its_place() {
        for text in [
            "",
            " ",
            "hello",
            "{a: 1}",
            "{\"a\" 1}",
            "{\"a\": 1,}",
            "[1,]",
            "[1 2]",
            "{\"a\": 'x'}",
            "{} x",
            "[] []",
            "\u{feff}\u{feff}[]",
            "[\"\\",
            "Truely",
            "[1}",
            "{\"a\": }",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let place = parse("{\"a\": 1,\n \"b\": a tomato}").unwrap_err();
        assert_eq!(place, "it is not of its format at line 2, column 6");
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&deep(DEEPEST)).is_ok() && parse(&deep(DEEPEST + 1)).is_err());
        let many = |count| format!("[{}0]", "0,".repeat(count - 2));
        assert!(
            parse(&many(MOST_RESPONSE_VALUES)).is_ok()
                && parse(&many(MOST_RESPONSE_VALUES + 1)).is_err()
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}|[\\\\\"/\u{0}-\u{1f}]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_json_allows_is_read_as_it_is(value in values()) {
            for text in [value.to_string(), format!("{value:#}")] {
                // A number is compared as it is parsed, because printing may round it.
                prop_assert_eq!(parse(&text).ok(), serde_json::from_str::<Value>(&text).ok());
            }
        }

        #[test]
        fn a_document_that_ends_too_early_is_an_error(value in values()) {
            let text = json!({"a": value}).to_string();
            for (end, _) in text.char_indices() {
                prop_assert!(parse(&text[..end]).is_err(), "{}", &text[..end]);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\udDc8eE+. a0-9\u{feff}é]{0,60}") {
            let _ = parse(&text);
        }
    }
}
