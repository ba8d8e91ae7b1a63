//! Tests of receipts and bundles that a JSON tool has rewritten, and of others that say something
//! else.

use serde_json::Value;

use super::receipts::{good, verify};
use crate::certificate::VerifyResult::{self, Holds, Undecided};

/// The style in which a tool writes JSON.
#[derive(Clone, Copy)]
struct Style {
    /// The white space before each value, key and closing bracket.
    blank: &'static str,
    /// Whether the keys of an object are written in reverse order.
    is_reversed: bool,
    character: fn(char) -> String,
    number: fn(u64) -> String,
}

const PLAIN: Style =
    Style { blank: "", is_reversed: false, character: needed, number: |n| n.to_string() };

/// Writes a character, escaped only if it must be.
fn needed(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        c if c < ' ' => format!("\\u{:04X}", c as u32),
        c => c.to_string(),
    }
}

/// Writes a character as `\u` escapes.
fn escaped(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect()
}

impl Style {
    fn write(&self, value: &Value, text: &mut String) {
        text.push_str(self.blank);
        match value {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                if self.is_reversed {
                    fields.reverse();
                }
                text.push('{');
                for (n, (key, field)) in fields.into_iter().enumerate() {
                    text.push_str(if n > 0 { "," } else { "" });
                    self.write(&Value::String(key.clone()), text);
                    text.push_str(self.blank);
                    text.push(':');
                    self.write(field, text);
                }
                text.push_str(self.blank);
                text.push('}');
            }
            Value::Array(items) => {
                text.push('[');
                for (n, item) in items.iter().enumerate() {
                    text.push_str(if n > 0 { "," } else { "" });
                    self.write(item, text);
                }
                text.push(']');
            }
            Value::String(string) => {
                text.push('"');
                string.chars().for_each(|c| text.push_str(&(self.character)(c)));
                text.push('"');
            }
            Value::Number(number) => text.push_str(&(self.number)(number.as_u64().unwrap())),
            other => text.push_str(&other.to_string()),
        }
    }
}

fn styles() -> Vec<(&'static str, Style)> {
    vec![
        ("blanks", Style { blank: " \t\r\n", ..PLAIN }),
        ("order of keys", Style { is_reversed: true, ..PLAIN }),
        ("all escaped", Style { character: escaped, ..PLAIN }),
        (
            "ASCII",
            Style { character: |c| if c.is_ascii() { needed(c) } else { escaped(c) }, ..PLAIN },
        ),
        (
            "slashes",
            Style { character: |c| if c == '/' { "\\/".into() } else { needed(c) }, ..PLAIN },
        ),
        (
            "for HTML",
            Style {
                character: |c| if "<>&'+=".contains(c) { escaped(c) } else { needed(c) },
                ..PLAIN
            },
        ),
        ("floats", Style { number: |n| format!("{n}.0"), ..PLAIN }),
        ("exponents", Style { number: |n| format!("{n}e0"), ..PLAIN }),
        (
            "shifted",
            Style { number: |n| if n > 0 { format!("{n}00E-2") } else { "-0E+9".into() }, ..PLAIN },
        ),
        ("fractions", Style { number: |n| format!("{n}.000e+0"), ..PLAIN }),
        (
            "everything",
            Style {
                blank: "\n    ",
                is_reversed: true,
                character: escaped,
                number: |n| format!("{n}.0"),
            },
        ),
    ]
}

/// Returns every way to rewrite a document, with a description.
fn rewritten(document: &[u8]) -> Vec<(String, Vec<u8>)> {
    let value: Value = serde_json::from_slice(document).unwrap();
    let text = std::str::from_utf8(document).unwrap();
    let utf16 = |mark: &[u8], unit: fn(u16) -> [u8; 2]| {
        [mark, &text.encode_utf16().flat_map(unit).collect::<Vec<u8>>()].concat()
    };
    let mut all = vec![
        ("a last line end".to_owned(), [document, b"\n"].concat()),
        ("a last line end of Windows".to_owned(), [document, b"\r\n"].concat()),
        ("blanks around".to_owned(), [b"\n\t ", document, b" \n\n"].concat()),
        ("indented".to_owned(), format!("{value:#}").into_bytes()),
        ("a byte order mark".to_owned(), ["\u{feff}".as_bytes(), document].concat()),
        ("UTF-16".to_owned(), utf16(&[0xff, 0xfe], u16::to_le_bytes)),
        ("UTF-16, big end first".to_owned(), utf16(&[0xfe, 0xff], u16::to_be_bytes)),
    ];
    for (about, style) in styles() {
        let mut text = String::new();
        style.write(&value, &mut text);
        all.push((about.to_owned(), text.into_bytes()));
    }
    all
}

fn says_reformatted(receipt: &[u8], bundle: Option<&[u8]>) -> (VerifyResult, Vec<String>) {
    let found = verify(receipt, bundle);
    let told = found.findings.iter().filter(|it| it.contains("reformatted")).cloned().collect();
    (found.result, told)
}

/// Checks documents of which only the form was changed. The check says so of each document
/// separately.
#[test]
fn what_was_only_written_anew_holds() {
    let (mut receipt, bundle) = good();
    receipt.task_class = "naïve/😀<\u{1}\u{7f}\u{2028}".to_owned();
    receipt.digest = receipt.computed_digest();
    let receipt = receipt.to_bytes();
    assert_eq!(says_reformatted(&receipt, Some(&bundle)), (Holds, Vec::new()));
    let told =
        |what| format!("the {what} was reformatted: it is written anew, and says what was issued");
    let of_bundle = rewritten(&bundle);
    for ((about, receipt_anew), (_, bundle_anew)) in rewritten(&receipt).iter().zip(&of_bundle) {
        // The bundle of this panel has no text that is not ASCII.
        let bundle_anew = if *bundle_anew == bundle { &of_bundle[0].1 } else { bundle_anew };
        let alone = says_reformatted(receipt_anew, None);
        assert_eq!(alone, (Undecided, vec![told("receipt")]), "{about}");
        let with_bundle = says_reformatted(receipt_anew, Some(&bundle));
        assert_eq!(with_bundle, (Holds, vec![told("receipt")]), "{about}");
        let of_bundle = says_reformatted(&receipt, Some(bundle_anew));
        assert_eq!(of_bundle, (Holds, vec![told("bundle")]), "{about}");
        let both = says_reformatted(receipt_anew, Some(bundle_anew));
        assert_eq!(both, (Holds, vec![told("receipt"), told("bundle")]), "{about}");
    }
}

/// Checks documents with two values under one key: readers may use either, so such a document says
/// two things.
#[test]
fn a_key_that_stands_twice_never_holds() {
    let (receipt, bundle) = good();
    let receipt = receipt.to_bytes();
    let mut tried = 0;
    for (document, is_receipt) in [(&receipt, true), (&bundle, false)] {
        let text = std::str::from_utf8(document).unwrap();
        // Each object, at every depth, gets its first field once more: as it is, and as null.
        for (at, _) in text.match_indices("{\"") {
            let rest = &text[at + 1..];
            let mut fields = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            let key = fields.next().unwrap().unwrap();
            let after_key = &rest[fields.byte_offset() + 1..];
            let mut values = serde_json::Deserializer::from_str(after_key).into_iter::<Value>();
            let first = values.next().unwrap().unwrap();
            for again in [first, Value::Null] {
                let twice = format!("{}{key}:{again},{rest}", &text[..=at]);
                let found = match is_receipt {
                    true => verify(twice.as_bytes(), Some(&bundle)).result,
                    false => verify(&receipt, Some(twice.as_bytes())).result,
                };
                assert_ne!(found, Holds, "{key} at {at}");
                tried += 1;
            }
        }
    }
    assert!(tried > 80, "{tried}");
}

/// Checks documents that look like another form, but say something else, or are no JSON.
#[test]
fn what_says_something_else_never_holds() {
    let (receipt, bundle) = good();
    let text = String::from_utf8(receipt.to_bytes()).unwrap();
    let swap = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let families = text.split("\"lineage\":[").nth(1).unwrap().split(']').next().unwrap();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let changed: Vec<Vec<u8>> = [
        swap("\"attempt\":1", "\"attempt\":1.5"),
        swap("\"attempt\":1", "\"attempt\":-1"),
        swap("\"attempt\":1", "\"attempt\":\"1\""),
        swap("\"attempt\":1", "\"attempt\":1.0000001"),
        swap("\"attempt\":1", "\"attempt\":01"),
        swap("\"attempt\":1", "\"attempt\":+1"),
        swap("\"attempt\":1", "\"attempt\":0x1"),
        swap("\"attempt\":1", "\"attempt\":1e1"),
        swap("\"attempt\":1", "\"attempt\":true"),
        swap("\"attempt\":1", "\"Attempt\":1"),
        swap("\"attempt\":1", "\"attempt\":[1]"),
        swap("\"attempt\":1", "\"attempt\":1,\"more\":null"),
        swap("\"attempt\":1,", ""),
        swap("\"unreadable\":null", "\"unreadable\":\"\""),
        swap(",\"unreadable\":null", ""),
        swap("\"redacted\":false", "\"redacted\":null"),
        swap("\"redacted\":false", "\"redacted\":0"),
        swap(&format!("\"lineage\":[{families}]"), &format!("\"lineage\":[{families},{families}]")),
        swap(
            &format!("\"lineage\":[{families}]"),
            &format!("\"lineage\":[{families}],\"moves\":false"),
        ),
        swap("\"gpt-4o\"", "\"gpt-4\u{4e}o\""),
        swap("\"gpt-4o\"", "\"gpt-4o \""),
        swap("\"gpt-4o\"", "\"gpt-4o\\ud800\""),
        swap("\"gpt-4o\"", "'gpt-4o'"),
        swap("\"triple_review\"", "\"triple\\_review\""),
        swap("{", "{\"$schema\":\"x\","),
        swap("{", "/* of yesterday */{"),
        swap("{", "[{"),
        format!("[{text}]"),
        format!("{text}{text}"),
        format!("{text},"),
        format!("{text}\u{feff}"),
        format!("\u{feff}\u{feff}{text}"),
        format!("\u{a0}{text}"),
        text.replace('"', "\\\""),
        serde_json::to_string(&text).unwrap(),
        format!("{text}\0"),
        text[..text.len() - 1].to_owned(),
        text.replace("},{", "},,{"),
        text.replacen("]}", ",]}", 1),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([
        utf16.clone(),
        [&[0xff, 0xfe], &utf16[..], b"\n"].concat(),
        [b"\xff", text.as_bytes()].concat(),
    ])
    .collect();
    for document in changed {
        let found = verify(&document, Some(&bundle));
        let shown = String::from_utf8_lossy(&document);
        assert!(![Holds, Undecided].contains(&found.result), "{:?}: {shown:.3000}", found.findings);
    }
}
