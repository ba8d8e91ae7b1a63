//! What became of a task that was planned, worked on and verified.

use std::path::PathBuf;
use std::time::Duration;

use crate::certificate::{
    self, Bundle, OfOrchestration, OrchestrationCertificate, OrchestrationEvidence, Receipt,
};
use crate::dispatch::{Attempt, all_recorded, total_cost};
use crate::model::{NanoUsd, RunId, StepRole, Target};
use crate::orchestrate::{Round, Verdict};

use super::{Answer, Failure};

/// Everything that was done for a task, and how it ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Orchestrated {
    /// `trivial`, `standard` or `complex`.
    pub depth: String,
    /// How it ended.
    pub ending: Ending,
    /// What each round gave, as far as it came.
    pub rounds: Vec<Round>,
    /// Every call, in the order in which they were made.
    pub steps: Vec<StepOutcome>,
    /// What the verifier may see, by the policy: `task` and `artifact`. Empty where nobody
    /// verifies.
    pub verifier_sees: Vec<&'static str>,
    /// The digests of what was sent and received, with the certificate.
    pub receipt: Receipt<OfOrchestration>,
    /// The recorded bytes behind the receipt: the task and all that was said.
    pub bundle: Bundle<OrchestrationEvidence>,
    /// Where the receipt was written, if it was.
    pub receipt_path: Option<PathBuf>,
    /// From the request to the end.
    pub latency: Duration,
    /// Names this run.
    pub run_id: RunId,
    /// Whether the answers are scripted ones.
    pub offline: bool,
}

/// How an orchestration ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The artifact was accepted, or no verification was asked for.
    Success,
    /// The artifact was refused and no round is left, or the verifier could not judge it.
    NeedsHumanReview,
    /// The verifier could not be had: the artifact is there, and nobody judged it.
    Unverified,
    /// A step gave nothing to go on with, or a [`Stop`](crate::Stop) cut it off.
    Failed {
        /// The step's name.
        stage: String,
    },
}

/// One call of an orchestration, and how it went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StepOutcome {
    /// Its name: `plan`, `execute` or `verify`.
    pub step: String,
    /// What it was there for.
    pub role: StepRole,
    /// The round, from 1.
    pub round: u32,
    /// Whether it asked again for a verdict that was none.
    pub is_repair: bool,
    /// Who was asked.
    pub target: Target,
    /// What it gave, or why it did not.
    pub result: Result<Answer, Failure>,
}

impl StepOutcome {
    /// Every try, in order.
    pub fn attempts(&self) -> &[Attempt] {
        match &self.result {
            Ok(answer) => &answer.attempts,
            Err(failure) => failure.attempts(),
        }
    }
}

impl Orchestrated {
    /// The round whose work counts: the last in which there is an artifact, else the last.
    pub fn current(&self) -> Option<&Round> {
        let with_artifact = self.rounds.iter().rfind(|round| round.artifact.is_some());
        with_artifact.or(self.rounds.last())
    }

    /// Every other round that gave anything, with its number: it was paid for all the same.
    pub fn others(&self) -> impl Iterator<Item = (usize, &Round)> {
        let current = self.current().map(std::ptr::from_ref);
        let numbered = (1..).zip(&self.rounds);
        numbered.filter(move |(_, round)| {
            Some(std::ptr::from_ref(*round)) != current && **round != Round::default()
        })
    }

    /// What the worker made, if it made anything.
    pub fn artifact(&self) -> Option<&str> {
        self.current()?.artifact.as_deref()
    }

    /// What the planner wrote, where one was asked.
    pub fn plan(&self) -> Option<&str> {
        self.current()?.plan.as_deref()
    }

    /// What the verifier said of the artifact, where it said anything.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.current()?.verdict.as_ref()
    }

    /// What can be said of the verifier's independence, claim by claim.
    pub fn certificate(&self) -> &OrchestrationCertificate {
        self.receipt.certificate()
    }

    /// Whether somebody judged the artifact, and nothing recorded speaks against their
    /// independence.
    pub fn independence_certified(&self) -> bool {
        self.certificate().independence_certified()
    }

    /// Whether the verifier saw nothing of the plan other than what the artifact carries;
    /// `None` where nobody judged, or the recorded bytes do not tell.
    pub fn is_verifier_blind_to_plan(&self) -> Option<bool> {
        let blind = self.certificate().claims.verifier_plan_blind.result;
        match blind {
            certificate::ClaimResult::Pass => Some(true),
            certificate::ClaimResult::Fail => Some(false),
            // Where no plan was made there is none to see.
            certificate::ClaimResult::NotApplicable => self.verdict().map(|_| true),
            certificate::ClaimResult::Unknown => None,
        }
    }

    /// Whether the artifact was accepted by a verifier.
    pub fn is_accepted(&self) -> bool {
        self.verdict().is_some_and(|verdict| verdict.accepted)
    }

    /// Every try of every step.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.steps.iter().flat_map(StepOutcome::attempts)
    }

    /// What all tries cost together; `None` where the price of one is unknown.
    pub fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(self.attempts())
    }

    /// Whether the ledger has the cost of every try; `None` where nothing is counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(self.attempts())
    }

    /// The artifact, as far as there is one.
    pub fn text(&self) -> String {
        self.artifact().unwrap_or_default().to_owned()
    }
}
