//! The outcome of a task that was planned, done and verified.

use std::path::PathBuf;
use std::time::Duration;

use crate::certificate::{
    self, Bundle, OrchestrationCertificate, OrchestrationEvidence, OrchestrationSubject, Receipt,
};
use crate::dispatch::{Attempt, all_recorded, total_cost};
use crate::model::{NanoUsd, RunId, StepRole, Target};
use crate::orchestrate::{Round, Verdict};

use super::{Answer, Budget, Failure};

/// The outcome of an orchestration: everything that was done for its task, and how it ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OrchestrationOutcome {
    /// Depth of the task: `trivial`, `standard` or `complex`.
    pub depth: String,
    /// The ending of the orchestration.
    pub ending: Ending,
    /// Results of each round, as far as it came.
    pub rounds: Vec<Round>,
    /// Every call of a step, in the order in which they were made.
    pub steps: Vec<StepOutcome>,
    /// Texts that the policy lets the verifier see: `task` and `artifact`. Empty if the depth has
    /// no verifier.
    pub verifier_sees: Vec<&'static str>,
    /// What the tightest cap leaves; `None` without a cap.
    pub budget: Option<Budget>,
    /// Receipt of the orchestration: the digests of what was sent and received, and the
    /// certificate.
    pub receipt: Receipt<OrchestrationSubject>,
    /// Recorded bytes behind the receipt: the task, and everything sent and received.
    pub bundle: Bundle<OrchestrationEvidence>,
    /// Path of the receipt, if it was written to disk.
    pub receipt_path: Option<PathBuf>,
    /// Time from the request to the orchestration's end.
    pub latency: Duration,
    /// Id of the run.
    pub run_id: RunId,
    /// Whether the answers are scripted.
    pub offline: bool,
}

/// The ending of an orchestration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The artifact was accepted, or the depth has no verifier.
    Success,
    /// The artifact was refused and no round is left, or the verifier could not judge it.
    NeedsHumanReview,
    /// The verifier gave no answer: the artifact is there, and was not judged.
    Unverified,
    /// A step gave no answer, or a [`Stop`](crate::Stop) ended it.
    #[non_exhaustive]
    Failed {
        /// Name of the step that gave no answer or was ended.
        stage: String,
    },
}

/// One call of an orchestration, and how it ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StepOutcome {
    /// Name of the step: `plan`, `execute` or `verify`.
    pub step: String,
    /// Role of the step.
    pub role: StepRole,
    /// Round of the step, counted from 1.
    pub round: u32,
    /// Whether the call asked again for a verdict, after a reply that held none.
    pub is_repair: bool,
    /// Target that the step asked.
    pub target: Target,
    /// Answer of the step's model, or the failure to get one.
    pub result: Result<Answer, Failure>,
}

impl StepOutcome {
    /// Returns every attempt of the step's call, in order.
    pub fn attempts(&self) -> &[Attempt] {
        match &self.result {
            Ok(answer) => &answer.attempts,
            Err(failure) => failure.attempts(),
        }
    }
}

impl OrchestrationOutcome {
    /// Returns the round whose results count: the last round with an artifact, else the last round.
    pub fn current_round(&self) -> Option<&Round> {
        let with_artifact = self.rounds.iter().rfind(|round| round.artifact.is_some());
        with_artifact.or(self.rounds.last())
    }

    /// Returns every round whose artifact does not count but that has any result, with its number.
    /// Those rounds were paid for too.
    pub fn other_rounds(&self) -> impl Iterator<Item = (usize, &Round)> {
        let current = self.current_round().map(std::ptr::from_ref);
        let numbered = (1..).zip(&self.rounds);
        numbered.filter(move |(_, round)| {
            Some(std::ptr::from_ref(*round)) != current && **round != Round::default()
        })
    }

    /// Returns the artifact that the worker made, if there is one.
    pub fn artifact(&self) -> Option<&str> {
        self.current_round()?.artifact.as_deref()
    }

    /// Returns the plan that the planner wrote, if there is one.
    pub fn plan(&self) -> Option<&str> {
        self.current_round()?.plan.as_deref()
    }

    /// Returns the verifier's verdict on the artifact, if there is one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.current_round()?.verdict.as_ref()
    }

    /// Returns the certificate: what the recorded bytes show of the verifier's independence, claim
    /// by claim.
    pub fn certificate(&self) -> &OrchestrationCertificate {
        self.receipt.certificate()
    }

    /// Returns whether a verifier judged the artifact, and nothing recorded speaks against its
    /// independence.
    pub fn independence_certified(&self) -> bool {
        self.certificate().independence_certified()
    }

    /// Returns whether the verifier saw nothing of the plan but what the artifact contains. Returns
    /// `None` if there is no verdict, or the recorded bytes do not show it.
    pub fn is_verifier_blind_to_plan(&self) -> Option<bool> {
        let blind = self.certificate().claims.verifier_plan_blind.result;
        match blind {
            certificate::ClaimResult::Pass => Some(true),
            certificate::ClaimResult::Fail => Some(false),
            // If no plan was made, there is none to see.
            certificate::ClaimResult::NotApplicable => self.verdict().map(|_| true),
            certificate::ClaimResult::Unknown => None,
        }
    }

    /// Returns whether a verifier accepted the artifact.
    pub fn is_accepted(&self) -> bool {
        self.verdict().is_some_and(|verdict| verdict.accepted)
    }

    /// Returns every attempt of the orchestration's calls, in order.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.steps.iter().flat_map(StepOutcome::attempts)
    }

    /// Returns the cost of all attempts together, or `None` if the cost of one is unknown.
    pub fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(self.attempts())
    }

    /// Returns whether the ledger has written the cost of every attempt, or `None` if money is not
    /// counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(self.attempts())
    }

    /// Returns the text of the artifact, or an empty text if there is none.
    pub fn text(&self) -> String {
        self.artifact().unwrap_or_default().to_owned()
    }
}
