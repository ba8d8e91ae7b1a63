//! Detects how an answer is framed by its body, because servers and proxies may send a wrong
//! content type, or none.

use super::events::LARGEST_EVENT;

/// The framing of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// The answer is sent as server-sent events.
    Events,
    /// The answer is sent as one JSON document, or as one document a line.
    Documents,
}

/// The names with which a line of a stream of events begins.
const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b":"];

/// Returns the framing that the first bytes of a body show; `None` if more bytes are needed, or the
/// bytes show no framing.
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

/// Returns whether more bytes could show the framing of a body with this beginning.
pub(super) fn is_open(body: &[u8]) -> bool {
    let mark = "\u{feff}".as_bytes();
    let is_part_of_mark = mark.starts_with(body);
    let body = body.strip_prefix(mark).unwrap_or(body);
    let shown = body.trim_ascii_start();
    let may_become = |field: &&[u8]| field.starts_with(shown) || *field == shown;
    body.len() < LARGEST_EVENT && (is_part_of_mark || FIELDS.iter().any(may_become))
}

/// Returns the documents of a body with one document a line, which may also hold the closing word
/// of a stream; `None` for any other body.
pub(super) fn documents(body: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    let belong = lines.iter().all(|line| line.starts_with('{') || *line == "[DONE]");
    (lines.len() > 1 && belong).then(|| lines.into_iter().map(str::to_owned).collect())
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
        let mark = "\u{feff}".as_bytes();
        assert!((0..=mark.len()).all(|cut| is_open(&mark[..cut])), "a mark may be cut");
    }

    #[test]
    fn documents_stand_one_a_line() {
        let lines = documents(b"{\"a\": 1}\r\n\n{\"b\": 2}\n").unwrap();
        assert_eq!(lines, ["{\"a\": 1}", "{\"b\": 2}"]);
        let lines = documents(b"\xef\xbb\xbf{\"a\": \"\xe9\"}\n[DONE]").unwrap();
        assert_eq!(lines, ["{\"a\": \"\u{fffd}\"}", "[DONE]"]);
        for other in ["{\"a\": 1}", "{\n\"a\": 1}", "[{}]", "{}\nhello"] {
            assert_eq!(documents(other.as_bytes()), None, "{other}");
        }
    }
}
