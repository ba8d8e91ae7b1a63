//! Plan, execute, verify: steps with declared sight, one after the other.
//!
//! What a step may see is the workflow's word (`policy`), and the prompt is built from that
//! alone. The whole is paid for or refused before the first step; each call then goes through
//! dispatch like any other. A verifier's reply is read strictly: whatever is not beyond doubt an
//! acceptance is none. What all of it shows of the verifier's blindness is the certificate's to
//! say, and how it is told to a caller the gateway's.

mod bookings;
mod prompt;
mod roles;
mod rounds;
mod step;
mod verdict;

use std::time::Duration;

use crate::certificate::{AttemptCost, StepEvidence};
use crate::dispatch::{Advice, Allowance, Answered, Attempt, Context, Refusal};
use crate::error::Error;
use crate::model::{Blind, Prompt, Target};
use crate::policy::PlannedOrchestration;

use bookings::Bookings;
use rounds::Rounds;
use step::Steps;

pub use verdict::{ChecklistItem, Decision, Met, Verdict};
#[cfg(test)]
pub(crate) use verdict::{ParsedReply, parse_reply};

/// What one round of an orchestration gave, as far as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// The plan, where one was made.
    pub plan: Option<String>,
    /// What the worker made.
    pub artifact: Option<String>,
    /// What the verifier said of it.
    pub verdict: Option<Verdict>,
}

/// One call of an orchestration, and how it went.
pub(crate) struct StepRun {
    /// Whether it is the repair of a verdict.
    pub(crate) again: bool,
    pub(crate) target: Target,
    pub(crate) result: Result<Answered, Refusal>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) latency: Duration,
    /// What it was told and shown, and its bytes.
    pub(crate) evidence: StepEvidence,
    /// What each of its attempts cost, by the moment at which it was sent.
    pub(crate) spent: Vec<(u64, AttemptCost)>,
}

/// Everything that was done for a task.
pub(crate) struct OrchestrationRun {
    /// Every call, in the order in which they were made.
    pub(crate) steps: Vec<StepRun>,
    /// What each round gave; at least one.
    pub(crate) rounds: Vec<Round>,
    /// How it ended.
    pub(crate) end: OrchestrationEnd,
}

/// How an orchestration ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrchestrationEnd {
    /// The artifact was accepted.
    Accepted,
    /// Nobody was asked to judge it.
    Unjudged,
    /// It was refused and no round is left, or it could not be judged.
    Refused,
    /// The verifier could not be had; the last call says why.
    Unverified,
    /// A step gave nothing to go on with, or a stop cut it off; the last call says why.
    Failed {
        /// Which.
        stage: String,
    },
}

/// Works on a task.
///
/// # Errors
/// What refuses it as a whole, before anything is sent: a kill switch, its price, a cap, the
/// ledger, a stop.
///
/// # Cancel safety
/// Dropping the future closes the connection, and gives back what is set aside for later steps.
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
    let bookings = Bookings::set_aside(context, orchestration, task).await?;
    let steps = Steps::new(context, orchestration, bookings);
    Ok(Rounds::new(orchestration, task, steps).run().await)
}
