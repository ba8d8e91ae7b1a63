//! The tokens that a response counts, in one shape for all formats: each input token once, and
//! reasoning as a part of the output.
//!
//! Read apart from the answer, so that an odd count spoils none. Where a count is odd, missing or
//! beyond any model, nothing is known: the caller has to take the issuer's word.

use serde_json::{Map, Value};

use super::{Format, sse};
use crate::certificate::json;
use crate::certificate::recorded::RecordedResponse;
use crate::model::Usage;

/// What the documents of a response, read one by one, have told.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) usage: Option<Usage>,
    /// AnthropicReader's counts, each the newest.
    pub(super) counts: Map<String, Value>,
    /// Whether GeminiReader's counts are final.
    pub(super) ended: bool,
}

/// What a response of the format `F` says that it used.
pub(super) fn usage_as<F: Format>(response: &RecordedResponse) -> Option<Usage> {
    if !(200..300).contains(&response.status) {
        return None;
    }
    let body = response.body.as_bytes();
    let mut tally = Tally::default();
    if sse::is_stream(response) {
        let events = sse::events(body).ok()?;
        for event in events.iter().take_while(|event| !sse::is_end(&event.data)) {
            // What follows the end is none of the answer.
            if F::usage(&json::parse(event.data.as_bytes()).ok()?, &mut tally).is_break() {
                break;
            }
        }
    } else {
        tally.ended = true;
        let _ = F::usage(&json::parse(body).ok()?, &mut tally);
    }
    tally.usage.filter(Usage::is_plausible)
}

/// The count at a place: `Some(None)` where there is none, `None` where something else stands there,
/// or above it.
pub(super) fn count(usage: &Value, place: &str) -> Option<Option<u64>> {
    let (above, _) = place.rsplit_once('/')?;
    if usage.pointer(above).is_some_and(|above| !above.is_object() && !above.is_null()) {
        return None;
    }
    match usage.pointer(place) {
        None | Some(Value::Null) => Some(None),
        Some(there) => there.as_u64().map(Some),
    }
}

/// The same, where no count is a count of zero.
pub(super) fn or_zero(usage: &Value, place: &str) -> Option<u64> {
    count(usage, place).map(Option::unwrap_or_default)
}
