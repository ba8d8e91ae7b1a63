//! Turns what dispatch recorded into the evidence that the certificate reads.
//!
//! Panels and orchestrations use this file: before a request is sent, to commit its bytes, and
//! after the answer, to collect what was sent and received. It decides nothing. The certificate
//! itself may not see dispatch, so this file stands between the two.

use crate::certificate::{
    AttemptCost, CallEvidence, Commitment, RecordedExchange, RecordedRequest, RecordedResponse,
};
use crate::dispatch::{AttemptOutcome, Course, PreparedCall};
use crate::model::{Capability, Dialect, Sequence, Target};
use crate::policy::Policy;

/// Records the bytes of a call's request before they are sent. `None` if the provider shows no
/// bytes.
pub(crate) fn commit(call: &PreparedCall, sequence: &Sequence) -> Option<Commitment> {
    let request = call.request()?;
    let recorded = RecordedRequest::new(&request.url, &request.headers, request.body.clone());
    Some(Commitment::new(sequence.next(), recorded))
}

/// Returns the evidence of a run's call to the member or step at `position`, counted from 1.
pub(crate) fn call_evidence(
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
    let facts = policy.facts(target);
    evidence.think_tags =
        facts.is_some_and(|facts| facts.capabilities.contains(&Capability::ThinkTags));
    evidence.committed = committed;
    evidence.exchanges = exchanges(course);
    evidence.answered = course.result.is_ok();
    evidence
}

/// Returns the recorded requests and responses of all attempts of a call.
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

/// Returns the tokens and cost of each attempt that sent a request, by the moment of sending.
pub(crate) fn costs(course: &Course) -> Vec<(u64, AttemptCost)> {
    let answered = course.result.as_ref().ok();
    let usage = |is_ok| answered.filter(|_| is_ok).and_then(|answered| answered.completion.usage);
    let attempts = course.attempts.iter().filter_map(|attempt| {
        let is_ok = attempt.outcome == AttemptOutcome::Ok;
        Some((attempt.sent?, AttemptCost::new(usage(is_ok), attempt.cost)))
    });
    attempts.collect()
}
