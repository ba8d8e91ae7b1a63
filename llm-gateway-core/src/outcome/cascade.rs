//! The answer of a cascade: which models gave it, and why it stands.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dispatch::{Attempt, all_recorded, total_basis, total_cost};
use crate::model::{CostBasis, NanoUsd};
use crate::policy::CascadePreflight;

use super::{Answer, PanelAnswer};

/// The answer of a cascade. It comes from the gate if the cheap models agree and that is certified,
/// else from the strong model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CascadeAnswer {
    /// The answer that the cascade returns. If it is the gate's, it is the first member's answer,
    /// unchanged. Its attempts, cost and latency are those of its own call.
    pub answer: Answer,
    /// Whether the gate or the strong model gave the answer.
    pub answered_by: AnsweredBy,
    /// The reason why the gate's answer stands, or why it does not.
    pub because: String,
    /// The gate's answers, which are those of the cheap models, with their agreement and their
    /// certificate.
    pub gate: PanelAnswer,
    /// The price check of the cascade, without and with its strong model.
    pub preflight: CascadePreflight,
    /// Time from the request to the cascade's answer.
    pub latency: Duration,
}

/// The part of a cascade that gave the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AnsweredBy {
    /// The gate answered: its cheap models agree.
    Gate,
    /// The strong model answered, which the policy names under `else`.
    Else,
}

/// The reason for an escalation: why the gate's answer did not stand. The failure of a cascade
/// keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Escalation {
    pub(crate) because: String,
    pub(crate) preflight: CascadePreflight,
    /// Whether the strong model was asked. It was not if the caller stopped the gate.
    pub(crate) is_asked: bool,
}

impl CascadeAnswer {
    /// Returns the text of the cascade's answer.
    pub fn text(&self) -> String {
        self.answer.text()
    }

    /// Returns the answer of the strong model, if it was asked.
    pub fn escalated(&self) -> Option<&Answer> {
        (self.answered_by == AnsweredBy::Else).then_some(&self.answer)
    }

    /// Returns every attempt of the cascade's calls, in order: those of the gate, then those of the
    /// strong model.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        let strong = self.escalated().map_or(&[][..], |answer| &answer.attempts);
        self.gate.attempts().chain(strong)
    }

    /// Returns the cost of all attempts together, or `None` if the cost of one is unknown.
    pub fn total_cost(&self) -> Option<NanoUsd> {
        total_cost(self.attempts())
    }

    /// Returns the basis of the total cost, which is as certain as its least certain part.
    pub fn cost_basis(&self) -> CostBasis {
        total_basis(self.attempts())
    }

    /// Returns whether the ledger has written the cost of every attempt of the cascade, or `None`
    /// if money is not counted.
    pub fn spend_recorded(&self) -> Option<bool> {
        all_recorded(self.attempts())
    }
}
