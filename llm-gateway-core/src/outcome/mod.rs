//! The outcome of a run, a [`Reply`] or a [`Failure`], and the parts of both.
//!
//! A [`Reply`] is one model's [`Answer`], a [`PanelAnswer`], a [`CascadeAnswer`], or the outcome of
//! a task, [`OrchestrationOutcome`]. Each holds its attempts and costs. A panel also has its [`Agreement`],
//! and an orchestration its rounds with the [`Verdict`] of each. All of them convert into an
//! [`Envelope`](crate::Envelope).
//!
//! ```
//! use llm_gateway_core::{Gateway, Reply, Request};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder().offline().build()?;
//! match gateway.start(Request::new("triple_review", "6 x 7 = ?")).await {
//!     Ok(Reply::Panel(panel)) => {
//!         println!("{:?} by {}", panel.agreement.outcome, panel.agreement.method);
//!         for attempt in panel.attempts() {
//!             println!("{} {}", attempt.target, attempt.outcome.as_str());
//!         }
//!     }
//!     Ok(reply) => println!("{}", reply.text()),
//!     Err(failure) => println!("{}: {failure}", failure.category()),
//! }
//! # Ok(())
//! # }
//! ```

mod budget;
mod cascade;
mod orchestration;
mod panel;
mod partial;
mod timeless;

use std::fmt;
use std::time::Duration;

use crate::config::{Diagnostic, PolicyProblems};
use crate::dispatch::{all_recorded, total_basis, total_cost};
use crate::error::{Category, Error};
use crate::model::{Completion, CostBasis, NanoUsd, RunId, Target};
use crate::panel::gist;
use crate::policy::Preflight;

pub use crate::dispatch::{Attempt, AttemptOutcome, Cost, PartialText};
pub use crate::error::{BlockedBy, RefusingCap};
pub use crate::orchestrate::{ChecklistItem, Decision, Met, Round, Verdict};
pub use crate::panel::{Agreement, Cluster, Consensus, EffectiveSampleSize};
pub use budget::Budget;
pub(crate) use cascade::Escalation;
pub use cascade::{AnsweredBy, CascadeAnswer};
pub use orchestration::{Ending, OrchestrationOutcome, StepOutcome};
pub use panel::PanelAnswer;

/// The answer of one model, with its cost, its attempts and its price check.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// Task class that the caller asked for.
    pub task_class: String,
    /// Target that gave the answer.
    pub target: Target,
    /// Completion that the model returned.
    pub completion: Completion,
    /// Cost of the answer, and the tokens that it took.
    pub cost: Cost,
    /// Price check of the answered call.
    pub preflight: Preflight,
    /// Attempts of the request, in order.
    pub attempts: Vec<Attempt>,
    /// First target of the task class, if a fallback answered instead.
    pub fallback_from: Option<Target>,
    /// What the tightest cap leaves; `None` without a cap, and for one answer among several.
    pub budget: Option<Budget>,
    /// Time from the request to the answer.
    pub latency: Duration,
    /// Id of the run.
    pub run_id: RunId,
    /// Whether the answer is scripted.
    pub offline: bool,
}

impl Answer {
    /// Returns the text of the answer.
    pub fn text(&self) -> String {
        self.completion.joined_text()
    }

    /// Returns the beginning of the answer's text in one short line.
    pub(crate) fn gist(&self) -> String {
        gist(&self.text())
    }

    /// Returns whether the ledger has written the cost of every attempt, or `None` if money is not
    /// counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(&self.attempts)
    }

    /// Adds what the tightest cap leaves, and its warning to the price check.
    fn add_budget(&mut self, budget: Budget) {
        self.preflight.warn(budget.warning.as_deref());
        self.budget = Some(budget);
    }

    /// Returns the cost of all attempts together, those that failed included, or `None` if the cost
    /// of one is unknown. What the answer alone did cost is [`cost`](Self::cost).
    pub fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(&self.attempts)
    }

    /// Returns the basis of the total cost, which is as certain as its least certain part.
    pub fn cost_basis(&self) -> CostBasis {
        total_basis(&self.attempts)
    }

    /// Returns the number of times that the target that answered was asked again.
    pub fn retries(&self) -> usize {
        self.attempts
            .iter()
            .filter(|attempt| attempt.target == self.target && !attempt.refused_stream)
            .count()
            .saturating_sub(1)
    }
}

/// The reply of a run: an answer of one model, of a panel or of a cascade, or the outcome of a
/// task.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reply {
    /// Reply of a task class with a single model: its answer.
    Single(Box<Answer>),
    /// Reply of a panel: the answers of models that could not see each other.
    Panel(Box<PanelAnswer>),
    /// Reply to a task that was planned, done and verified: the outcome of its orchestration.
    Orchestration(Box<OrchestrationOutcome>),
    /// Reply of a cascade: the answer of its cheap models if they agree, else of the strong model.
    Cascade(Box<CascadeAnswer>),
}

impl Reply {
    /// Returns the text of the reply. For a panel it has the answer of each member under a heading.
    pub fn text(&self) -> String {
        match self {
            Self::Single(answer) => answer.text(),
            Self::Panel(panel) => panel.text(),
            Self::Orchestration(orchestrated) => orchestrated.text(),
            Self::Cascade(cascade) => cascade.text(),
        }
    }

    /// Returns the id of the run.
    pub fn run_id(&self) -> RunId {
        match self {
            Self::Single(answer) => answer.run_id,
            Self::Panel(panel) => panel.run_id,
            Self::Orchestration(orchestrated) => orchestrated.run_id,
            Self::Cascade(cascade) => cascade.answer.run_id,
        }
    }

    /// Returns what the tightest cap on the calls of the run leaves; `None` without a cap.
    pub fn budget(&self) -> Option<&Budget> {
        match self {
            Self::Single(answer) => answer.budget.as_ref(),
            Self::Panel(panel) => panel.budget.as_ref(),
            Self::Orchestration(orchestrated) => orchestrated.budget.as_ref(),
            Self::Cascade(cascade) => cascade.answer.budget.as_ref(),
        }
    }

    /// Returns the answer of a single model, if the task class asks one.
    pub fn into_answer(self) -> Option<Answer> {
        match self {
            Self::Single(answer) => Some(*answer),
            Self::Panel(_) | Self::Cascade(_) | Self::Orchestration(_) => None,
        }
    }

    /// Returns the panel's answers, if the task class is a panel.
    pub fn into_panel(self) -> Option<PanelAnswer> {
        match self {
            Self::Panel(panel) => Some(*panel),
            Self::Single(_) | Self::Cascade(_) | Self::Orchestration(_) => None,
        }
    }

    /// Returns the cascade's answer, if the task class is a cascade.
    pub fn into_cascade(self) -> Option<CascadeAnswer> {
        match self {
            Self::Cascade(cascade) => Some(*cascade),
            Self::Single(_) | Self::Panel(_) | Self::Orchestration(_) => None,
        }
    }

    /// Adds what the tightest cap leaves, and its warning to the price check of each answer.
    pub(crate) fn with_budget(mut self, budget: Budget) -> Self {
        match &mut self {
            Self::Single(answer) => answer.add_budget(budget),
            Self::Panel(panel) => panel.add_budget(budget),
            Self::Orchestration(orchestrated) => orchestrated.budget = Some(budget),
            Self::Cascade(cascade) => cascade.answer.add_budget(budget),
        }
        self
    }

    /// Returns the outcome of an orchestration, if a [`Task`](crate::Task) was started.
    pub fn into_orchestration(self) -> Option<OrchestrationOutcome> {
        match self {
            Self::Orchestration(orchestrated) => Some(*orchestrated),
            Self::Single(_) | Self::Panel(_) | Self::Cascade(_) => None,
        }
    }
}

/// The failure of a run: why there is no reply, every attempt, and whatever was paid for before the
/// failure.
///
/// Branch on [`category`](Self::category); show the text and the hint of [`error`](Self::error) to
/// a person.
#[derive(Clone)]
pub struct Failure(Box<FailureParts>);

/// The parts of a failure.
#[derive(Clone)]
pub(crate) struct FailureParts {
    pub(crate) error: Error,
    /// The problems of the policy, if the request failed because of them.
    pub(crate) problems: Option<PolicyProblems>,
    /// The answers of the panel, or of the cascade's gate, if it was asked.
    pub(crate) panel: Option<Box<PanelAnswer>>,
    /// The results of an orchestration so far, if its first step was made.
    pub(crate) orchestration: Option<Box<OrchestrationOutcome>>,
    /// The step of an orchestration that failed, or `preflight` if none was begun.
    pub(crate) failed_stage: Option<String>,
    /// The reason why the gate did not settle the question, if the panel is the gate of a cascade.
    pub(crate) escalation: Option<Escalation>,
    /// The text that the model had written all the same.
    pub(crate) partial: Option<PartialText>,
    pub(crate) task_class: String,
    pub(crate) preflight: Option<Preflight>,
    /// What the tightest cap leaves; `None` without a cap.
    pub(crate) budget: Option<Budget>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) latency: Duration,
    pub(crate) run_id: RunId,
    pub(crate) offline: bool,
}

impl FailureParts {
    /// Returns the cost of all attempts together, or `None` if the cost of one is unknown.
    pub(crate) fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(&self.attempts)
    }

    /// Creates the parts of a failure that came before the first attempt.
    pub(crate) fn before(error: Error, run_id: RunId) -> Self {
        Self {
            error,
            problems: None,
            panel: None,
            orchestration: None,
            failed_stage: None,
            escalation: None,
            partial: None,
            task_class: String::new(),
            preflight: None,
            budget: None,
            attempts: Vec::new(),
            latency: Duration::ZERO,
            run_id,
            offline: false,
        }
    }
}

impl Failure {
    pub(crate) fn new(parts: FailureParts) -> Self {
        Self(Box::new(parts))
    }

    pub(crate) fn parts(&self) -> &FailureParts {
        &self.0
    }

    /// Adds the gate of a cascade to the failure of its strong model.
    pub(crate) fn after(
        self,
        gate: PanelAnswer,
        escalation: Escalation,
        latency: Duration,
    ) -> Self {
        let mut parts = self.0;
        let tried = std::mem::take(&mut parts.attempts);
        parts.attempts = gate.attempts().cloned().chain(tried).collect();
        (parts.panel, parts.escalation) = (Some(Box::new(gate)), Some(escalation));
        parts.latency = latency;
        Self(parts)
    }

    /// Adds what the tightest cap leaves, and its warning to the price check of the call.
    pub(crate) fn with_budget(mut self, budget: Budget) -> Self {
        let parts = &mut self.0;
        if let Some(preflight) = &mut parts.preflight {
            preflight.warn(budget.warning.as_deref());
        }
        if let (Some(panel), None) = (&mut parts.panel, &parts.escalation) {
            panel.add_budget(budget.clone());
        }
        if let Some(orchestration) = &mut parts.orchestration {
            orchestration.budget = Some(budget.clone());
        }
        parts.budget = Some(budget);
        self
    }

    /// Returns what the tightest cap on the calls of the run leaves; `None` without a cap.
    pub fn budget(&self) -> Option<&Budget> {
        self.0.budget.as_ref()
    }

    /// Returns the error of the failed run.
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// Returns the category of the failure's error, which a program branches on.
    pub fn category(&self) -> Category {
        self.0.error.category()
    }

    /// Returns the problems of the policy if the run failed because the policy cannot be used, else
    /// an empty slice.
    pub fn problems(&self) -> &[Diagnostic] {
        self.0.problems.as_ref().map_or(&[], PolicyProblems::diagnostics)
    }

    /// Returns the answers of the panel, or of the gate of the cascade, if it was asked: what was
    /// paid for is not lost.
    pub fn panel(&self) -> Option<&PanelAnswer> {
        self.0.panel.as_deref()
    }

    /// Returns the results of the orchestration that failed: what was paid for is not lost.
    pub fn orchestration(&self) -> Option<&OrchestrationOutcome> {
        self.0.orchestration.as_deref()
    }

    /// Returns the name of the step that failed, if this is the failure of an orchestration, or
    /// `preflight` if the whole was refused.
    pub fn failed_stage(&self) -> Option<&str> {
        self.0.failed_stage.as_deref()
    }

    /// Returns every attempt of the failed run, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// Returns whether the ledger has written the cost of every attempt, or `None` if money is not
    /// counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(&self.0.attempts)
    }

    /// Returns the id of the run.
    pub fn run_id(&self) -> RunId {
        self.0.run_id
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("error", &self.0.error)
            .field("attempts", &self.0.attempts)
            .field("run_id", &self.0.run_id)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message is that of the error, so the cause is the cause of the error.
        std::error::Error::source(&self.0.error)
    }
}
