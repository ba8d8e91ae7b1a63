//! Panels: several models that are asked the same question, and cannot see each other's answers.
//!
//! A panel promises the order of its steps. Every member's bytes are fixed and committed. Then the
//! money for all of them is set aside as one. Then all are sent at the same time, and no answer is
//! read before every member has answered or failed. The cost of all attempts together, retries
//! included, stays within the panel's cap. There is no fallback inside a panel: a member that fails
//! stays failed, and the certificate is about the members that answered.
//!
//! This room asks the members and compares their answers. Whether the result counts as an answer is
//! decided in the room `run`.

mod abstention;
mod agreement;
mod effective;
mod form;
mod likeness;
mod switches;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::certificate::{AttemptCost, CallerTexts, Commitment, Evidence};
use crate::dispatch::{
    self, Allowance, Booking, Context, Course, PreparedCall, Reach, Refusal, prepare, reserve,
};
use crate::error::{Category, Error};
use crate::event::Event;
use crate::evidence;
use crate::model::{Blind, Prompt, Sequence, Target};
use crate::policy::PlannedPanel;

pub(crate) use abstention::abstains;
pub use agreement::{Agreement, Cluster, Consensus};
pub(crate) use agreement::{agreement, gist};
pub use effective::EffectiveSampleSize;
pub(crate) use effective::MemberAnswer;

/// The answers of a panel's members, before they are compared and certified.
pub(crate) struct PanelRun<'a> {
    /// The booking of the call that was booked with the members, if there is one.
    pub(crate) beside: Option<Booking<'a>>,
    /// The course of each member's call, in the policy's order.
    pub(crate) courses: Vec<Course>,
    /// The evidence from which the certificate is issued.
    pub(crate) evidence: Evidence,
    /// Tokens and cost of each attempt, by the recorder's number of the moment at which it was
    /// sent.
    pub(crate) spent: BTreeMap<u64, AttemptCost>,
}

/// Returns what the members of a panel may cost together, if the policy sets a limit.
pub(crate) fn allowance(panel: &PlannedPanel) -> Option<Allowance> {
    panel.cost_cap.map(|cap| Allowance::new(cap, "cost_cap_usd"))
}

/// Asks the members of a panel. A member for which `missing_key` returns an error is not asked. If
/// too few members are left for the quorum, no member is asked. The money for a call `beside` the
/// members, which may follow them, is set aside with theirs, or nobody is asked.
///
/// # Errors
/// The error that refuses the panel as a whole, before anything is sent: a kill switch, its price,
/// a cap, or the ledger.
///
/// # Cancel safety
/// Dropping the future cancels the calls of all members.
pub(crate) async fn ask<'a>(
    context: &Context<'a>,
    panel: &PlannedPanel,
    prompt: &Prompt<Blind>,
    beside: Option<&PreparedCall>,
    missing_key: impl Fn(&Target) -> Option<Error>,
) -> Result<PanelRun<'a>, Error> {
    let open = Prompt::from(prompt.clone());
    let prepared = panel.members.iter().map(|member| {
        let call = prepare(context, member, &open)?;
        match missing_key(&member.target) {
            Some(error) => Err(call.refused(error, Reach::Target)),
            None => Ok(call),
        }
    });
    let prepared = switches::check(context, prepared.collect())?;
    let prepared = spare_if_too_few(panel, prepared);
    let bodies = prepared.iter().flatten().filter_map(|call| Some(call.request()?.body.len()));
    evidence::warn_of_large_bundle(prompt.texts().map(str::len), bodies);
    let sequence = Arc::new(Sequence::default());
    let commit = |call: &Result<PreparedCall, Refusal>| {
        call.as_ref().ok().and_then(|call| evidence::commit(call, &sequence))
    };
    let committed = prepared.iter().map(commit).collect();
    let calls = prepared.iter().flatten().chain(beside).map(PreparedCall::worst_case);
    let mut bookings = reserve(context, &calls.collect::<Vec<_>>()).await?;
    let beside = beside.and_then(|_| bookings.pop());
    let courses = run_all(context, panel, prepared, bookings, &sequence).await;
    let evidence = gather_evidence(context, panel, prompt, committed, &courses);
    let spent = courses.iter().flat_map(evidence::costs).collect();
    Ok(PanelRun { beside, courses, evidence, spent })
}

/// Refuses every call of a panel if fewer members can be asked than must answer, because their
/// answers would be paid for in vain.
fn spare_if_too_few(
    panel: &PlannedPanel,
    prepared: Vec<Result<PreparedCall, Refusal>>,
) -> Vec<Result<PreparedCall, Refusal>> {
    let (able, of, quorum) = (prepared.iter().flatten().count(), prepared.len(), panel.quorum());
    if able >= quorum {
        return prepared;
    }
    let spare = |call: PreparedCall| {
        let message = format!("not asked: {able} of {of} members can be, and {quorum} must answer");
        Err(call.refused(Error::new(Category::Quorum, message), Reach::Target))
    };
    prepared.into_iter().map(|call| call.and_then(spare)).collect()
}

/// Sends every member's request at the same time, and waits until each member has answered or
/// failed.
async fn run_all(
    context: &Context<'_>,
    panel: &PlannedPanel,
    prepared: Vec<Result<PreparedCall, Refusal>>,
    bookings: Vec<Booking<'_>>,
    sequence: &Arc<Sequence>,
) -> Vec<Course> {
    let targets: Vec<_> = panel.members.iter().map(|member| member.target.clone()).collect();
    let of = targets.len();
    context.events.send(Event::Panel { members: targets.clone() });
    // There is one booking for each call that was prepared, in the same order.
    let mut bookings = bookings.into_iter();
    let members = prepared.into_iter().map(|call| match call {
        Ok(call) => Ok((call, bookings.next())),
        Err(refusal) => Err(refusal),
    });
    let runs = members.zip(targets).zip(1..).map(|((call, target), member)| async move {
        let course = match call {
            Ok((call, booking)) => {
                dispatch::run_alone(context, call, booking, Arc::clone(sequence)).await
            }
            Err(refusal) => Course::refused(refusal),
        };
        let answered = course.result.is_ok();
        context.events.send(Event::Member { member, of, target, answered });
        course
    });
    join_all(runs).await
}

/// Collects the evidence of all members of a panel.
fn gather_evidence(
    context: &Context<'_>,
    panel: &PlannedPanel,
    prompt: &Prompt<Blind>,
    committed: Vec<Option<Commitment>>,
    courses: &[Course],
) -> Evidence {
    let members = panel.members.iter().zip(committed).zip(courses).zip(1..);
    let members = members.map(|(((planned, committed), course), position)| {
        evidence::call_evidence(context, position, &planned.target, committed, course)
    });
    Evidence { caller: caller(prompt), members: members.collect(), ..Evidence::default() }
}

/// Returns the caller's own texts from the prompt of a panel.
fn caller(prompt: &Prompt<Blind>) -> CallerTexts {
    let system = prompt.system().map(|part| part.as_str().to_owned());
    let parts = prompt.turns().iter().flat_map(|turn| &turn.parts);
    CallerTexts::new(system, parts.map(|part| part.as_str().to_owned()).collect())
}
