//! Compares what a call sent with what it had committed.

use super::evidence::{CallEvidence, RecordedExchange};
use super::readers;
use super::recorded::RecordedRequest;

/// Describes how attempt `n` of a call deviates from the committed request, as the end of a sentence
/// that begins with the member or step. `None` if the attempt sent what was committed before, or,
/// after a server refused to stream, the same without what asks for a stream.
pub(super) fn deviation(
    call: &CallEvidence,
    n: usize,
    exchange: &RecordedExchange,
) -> Option<String> {
    let Some(committed) = &call.committed else {
        return Some("'s request was not committed".to_owned());
    };
    if committed.sequence > exchange.sent {
        return Some(" sent before it had committed".to_owned());
    }
    let what = difference(&committed.request, &exchange.request)?;
    let statuses = call.exchanges.iter().take(n.saturating_sub(1)).map(status);
    let is_whole = statuses.flatten().any(may_refuse_a_stream)
        && readers::is_without_stream(call.dialect, &committed.request, &exchange.request);
    if is_whole {
        return None;
    }
    Some(format!(": {what} of try {n} is not the committed one"))
}

/// Returns whether a server that does not know streams may refuse one with this status. It is then
/// asked once more without a stream.
pub(super) fn may_refuse_a_stream(status: u16) -> bool {
    status == 400 || status == 422
}

fn status(exchange: &RecordedExchange) -> Option<u16> {
    Some(exchange.response.as_ref()?.status)
}

/// Names the first part of a request that differs from the committed request.
fn difference(committed: &RecordedRequest, sent: &RecordedRequest) -> Option<&'static str> {
    if committed.url != sent.url {
        Some("the url")
    } else if committed.headers != sent.headers {
        Some("a header")
    } else if committed.body != sent.body {
        Some("the body")
    } else {
        None
    }
}
