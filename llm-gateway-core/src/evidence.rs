//! From what dispatch recorded to what the certificate reads.

use crate::certificate::{
    AttemptCost, CallEvidence, Commitment, RecordedExchange, RecordedRequest, RecordedResponse,
};
use crate::dispatch::{AttemptOutcome, Course, PreparedCall, Sequence};
use crate::model::{Dialect, Target};
use crate::policy::Policy;

/// Takes down the bytes of a call before they are sent, if it has any to show.
pub(crate) fn commit(call: &PreparedCall, sequence: &Sequence) -> Option<Commitment> {
    let request = call.request()?;
    let recorded = RecordedRequest::new(&request.url, &request.headers, request.body.clone());
    Some(Commitment::new(sequence.next(), recorded))
}

/// What is known of one of several calls: the one at `position`, counted from 1.
pub(crate) fn of_call(
    policy: &Policy,
    position: u32,
    target: &Target,
    committed: Option<Commitment>,
    course: &Course,
) -> CallEvidence {
    let spec = policy.providers().get(&target.provider);
    let (dialect, base_url) = match spec {
        Some(spec) => (spec.endpoint.dialect, spec.endpoint.base_url.as_str()),
        None => (Dialect::Own, ""),
    };
    let (provider, model) = (target.provider.as_str(), target.model.as_str());
    let mut evidence = CallEvidence::new(position, provider, model, dialect, base_url);
    evidence.committed = committed;
    evidence.exchanges = exchanges(course);
    evidence.answered = course.result.is_ok();
    evidence
}

fn exchanges(course: &Course) -> Vec<RecordedExchange> {
    let recorded = course.exchanges.iter().map(|exchange| {
        let request = &exchange.request;
        let sent = RecordedRequest::new(&request.url, &request.headers, request.body.clone());
        let came = exchange.response.as_ref().map(|came| {
            let status = came.status.as_u16();
            let response =
                RecordedResponse::new(came.sequence, status, &came.headers, came.body.clone());
            if came.redacted { response.with_redaction() } else { response }
        });
        RecordedExchange::new(exchange.sent, sent, came)
    });
    recorded.collect()
}

/// What each attempt that sent something cost, by its moment.
pub(crate) fn costs(course: &Course) -> Vec<(u64, AttemptCost)> {
    let answered = course.result.as_ref().ok();
    let usage = |is_ok| answered.filter(|_| is_ok).and_then(|answered| answered.completion.usage);
    let attempts = course.attempts.iter().filter_map(|attempt| {
        let is_ok = attempt.outcome == AttemptOutcome::Ok;
        Some((attempt.sent?, AttemptCost::new(usage(is_ok), attempt.cost)))
    });
    attempts.collect()
}
