//! How a response is framed: as server-sent events, as one document, or as one document a line.
//!
//! What the body shows decides. Its content type counts only where the body shows nothing, because
//! servers and proxies send another one or none.

use crate::certificate::recorded::RecordedResponse;

/// How a response is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyForm {
    /// Server-sent events.
    Events,
    /// One document, or one a line.
    Documents,
}

/// The names of the fields of an event.
const FIELDS: [&str; 4] = ["data", "event", "id", "retry"];

/// Returns how a response with this body is framed.
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

/// Returns the documents of a body that has one a line, and the closing word of a stream if it is
/// among them. `None` for any other body.
pub(super) fn lines(body: &str) -> Option<Vec<&str>> {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    let belongs = |line: &&str| line.starts_with('{') || *line == "[DONE]";
    (lines.len() > 1 && lines.iter().all(belongs)).then_some(lines)
}
