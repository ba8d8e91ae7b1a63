//! What a run returns: a [`Reply`] or a [`Failure`], and the parts of both.
//!
//! A [`Reply`] is one model's [`Answer`], a [`PanelAnswer`], a [`CascadeAnswer`] or what became of
//! a task, [`Orchestrated`]. Each holds its attempts and costs; a panel its [`Agreement`], an
//! orchestration its rounds and the [`Verdict`] of each. All of them convert into an
//! [`Envelope`](crate::Envelope).

mod cascade;
mod orchestration;
mod panel;

use std::fmt;
use std::time::Duration;

use crate::config::{Diagnostic, PolicyProblems};
use crate::dispatch::{all_recorded, total_cost};
use crate::error::{Category, Error};
use crate::model::{Completion, NanoUsd, RunId, Target};
use crate::panel::gist;
use crate::policy::Preflight;

pub use crate::dispatch::{Attempt, AttemptOutcome, Cost};
pub use crate::orchestrate::{ChecklistItem, Decision, Met, Round, Verdict};
pub use crate::panel::{Agreement, Cluster, Consensus, EffectiveSampleSize};
pub(crate) use cascade::Escalation;
pub use cascade::{AnsweredBy, CascadeAnswer};
pub use orchestration::{Ending, Orchestrated, StepOutcome};
pub use panel::PanelAnswer;

/// An answer, and everything about how it came to be.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The task class that was asked for.
    pub task_class: String,
    /// Who answered.
    pub target: Target,
    /// What was answered.
    pub completion: Completion,
    /// What it cost, and the tokens that it took.
    pub cost: Cost,
    /// The price check of the call that was answered.
    pub preflight: Preflight,
    /// Every try, in order.
    pub attempts: Vec<Attempt>,
    /// The target that should have answered, where a fallback did.
    pub fallback_from: Option<Target>,
    /// From the request to the answer.
    pub latency: Duration,
    /// Names this run.
    pub run_id: RunId,
    /// Whether the answer is a scripted one.
    pub offline: bool,
}

impl Answer {
    /// The text of the answer.
    pub fn text(&self) -> String {
        self.completion.joined_text()
    }

    /// The text in one short line.
    pub(crate) fn gist(&self) -> String {
        gist(&self.text())
    }

    /// Whether the ledger has the cost of every try; `None` where nothing is counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(&self.attempts)
    }

    /// How often the target that answered was tried again.
    pub fn retries(&self) -> usize {
        self.attempts
            .iter()
            .filter(|attempt| attempt.target == self.target)
            .count()
            .saturating_sub(1)
    }
}

/// What a task class answers: one model's answer, a panel's, or a cascade's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reply {
    /// Of one model.
    Single(Box<Answer>),
    /// Of several that could not see each other.
    Panel(Box<PanelAnswer>),
    /// Of a task that was planned, worked on and verified.
    Orchestration(Box<Orchestrated>),
    /// Of cheap models that agree, else of a strong one.
    Cascade(Box<CascadeAnswer>),
}

impl Reply {
    /// The text: of a panel, each member's under a heading.
    pub fn text(&self) -> String {
        match self {
            Self::Single(answer) => answer.text(),
            Self::Panel(panel) => panel.text(),
            Self::Orchestration(work) => work.text(),
            Self::Cascade(cascade) => cascade.text(),
        }
    }

    /// Names the run.
    pub fn run_id(&self) -> RunId {
        match self {
            Self::Single(answer) => answer.run_id,
            Self::Panel(panel) => panel.run_id,
            Self::Orchestration(work) => work.run_id,
            Self::Cascade(cascade) => cascade.answer.run_id,
        }
    }

    /// The answer, if the class is a single model's.
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

    /// Returns the outcome of an orchestration, if a [`Task`](crate::Task) was started.
    pub fn into_orchestration(self) -> Option<Orchestrated> {
        match self {
            Self::Orchestration(orchestrated) => Some(*orchestrated),
            Self::Single(_) | Self::Panel(_) | Self::Cascade(_) => None,
        }
    }
}

/// Why there is no answer, and everything that was tried.
#[derive(Clone)]
pub struct Failure(Box<FailureParts>);

/// What a failure knows.
#[derive(Clone)]
pub(crate) struct FailureParts {
    pub(crate) error: Error,
    /// Every problem of the policy, where that is the failure.
    pub(crate) problems: Option<PolicyProblems>,
    /// What the members of a panel, or of a cascade's gate, said, where they were asked.
    pub(crate) panel: Option<Box<PanelAnswer>>,
    /// What an orchestration came to, where its first step was made.
    pub(crate) orchestration: Option<Box<Orchestrated>>,
    /// The step of an orchestration that failed; `preflight` before the first.
    pub(crate) failed_stage: Option<String>,
    /// Why the panel is a gate that did not settle it.
    pub(crate) escalation: Option<Escalation>,
    pub(crate) task_class: String,
    pub(crate) preflight: Option<Preflight>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) latency: Duration,
    pub(crate) run_id: RunId,
    pub(crate) offline: bool,
}

impl FailureParts {
    /// What all tries cost together; `None` where the price of one is unknown.
    pub(crate) fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(&self.attempts)
    }

    /// A request that failed before anything was tried.
    pub(crate) fn before(error: Error, run_id: RunId) -> Self {
        Self {
            error,
            problems: None,
            panel: None,
            orchestration: None,
            failed_stage: None,
            escalation: None,
            task_class: String::new(),
            preflight: None,
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

    /// The same, of the strong model of a cascade, whose gate had been asked before it.
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

    /// What went wrong.
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// What kind of failure it is: the thing to branch on.
    pub fn category(&self) -> Category {
        self.0.error.category()
    }

    /// Returns every problem of the policy, if the policy cannot be used and that is the failure;
    /// otherwise an empty slice.
    pub fn problems(&self) -> &[Diagnostic] {
        self.0.problems.as_ref().map_or(&[], PolicyProblems::diagnostics)
    }

    /// What the members of a panel, or of a cascade's gate, said, where they were asked: what was
    /// paid for is not lost.
    pub fn panel(&self) -> Option<&PanelAnswer> {
        self.0.panel.as_deref()
    }

    /// What an orchestration came to before it failed: what was paid for is not lost.
    pub fn orchestration(&self) -> Option<&Orchestrated> {
        self.0.orchestration.as_deref()
    }

    /// The step of an orchestration that failed; `preflight` where it was refused as a whole.
    pub fn failed_stage(&self) -> Option<&str> {
        self.0.failed_stage.as_deref()
    }

    /// Every try, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// Whether the ledger has the cost of every try; `None` where nothing is counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(&self.0.attempts)
    }

    /// Names this run.
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
        Some(&self.0.error)
    }
}
