//! The answers of a panel, with their comparison and the certificate of their independence.

use std::path::PathBuf;
use std::time::Duration;

use crate::certificate::{Bundle, Certificate, Evidence, PanelSubject, Receipt};
use crate::dispatch::{Attempt, all_recorded, total_cost};
use crate::model::{NanoUsd, RunId, Target};
use crate::panel::Agreement;
use crate::policy::Visibility;

use super::{Answer, Budget, Failure};

/// The answers of a panel: what its members answered, how far they agree, and the certificate of
/// how independent they are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PanelAnswer {
    /// Task class that the caller asked for.
    pub task_class: String,
    /// Targets of the panel's members, in the policy's order.
    pub targets: Vec<Target>,
    /// Answers of the panel's members, or their failures, in the policy's order.
    pub members: Vec<Result<Answer, Failure>>,
    /// Agreement between the members' answers.
    pub agreement: Agreement,
    /// Demands of the policy on the independence of the panel's members.
    pub visibility: Visibility,
    /// The most that the panel may cost, retries included, if the policy sets a limit.
    pub cost_cap: Option<NanoUsd>,
    /// What the tightest cap leaves; `None` without a cap.
    pub budget: Option<Budget>,
    /// Receipt of the panel: the digests of what was sent and received, and the certificate.
    pub receipt: Receipt<PanelSubject>,
    /// Recorded bytes behind the panel's receipt: prompts and answers.
    pub bundle: Bundle<Evidence>,
    /// Path of the receipt, if it was written to disk.
    pub receipt_path: Option<PathBuf>,
    /// Time from the request to the panel's last answer.
    pub latency: Duration,
    /// Id of the run.
    pub run_id: RunId,
    /// Whether the answers are scripted.
    pub offline: bool,
}

impl PanelAnswer {
    /// Returns the answers of the members that gave one, in the policy's order.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.members.iter().filter_map(|member| member.as_ref().ok())
    }

    /// Adds what the tightest cap leaves, and its warning to the price check of each answer.
    pub(super) fn add_budget(&mut self, budget: Budget) {
        for answer in self.members.iter_mut().flatten() {
            answer.preflight.warn(budget.warning.as_deref());
        }
        self.budget = Some(budget);
    }

    /// Returns the certificate: what the recorded bytes show of the members' independence, claim by
    /// claim.
    pub fn certificate(&self) -> &Certificate {
        self.receipt.certificate()
    }

    /// Returns whether a quorum of fresh answers reached the level of independence that the policy
    /// requires.
    pub fn independence_certified(&self) -> bool {
        self.certificate().independence_certified()
    }

    /// Returns every attempt of every member of the panel.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.members.iter().flat_map(|member| match member {
            Ok(answer) => answer.attempts.as_slice(),
            Err(failure) => failure.attempts(),
        })
    }

    /// Returns the cost of all attempts together, or `None` if the cost of one is unknown.
    pub fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(self.attempts())
    }

    /// Returns whether the panel's providers billed more than the policy's cap. The worst case of
    /// each attempt was checked against the cap before the attempt was sent. Returns `None` if the
    /// cost of an attempt is unknown and the known costs alone are not above the cap.
    pub fn cap_exceeded(&self) -> Option<bool> {
        let known = self.attempts().filter_map(|attempt| attempt.cost);
        let known = known.fold(NanoUsd::ZERO, NanoUsd::saturating_add);
        let is_above = self.cost_cap.is_some_and(|cap| known > cap);
        (is_above || self.total_cost().is_some()).then_some(is_above)
    }

    /// Returns whether the ledger has written the cost of every attempt, or `None` if money is not
    /// counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(self.attempts())
    }

    /// Returns the members' answers as one text, each under a heading.
    pub fn text(&self) -> String {
        let members = self.targets.iter().zip(&self.members).zip(1..);
        let headed = members.map(|((target, member), position)| match member {
            Ok(answer) => format!("## {position}. {target}\n\n{}\n", answer.text()),
            Err(failure) => format!("## {position}. {target}: no answer\n\n{}", failure.told()),
        });
        headed.collect::<Vec<_>>().join("\n")
    }
}
