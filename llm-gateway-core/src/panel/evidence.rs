//! From what dispatch recorded to what the certificate reads.

use crate::certificate::{
    CallerTexts, Commitment, Evidence, MemberEvidence, RecordedExchange, RecordedRequest,
    RecordedResponse, Spent,
};
use crate::dispatch::{AttemptOutcome, Course, PreparedCall, Refusal, Sequence};
use crate::model::{Blind, Dialect, Part, Prompt};
use crate::policy::{PlannedPanel, Policy};

/// What was fixed of one member, if anything.
pub(super) type Committed = Option<Commitment>;

/// Takes down the bytes of a member before any is sent.
pub(super) fn commit(call: &Result<PreparedCall, Refusal>, sequence: &Sequence) -> Committed {
    let request = call.as_ref().ok()?.request()?;
    let recorded = RecordedRequest::new(&request.url, &request.headers, request.body.clone());
    Some(Commitment::new(sequence.next(), recorded))
}

/// Puts together what is known of all members.
pub(super) fn gather(
    policy: &Policy,
    panel: &PlannedPanel,
    prompt: &Prompt<Blind>,
    committed: Vec<Committed>,
    courses: &[Course],
) -> Evidence {
    let members = panel.members.iter().zip(committed).zip(courses).zip(1..);
    let members = members
        .map(|(((planned, committed), course), position)| {
            let target = &planned.target;
            let spec = policy.providers().get(&target.provider);
            let (dialect, base_url) = match spec {
                Some(spec) => (spec.endpoint.dialect, spec.endpoint.base_url.as_str()),
                None => (Dialect::Own, ""),
            };
            let (provider, model) = (target.provider.as_str(), target.model.as_str());
            let mut member = MemberEvidence::new(position, provider, model, dialect, base_url);
            member.committed = committed;
            member.exchanges = exchanges(course);
            member.answered = course.result.is_ok();
            member
        })
        .collect();
    Evidence { caller: caller(prompt), members, ..Evidence::default() }
}

/// The caller's own words, as the prompt holds them.
fn caller(prompt: &Prompt<Blind>) -> CallerTexts {
    let system = prompt.system().map(|part| part.as_str().to_owned());
    let parts = prompt.turns().iter().flat_map(|turn| &turn.parts);
    CallerTexts::new(system, parts.map(|part: &Part| part.as_str().to_owned()).collect())
}

fn exchanges(course: &Course) -> Vec<RecordedExchange> {
    let recorded = course.exchanges.iter().map(|exchange| {
        let request = &exchange.request;
        let sent = RecordedRequest::new(&request.url, &request.headers, request.body.clone());
        let came = exchange.response.as_ref().map(|came| {
            let status = came.status.as_u16();
            RecordedResponse::new(came.sequence, status, &came.headers, came.body.clone())
                .with_redacted(came.redacted)
        });
        RecordedExchange::new(exchange.sent, sent, came)
    });
    recorded.collect()
}

/// What each attempt that sent something cost, by its moment.
pub(super) fn spent(course: &Course) -> Vec<(u64, Spent)> {
    let answered = course.result.as_ref().ok();
    let usage = |is_ok| answered.filter(|_| is_ok).and_then(|answered| answered.completion.usage);
    let attempts = course.attempts.iter().filter_map(|attempt| {
        let is_ok = attempt.outcome == AttemptOutcome::Ok;
        Some((attempt.sent?, Spent::new(usage(is_ok), attempt.cost)))
    });
    attempts.collect()
}
