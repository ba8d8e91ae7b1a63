//! How an answer is framed, told by what its body shows: servers and proxies name another
//! content type, or none.

use serde_json::{Map, Value};

use super::events::LARGEST_EVENT;

/// How an answer is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON document, or one a line.
    Documents,
}

/// The names with which a line of a stream of events begins.
const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b":"];

/// Tells the framing by the first bytes of a body; `None` where more of them are needed, or
/// where they show neither.
pub(super) fn shown_by(body: &[u8]) -> Option<Framing> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii_start();
    match body.first()? {
        b'{' | b'[' => Some(Framing::Documents),
        _ => {
            let names = |field: &&[u8]| {
                body.strip_prefix(*field).is_some_and(|rest| {
                    **field == *b":" || matches!(rest.first(), Some(b':' | b'\r' | b'\n'))
                })
            };
            FIELDS.iter().any(names).then_some(Framing::Events)
        }
    }
}

/// Whether more bytes could show the framing of a body that begins so.
pub(super) fn is_open(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let shown = body.trim_ascii_start();
    let may_become = |field: &&[u8]| field.starts_with(shown) || *field == shown;
    body.len() < LARGEST_EVENT && FIELDS.iter().any(may_become)
}

/// The documents of a body with one a line, or of a list of them, as Gemini streams without
/// `alt=sse`; `None` for another body.
pub(super) fn documents(body: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('[') {
        let documents: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
        return Some(
            documents.into_iter().map(|fields| Value::Object(fields).to_string()).collect(),
        );
    }
    let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let are_objects = lines.iter().all(|line| line.starts_with('{'));
    (lines.len() > 1 && are_objects).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_shows_its_framing() {
        for (body, framing) in [
            ("{\"id\": 1}", Some(Framing::Documents)),
            ("\u{feff}\r\n [", Some(Framing::Documents)),
            ("data: {}", Some(Framing::Events)),
            ("\u{feff}event: x", Some(Framing::Events)),
            (": ping", Some(Framing::Events)),
            ("\n\n:\n", Some(Framing::Events)),
            ("id: 7", Some(Framing::Events)),
            ("data\n", Some(Framing::Events)),
            ("database", None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(shown_by(body.as_bytes()), framing, "{body:?}");
        }
        for (body, open) in [("", true), (" ", true), ("da", true), ("data", true), ("dot", false)]
        {
            assert_eq!(is_open(body.as_bytes()), open, "{body:?}");
        }
    }

    #[test]
    fn documents_stand_one_a_line() {
        let lines = documents(b"{\"a\": 1}\r\n\n{\"b\": 2}\n").unwrap();
        assert_eq!(lines, ["{\"a\": 1}", "{\"b\": 2}"]);
        let list = documents(b"[{\"a\": 1},\n{\"b\": 2}]").unwrap();
        assert_eq!(list, ["{\"a\":1}", "{\"b\":2}"]);
        for other in ["{\"a\": 1}", "{\n\"a\": 1}", "[1]", "{}\nhello"] {
            assert_eq!(documents(other.as_bytes()), None, "{other}");
        }
    }
}
