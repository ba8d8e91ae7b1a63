//! Compares the requests of a call with the request that it had committed.

use std::collections::HashMap;

use super::effort;
use super::evidence::{CallEvidence, RecordedExchange};
use super::readers::WithoutStream;
use super::recorded::RecordedRequest;

/// Describes for each attempt of a call how its request differs from the committed request, as the
/// end of a sentence that begins with the member or step. An attempt has `None` if it sent the
/// committed request or, after a server refused to stream, the committed request without the fields
/// that ask for a stream.
///
/// The committed request is read once, and so is each request that several attempts share.
pub(super) fn deviations(call: &CallEvidence) -> Vec<Option<String>> {
    let mut compared: HashMap<usize, Difference> = HashMap::new();
    let mut without_stream = None;
    let mut may_be_whole = false;
    let mut deviation = |(exchange, n): (&RecordedExchange, usize)| {
        let was_refused = may_be_whole;
        may_be_whole |= status(exchange).is_some_and(may_refuse_a_stream);
        let Some(committed) = &call.committed else {
            return Some("'s request was not committed".to_owned());
        };
        if committed.sequence > exchange.sent {
            return Some(" sent before it had committed".to_owned());
        }
        let difference = compared
            .entry(exchange.request.address())
            .or_insert_with(|| Difference::of(&committed.request, &exchange.request));
        let what = difference.what?;
        if was_refused {
            let whole = without_stream
                .get_or_insert_with(|| WithoutStream::of(call.dialect, &committed.request));
            if *difference.is_whole.get_or_insert_with(|| whole.is(&exchange.request)) {
                return None;
            }
        }
        Some(format!(": {what} of try {n} is not the committed one"))
    };
    call.exchanges.iter().zip(1..).map(&mut deviation).collect()
}

/// The difference between a request and the committed one.
struct Difference {
    /// The first part that differs; `None` if the requests are equal.
    what: Option<&'static str>,
    /// Whether the request is the committed one without a stream; `None` until that is checked.
    is_whole: Option<bool>,
}

impl Difference {
    fn of(committed: &RecordedRequest, sent: &RecordedRequest) -> Self {
        let is_same = std::ptr::eq(committed, sent);
        let what = if is_same { None } else { difference(committed, sent) };
        Self { what, is_whole: None }
    }
}

/// Returns whether a server that does not know streams may refuse one with this status. The request
/// is then repeated without a stream.
pub(super) fn may_refuse_a_stream(status: u16) -> bool {
    status == 400 || status == 422
}

fn status(exchange: &RecordedExchange) -> Option<u16> {
    Some(exchange.response.as_ref()?.status)
}

/// Names the first part of a request that differs from the committed request.
fn difference(committed: &RecordedRequest, sent: &RecordedRequest) -> Option<&'static str> {
    effort::add(sent.body.as_bytes().len());
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
