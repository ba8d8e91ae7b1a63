//! Turns what dispatch recorded into the evidence that the certificate reads.
//!
//! Panels and orchestrations use this module: before a request is sent, to commit its bytes, and
//! after the answer, to collect what was sent and received. This module decides nothing: it stands
//! between dispatch and the certificate, which may not see dispatch.
//!
//! Known keys are removed here from everything that was recorded, whoever recorded it: this is the
//! last thing before a receipt or a bundle is made.

mod cleaned;

use crate::certificate::{
    AttemptCost, CallEvidence, Commitment, LARGEST_BUNDLE, RecordedExchange, RecordedRequest,
    RecordedResponse,
};
use crate::dispatch::{AttemptOutcome, Context, Course, PreparedCall};
use crate::model::{Capability, Dialect, Sequence, Target};

use cleaned::Cleaner;

/// Records the bytes of a call's request before they are sent. Returns `None` if the provider shows
/// no bytes.
pub(crate) fn commit(call: &PreparedCall, sequence: &Sequence) -> Option<Commitment> {
    let request = call.request()?.without_credentials();
    let recorded = RecordedRequest::new(&request.url, &request.headers, request.body.clone());
    Some(Commitment::new(sequence.next(), recorded))
}

/// Warns, before anything is sent, that the bundle of a run will be larger than the largest that is
/// written and verified. `texts` are the lengths in bytes of the caller's texts, and `bodies` are
/// the lengths of the requests, which a bundle holds as base64.
pub(crate) fn warn_of_large_bundle(
    texts: impl Iterator<Item = usize>,
    bodies: impl Iterator<Item = usize>,
) {
    let least = smallest_bundle(texts, bodies);
    if least > LARGEST_BUNDLE {
        // This level is always shown. Who asks for the bundle, the policy or a flag, is not known
        // here.
        tracing::error!(
            least,
            largest = LARGEST_BUNDLE,
            "the bundle of this run will be larger than `verify` reads, so it will not be written"
        );
    }
}

/// Returns the least number of bytes that a bundle can have.
fn smallest_bundle(
    texts: impl Iterator<Item = usize>,
    bodies: impl Iterator<Item = usize>,
) -> usize {
    let in_base64 = |bytes: usize| bytes.div_ceil(3).saturating_mul(4);
    texts.chain(bodies.map(in_base64)).fold(0, usize::saturating_add)
}

/// Returns the evidence of a run's call to the member or step at `position`, counted from 1.
pub(crate) fn call_evidence(
    context: &Context<'_>,
    position: u32,
    target: &Target,
    committed: Option<Commitment>,
    course: &Course,
) -> CallEvidence {
    let policy = context.policy;
    let spec = policy.providers().get(&target.provider);
    let (dialect, base_url) = match spec {
        Some(spec) => (spec.endpoint.dialect, spec.endpoint.base_url.as_str()),
        None => (Dialect::Own, ""),
    };
    let (provider, model) = (target.provider.as_str(), target.model.as_str());
    let mut evidence = CallEvidence::new(position, provider, model, dialect, base_url);
    let variable = spec.and_then(|spec| spec.base_url_from.variable());
    evidence.base_url_variable = variable.map(str::to_owned);
    let facts = policy.facts(target);
    evidence.think_tags =
        facts.is_some_and(|facts| facts.capabilities.contains(&Capability::ThinkTags));
    evidence.committed = committed;
    evidence.exchanges = exchanges(course);
    Cleaner::new(context.scrubber, course.prompt.as_ref()).clean(&mut evidence);
    match &course.result {
        Ok(answered) => evidence.answered_with(&answered.completion.joined_text()),
        Err(_) => evidence,
    }
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

#[cfg(test)]
mod tests {
    use std::iter::once;

    use super::*;
    use crate::certificate::{CallerTexts, Evidence, Kinship, Particulars, Receipt, Rules, Salt};
    use crate::policy::Level;

    /// Compares a bundle with the size that is foretold before anybody is paid: a bundle is never
    /// smaller than its forecast, and without answers not much larger.
    #[test]
    fn a_bundle_is_never_smaller_than_what_is_foretold() {
        for (members, text, tries) in [(0, 0, 0), (1, 1, 1), (2, 10_000, 1), (8, 50_000, 3)] {
            let request = |n: u32| {
                let body = format!("{n}{}", "x".repeat(text)).into_bytes();
                RecordedRequest::new("http://one.test/v1", &http::HeaderMap::new(), body)
            };
            let member = |n: u32| {
                let mut call =
                    CallEvidence::new(n, "one", "alpha", Dialect::OpenAi, "http://one.test");
                call.committed = Some(Commitment::new(u64::from(n), request(n)));
                let attempt = |t| RecordedExchange::new(u64::from(100 * n + t), request(n), None);
                call.exchanges = (0..tries).map(attempt).collect();
                call
            };
            let caller = CallerTexts::new(None, vec!["x".repeat(text)]);
            let members: Vec<CallEvidence> = (1..=members).map(member).collect();
            let bodies = members.iter().filter_map(|it| it.committed.as_ref());
            let bodies: Vec<usize> = bodies.map(|it| it.request.body.as_bytes().len()).collect();
            let foretold = smallest_bundle(once(text), bodies.iter().copied());
            let evidence = Evidence { caller, members, ..Evidence::default() };
            let (rules, salt) = (Rules::new(Level::None, None), Salt::from_bytes([7; 32]));
            let (particulars, kinship) = (Particulars::default(), Kinship::default());
            let (_, bundle) = Receipt::issue(particulars, evidence, &rules, &kinship, salt);
            let size = bundle.to_bytes().len();
            let more = 500 + 600 * bodies.len();
            assert!((foretold..foretold + more).contains(&size), "{foretold} foretold, {size}");
        }
    }
}
