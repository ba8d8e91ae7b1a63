//! What a cascade answered, who did, and why.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dispatch::{Attempt, AttemptOutcome, all_recorded, total_cost};
use crate::model::{CostBasis, NanoUsd};
use crate::policy::CascadePreflight;

use super::{Answer, PanelAnswer};

/// The answer of a cascade: of its gate, where the cheap models agree and that is certified, else
/// of the strong model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CascadeAnswer {
    /// The answer that counts: of the gate it is the first member's, as written. Its attempts,
    /// cost and latency are those of its own call.
    pub answer: Answer,
    /// Who gave it.
    pub answered_by: AnsweredBy,
    /// Why the gate's answer stands, or why it does not.
    pub because: String,
    /// What the cheap models said, how far they agree, and their certificate.
    pub gate: PanelAnswer,
    /// The price check of both ways.
    pub preflight: CascadePreflight,
    /// From the request to the answer.
    pub latency: Duration,
}

/// Who of a cascade gave the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AnsweredBy {
    /// The cheap models, who agree.
    Gate,
    /// The strong model.
    Else,
}

/// Why a gate's answer did not stand: what a failure of the strong model keeps.
#[derive(Debug, Clone)]
pub(crate) struct Escalation {
    pub(crate) because: String,
    pub(crate) preflight: CascadePreflight,
}

impl CascadeAnswer {
    /// The text of the answer.
    pub fn text(&self) -> String {
        self.answer.text()
    }

    /// The strong model's answer, where it was asked.
    pub fn escalated(&self) -> Option<&Answer> {
        (self.answered_by == AnsweredBy::Else).then_some(&self.answer)
    }

    /// Every try of every call, in order: the gate's, then the strong model's.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        let strong = self.escalated().map_or(&[][..], |answer| &answer.attempts);
        self.gate.attempts().chain(strong)
    }

    /// What all tries cost together; `None` where the price of one is unknown.
    pub fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(self.attempts())
    }

    /// How well that is known: as well as the worst known of its parts.
    pub fn cost_basis(&self) -> CostBasis {
        let guessed = |attempt: &Attempt| {
            attempt.outcome != AttemptOutcome::Ok
                && attempt.cost.is_some_and(|cost| cost > NanoUsd::ZERO)
                && attempt.cost == attempt.reserved
        };
        let is = |basis| self.answers().any(|answer| answer.cost.basis == basis);
        match self.total_cost() {
            None => CostBasis::Unknown,
            Some(_) if is(CostBasis::Estimated) || self.attempts().any(guessed) => {
                CostBasis::Estimated
            }
            Some(NanoUsd::ZERO) if !is(CostBasis::Exact) => CostBasis::Free,
            Some(_) => CostBasis::Exact,
        }
    }

    /// Whether the ledger has the cost of every try; `None` where nothing is counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(self.attempts())
    }

    fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.gate.answers().chain(self.escalated())
    }
}
