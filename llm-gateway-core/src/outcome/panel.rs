//! What a panel answered, and what can be said of its independence.

use std::path::PathBuf;
use std::time::Duration;

use crate::certificate::{Bundle, Certificate, Evidence, OfPanel, Receipt};
use crate::dispatch::{Attempt, all_recorded, total_cost};
use crate::model::{NanoUsd, RunId, Target};
use crate::panel::Agreement;
use crate::policy::Visibility;

use super::{Answer, Failure};

/// What the members of a panel said, how far they agree, and the certificate of how
/// independent they are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PanelAnswer {
    /// The task class that was asked for.
    pub task_class: String,
    /// Who was asked, in the policy's order.
    pub targets: Vec<Target>,
    /// What each of them said, or why it did not.
    pub members: Vec<Result<Answer, Failure>>,
    /// How far those that answered agree.
    pub agreement: Agreement,
    /// What the policy promises of the panel.
    pub visibility: Visibility,
    /// The most that the panel may cost, retries included, where the policy says so.
    pub cost_cap: Option<NanoUsd>,
    /// The digests of what was sent and received, with the certificate.
    pub receipt: Receipt<OfPanel>,
    /// The recorded bytes behind the receipt: prompts and answers.
    pub bundle: Bundle<Evidence>,
    /// Where the receipt was written, if it was.
    pub receipt_path: Option<PathBuf>,
    /// From the request to the last answer.
    pub latency: Duration,
    /// Names this run.
    pub run_id: RunId,
    /// Whether the answers are scripted ones.
    pub offline: bool,
}

impl PanelAnswer {
    /// The answers that came, in the policy's order.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.members.iter().filter_map(|member| member.as_ref().ok())
    }

    /// What can be said of the members' independence, claim by claim.
    pub fn certificate(&self) -> &Certificate {
        self.receipt.certificate()
    }

    /// Whether the level that the policy requires was reached, by a quorum of fresh answers.
    pub fn independence_certified(&self) -> bool {
        self.certificate().independence_certified()
    }

    /// Every try of every member.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.members.iter().flat_map(|member| match member {
            Ok(answer) => answer.attempts.as_slice(),
            Err(failure) => failure.attempts(),
        })
    }

    /// What all tries cost together; `None` where the price of one is unknown.
    pub fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(self.attempts())
    }

    /// Whether the providers billed more than the policy's cap. The worst case of each try was
    /// held against it before the try was sent. `None` where nobody knows: the cost of a try is
    /// unknown, and what is known is not above the cap by itself.
    pub fn cap_exceeded(&self) -> Option<bool> {
        let known = self.attempts().filter_map(|attempt| attempt.cost);
        let known = known.fold(NanoUsd::ZERO, NanoUsd::saturating_add);
        let is_above = self.cost_cap.is_some_and(|cap| known > cap);
        (is_above || self.total_cost().is_some()).then_some(is_above)
    }

    /// Whether the ledger has the cost of every try; `None` where nothing is counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(self.attempts())
    }

    /// The answers, each under a heading.
    pub fn text(&self) -> String {
        let members = self.targets.iter().zip(&self.members).zip(1..);
        let headed = members.map(|((target, member), position)| match member {
            Ok(answer) => format!("## {position}. {target}\n\n{}\n", answer.text()),
            Err(failure) => format!("## {position}. {target}: no answer\n\n{failure}\n"),
        });
        headed.collect::<Vec<_>>().join("\n")
    }
}
