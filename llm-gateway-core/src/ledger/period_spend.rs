//! The spend report of a day or a month, as a ledger returns it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::model::{CostBasis, NanoUsd};

use super::cap::Cap;
use super::period::Period;
use super::scope::ScopeTotal;

/// The key by which a spend report groups calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpendBy {
    /// Calls are grouped by provider.
    Provider,
    /// Calls are grouped by model, whichever provider serves it.
    Model,
    /// Calls are grouped by task class.
    TaskClass,
}

impl SpendBy {
    /// Returns the name of the key that the command line and the envelope use, such as
    /// `task_class`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::TaskClass => "task_class",
        }
    }
}

impl fmt::Display for SpendBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The settled calls of one provider, model or task class in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpentRow {
    /// Provider, model or task class of the calls.
    pub key: String,
    /// Exact sum of the costs of the row's calls.
    pub cost: NanoUsd,
    /// Number of calls in the row.
    pub calls: u64,
    /// Number of calls whose cost is an estimate.
    pub estimated: u64,
    /// Number of calls without a known price, which are counted at zero cost.
    pub unknown: u64,
}

impl SpentRow {
    /// Creates the row of a single call.
    pub fn of_call(key: impl Into<String>, cost: NanoUsd, basis: CostBasis) -> Self {
        let is = |wanted| u64::from(basis == wanted);
        Self {
            key: key.into(),
            cost,
            calls: 1,
            estimated: is(CostBasis::Estimated),
            unknown: is(CostBasis::Unknown),
        }
    }

    /// Adds the calls of `more`, which has the same key.
    pub fn add(&mut self, more: &Self) {
        self.key.clone_from(&more.key);
        self.cost = self.cost.saturating_add(more.cost);
        self.calls += more.calls;
        self.estimated += more.estimated;
        self.unknown += more.unknown;
    }
}

/// The spend report of a day or a month: what its calls have cost so far, and what is held.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeriodSpend {
    /// Day or month that the report covers.
    pub period: Period,
    /// Settled calls, in the order of their keys.
    pub rows: Vec<SpentRow>,
    /// Sum of the settled costs, which is the sum of the rows.
    pub settled: NanoUsd,
    /// Sum of the holds of living processes, for calls under way.
    pub held: NanoUsd,
    /// Sum of the holds of processes that died. Caps count it like money that is held.
    pub unsettled: NanoUsd,
    /// Totals of every scope in which calls counted: what caps are checked against. The report of
    /// a day has those of the day and those of its month, read at the same moment, each with the
    /// part that dead processes hold.
    pub scopes: Vec<ScopeTotal>,
}

impl PeriodSpend {
    /// Creates the report of a `period` in which nothing was spent or held.
    pub fn new(period: Period) -> Self {
        let zero = NanoUsd::ZERO;
        let (rows, scopes) = (Vec::new(), Vec::new());
        Self { period, rows, settled: zero, held: zero, unsettled: zero, scopes }
    }

    /// Returns the periods whose totals the report has: a month alone, or a day and its month.
    pub(super) fn covered(period: Period) -> Vec<Period> {
        match period {
            Period::Day(day) => Period::all_of(day).to_vec(),
            Period::Month(_) => vec![period],
        }
    }

    /// Returns the total that `cap` limits, which is zero if nothing counted in its scope. Returns
    /// `None` if the report does not cover a period of the cap's length: no report covers a
    /// session, and only a day's report covers a day.
    pub(crate) fn total_for(&self, cap: &Cap) -> Option<ScopeTotal> {
        let covered = Self::covered(self.period);
        let period = covered.into_iter().find(|period| period.per() == cap.per)?;
        let total = self.scopes.iter().find(|total| cap.limits(total)).cloned();
        let nothing = || ScopeTotal::new(period, cap.scope.clone(), NanoUsd::ZERO, NanoUsd::ZERO);
        Some(total.unwrap_or_else(nothing))
    }

    /// Returns the amount that `cap` still allows. Returns `None` if the report does not cover a
    /// period of the cap's length: no report covers a session, and only a day's report covers a
    /// day.
    pub fn left(&self, cap: &Cap) -> Option<NanoUsd> {
        self.total_for(cap).map(|total| cap.left(&total))
    }

    /// Sets the rows of the report and their sum from settled calls: those of one key become one
    /// row.
    #[must_use]
    pub fn with_calls(mut self, calls: impl IntoIterator<Item = SpentRow>) -> Self {
        let mut rows: BTreeMap<String, SpentRow> = BTreeMap::new();
        self.settled = NanoUsd::ZERO;
        for call in calls {
            self.settled = self.settled.saturating_add(call.cost);
            rows.entry(call.key.clone()).or_default().add(&call);
        }
        self.rows = rows.into_values().collect();
        self
    }
}

/// The number and sum of the holds that [`Ledger::drop_unsettled`](super::Ledger::drop_unsettled)
/// released. It is serialized as `{holds, amount_usd}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DroppedHolds {
    /// Number of holds of dead processes that were released.
    pub holds: u64,
    /// Sum of the holds of dead processes that were released.
    #[serde(rename = "amount_usd")]
    pub amount: NanoUsd,
}

impl DroppedHolds {
    /// Counts one more released hold of `amount`.
    pub fn add(&mut self, amount: NanoUsd) {
        self.holds += 1;
        self.amount = self.amount.saturating_add(amount);
    }
}
