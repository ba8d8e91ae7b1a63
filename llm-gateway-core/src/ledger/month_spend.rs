//! What a month has cost, in the shape that people and `llm_routing_info` see.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{CostBasis, NanoUsd};

use super::cap::Cap;
use super::month::Month;
use super::scope::Scope;

/// What to group a month's calls by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum By {
    /// By provider.
    Provider,
    /// By model, whoever serves it.
    Model,
    /// By task class.
    TaskClass,
}

impl By {
    /// The name that the command line and the envelope use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::TaskClass => "task_class",
        }
    }
}

/// The settled calls of one provider, model or task class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpentRow {
    /// What the calls have in common.
    pub key: String,
    /// What they cost together, exactly.
    pub cost: NanoUsd,
    /// How many they are.
    pub calls: u64,
    /// How many of them are booked at an estimate.
    pub estimated: u64,
    /// How many of them have no known price, and are booked at nothing.
    pub unknown: u64,
}

/// What a scope has cost in a month, and what is held in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeTotal {
    /// The scope.
    pub scope: Scope,
    /// What was spent.
    pub settled: NanoUsd,
    /// What is set aside, whether its process lives or not.
    pub held: NanoUsd,
}

/// What a month has cost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonthSpend {
    /// The month.
    pub month: Month,
    /// The settled calls, in the order of their keys.
    pub rows: Vec<SpentRow>,
    /// What was spent: the sum of the rows.
    pub settled: NanoUsd,
    /// What is set aside for calls of living processes.
    pub held: NanoUsd,
    /// What was set aside by processes that died. It counts like held money.
    pub unsettled: NanoUsd,
    /// What caps are held against.
    pub scopes: Vec<ScopeTotal>,
}

impl MonthSpend {
    /// Nothing, in `month`.
    pub fn new(month: Month) -> Self {
        let zero = NanoUsd::ZERO;
        let (rows, scopes) = (Vec::new(), Vec::new());
        Self { month, rows, settled: zero, held: zero, unsettled: zero, scopes }
    }

    /// What `cap` still allows in this month.
    pub fn left(&self, cap: &Cap) -> NanoUsd {
        let total = self.scopes.iter().find(|total| total.scope == cap.scope);
        total.map_or(cap.limit, |total| {
            cap.limit.saturating_sub(total.settled).saturating_sub(total.held)
        })
    }

    /// Puts settled calls together by their keys.
    pub(super) fn with_calls(mut self, calls: impl Iterator<Item = SpentRow>) -> Self {
        let mut rows: BTreeMap<String, SpentRow> = BTreeMap::new();
        for call in calls {
            self.settled = self.settled.saturating_add(call.cost);
            rows.entry(call.key.clone()).or_default().add(&call);
        }
        self.rows = rows.into_values().collect();
        self
    }
}

impl SpentRow {
    /// Adds more calls of the same key.
    pub(super) fn add(&mut self, more: &Self) {
        self.key.clone_from(&more.key);
        self.cost = self.cost.saturating_add(more.cost);
        self.calls += more.calls;
        self.estimated += more.estimated;
        self.unknown += more.unknown;
    }

    /// One call, without its key.
    pub(super) fn call(cost: NanoUsd, basis: CostBasis) -> Self {
        let is = |wanted| u64::from(basis == wanted);
        Self {
            key: String::new(),
            cost,
            calls: 1,
            estimated: is(CostBasis::Estimated),
            unknown: is(CostBasis::Unknown),
        }
    }
}

/// What `drop_unsettled` gave back. Serialises as `{holds, amount_usd}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Dropped {
    /// How many holds.
    pub holds: u64,
    /// What they held together.
    #[serde(rename = "amount_usd")]
    pub amount: NanoUsd,
}

impl Dropped {
    /// Counts one hold more.
    pub(super) fn add(&mut self, amount: NanoUsd) {
        self.holds += 1;
        self.amount = self.amount.saturating_add(amount);
    }
}
