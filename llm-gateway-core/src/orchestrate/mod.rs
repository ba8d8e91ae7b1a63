//! Orchestrations: a task is planned, done and verified, in steps that each declare what they see.
//!
//! The workflow of the policy says what a step may see, and the step's prompt is built from that
//! alone. Before the first step, the money for all calls is set aside, or the task is refused. Each
//! call then goes through `dispatch` like any other. A verifier's reply is read strictly: it counts
//! as an acceptance only if it is one beyond doubt.
//!
//! What the recorded bytes show of the verifier's blindness is decided in
//! [`certificate`](crate::certificate); how the end is reported to the caller, in `run`.

mod bookings;
mod prompt;
mod roles;
mod rounds;
mod step;
mod verdict;

use std::time::Duration;

use crate::certificate::{AttemptCost, StepEvidence};
use crate::dispatch::{Advice, Allowance, AnsweredAttempt, Attempt, Context, Refusal};
use crate::error::Error;
use crate::evidence;
use crate::model::{Blind, Prompt, Target};
use crate::policy::PlannedOrchestration;

use bookings::Bookings;
use rounds::Rounds;
use step::Steps;

pub use verdict::{ChecklistItem, Decision, Met, Verdict};
#[cfg(test)]
pub(crate) use verdict::{ParsedReply, Question, VerifierReply, parse_reply};

/// The results of one round of an orchestration, as far as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// Plan of the planner, if one was made.
    pub plan: Option<String>,
    /// Artifact that the worker made, if it made one.
    pub artifact: Option<String>,
    /// Verdict of the verifier on the artifact, if there is one.
    pub verdict: Option<Verdict>,
}

/// One call of an orchestration, and how it ended.
pub(crate) struct StepRun {
    /// Whether the call asks again for a verdict, after a reply that was not one.
    pub(crate) again: bool,
    pub(crate) target: Target,
    pub(crate) result: Result<AnsweredAttempt, Refusal>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) latency: Duration,
    /// The evidence of the step: the texts that its model was shown, and the recorded bytes of the
    /// call.
    pub(crate) evidence: StepEvidence,
    /// Tokens and cost of each attempt, by the recorder's number of the moment at which it was
    /// sent.
    pub(crate) spent: Vec<(u64, AttemptCost)>,
}

/// An orchestration that has ended: its calls, its results, and how it ended.
pub(crate) struct OrchestrationRun {
    /// Every call of the orchestration, in the order in which the calls were made.
    pub(crate) steps: Vec<StepRun>,
    /// Results of each round of the orchestration, of which there is at least one.
    pub(crate) rounds: Vec<Round>,
    /// The end of the orchestration.
    pub(crate) end: OrchestrationEnd,
}

/// The way in which an orchestration ended, such as with an accepted artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrchestrationEnd {
    /// The end with an artifact that the verifier accepted.
    Accepted,
    /// The end with an artifact that nobody judged, because the workflow has no verifier.
    Unjudged,
    /// The end with an artifact that was refused when no round was left, or that the verifier could
    /// not judge.
    Refused,
    /// The end with an artifact whose verifier gave no answer; the last call shows why.
    Unverified,
    /// The end with a planner or worker that gave no answer or was stopped by the caller; the last
    /// call shows why.
    Failed {
        /// Name of the step that failed or was stopped.
        stage: String,
    },
}

/// Runs an orchestration for a task.
///
/// # Errors
/// The error that refuses the orchestration before anything is sent: a kill switch, its price, a
/// cap, the ledger, or a stop by the caller.
///
/// # Cancel safety
/// Dropping the future closes the connection, and releases the money of later steps.
pub(crate) async fn orchestrate(
    context: &Context<'_>,
    orchestration: &PlannedOrchestration,
    task: &Prompt<Blind>,
) -> Result<OrchestrationRun, Error> {
    let allowance = orchestration.max_cost.map(|limit| Allowance::new(limit, "max_usd"));
    let context = &Context { allowance: allowance.as_ref(), advice: Advice::OfTask, ..*context };
    if context.is_stopped() {
        return Err(context.stopped_before("anybody"));
    }
    // Each step is shown the task.
    let length: usize = task.texts().map(str::len).sum();
    let shown = orchestration.steps.iter().map(|_| length);
    evidence::warn_of_large_bundle(std::iter::once(length), shown);
    let bookings = Bookings::set_aside(context, orchestration, task).await?;
    let steps = Steps::new(context, orchestration, bookings);
    Ok(Rounds::new(orchestration, task, steps).run().await)
}
