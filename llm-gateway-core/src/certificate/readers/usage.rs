//! Reads the token counts of a response into one form for all formats: each input token is counted
//! once, and reasoning is a part of the output.
//!
//! The counts are read apart from the answer, so that an odd count does not spoil an answer. If a
//! count is odd, missing or larger than any model allows, nothing is known of the usage, and the
//! receipt's counts have to be taken on trust.

use serde_json::{Map, Value};

use super::{Format, sse};
use crate::certificate::json;
use crate::certificate::recorded::RecordedResponse;
use crate::model::Usage;

/// The counts so far, while the documents of a response are read one by one.
#[derive(Default)]
pub(super) struct Tally {
    /// The last complete counts.
    pub(super) usage: Option<Usage>,
    /// The last value of each of Anthropic's counts.
    pub(super) counts: Map<String, Value>,
    /// Whether the answer is complete, so that Gemini's counts are final.
    pub(super) ended: bool,
}

/// Returns the tokens that a response in the format `F` says it used.
pub(super) fn usage_as<F: Format>(response: &RecordedResponse) -> Option<Usage> {
    if !(200..300).contains(&response.status) {
        return None;
    }
    let body = response.body.as_bytes();
    let mut tally = Tally::default();
    if sse::is_stream(response) {
        let events = sse::events(body).ok()?;
        for event in events.iter().take_while(|event| !sse::is_end(&event.data)) {
            // What follows the end is not part of the answer.
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

/// Returns the count at a place: `Some(None)` if there is none, `None` if the value there, or the
/// one above it, is something else.
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

/// Returns the count at a place, or zero if there is none. `None` if the value there, or the one
/// above it, is something else.
pub(super) fn or_zero(usage: &Value, place: &str) -> Option<u64> {
    count(usage, place).map(Option::unwrap_or_default)
}
