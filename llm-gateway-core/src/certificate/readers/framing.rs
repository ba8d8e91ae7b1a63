//! Detects the framing of a response: server-sent events, one document, or one document a line.
//!
//! The body decides. Its content type counts only if the body shows nothing, because servers and
//! proxies may send a wrong one or none.

use crate::certificate::recorded::RecordedResponse;

/// The framing of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyForm {
    /// The response is sent as server-sent events.
    Events,
    /// The response is sent as one document, or as one document a line.
    Documents,
}

/// The names of the fields of an event.
const FIELDS: [&str; 4] = ["data", "event", "id", "retry"];

/// Returns the framing of a response with this body.
pub(super) fn form(response: &RecordedResponse, body: &str) -> BodyForm {
    let shown = body.strip_prefix('\u{feff}').unwrap_or(body);
    let shown = shown.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let is_field = |name: &str| {
        shown.strip_prefix(name).is_some_and(|behind| behind.starts_with([':', '\r', '\n']))
    };
    if shown.starts_with(['{', '[']) {
        BodyForm::Documents
    } else if shown.starts_with(':') || FIELDS.into_iter().any(is_field) || is_declared(response) {
        BodyForm::Events
    } else {
        BodyForm::Documents
    }
}

/// Returns whether the content type says that a response is a stream of events.
fn is_declared(response: &RecordedResponse) -> bool {
    let content_type = response.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("text/event-stream")
}

/// Returns the documents of a body with one document a line, including the closing word of a
/// stream; `None` for any other body.
pub(super) fn lines(body: &str) -> Option<Vec<&str>> {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    let belongs = |line: &&str| line.starts_with('{') || *line == "[DONE]";
    (lines.len() > 1 && lines.iter().all(belongs)).then_some(lines)
}
