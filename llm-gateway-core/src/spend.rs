//! What a month has cost and what its caps leave, in the shape that people see.
//!
//! It decides nothing: the [`ledger`](crate::ledger) counts, the policy caps, the gateway asks
//! both. Amounts serialise in dollars, exact to the nano-dollar below a million dollars.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::ledger::{By, Cap, MonthSpend, Scope, SpentRow};
use crate::model::NanoUsd;

/// What a month has cost and what its caps leave.
///
/// Serialises as `{month, total_usd, held_usd, unsettled_usd, caps{}, rows[]}`. `caps` has
/// `{cap_usd, left_usd}` for `total` and for each capped provider; a row has what its calls
/// have in common under [`By::as_str`], `cost_usd` and `calls`, and tells `estimated` and
/// `unknown` calls where there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpendReport {
    /// What the ledger has counted.
    pub spent: MonthSpend,
    /// What its rows are grouped by.
    pub by: By,
    /// The caps, everything's first.
    pub caps: Vec<CapLeft>,
}

/// A cap, and what it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapLeft {
    /// The cap.
    pub cap: Cap,
    /// What it still allows: the cap without what is spent, held or unsettled.
    pub left: NanoUsd,
}

/// What is known of the current month's spending, where nobody may wait for it.
///
/// Serialises as `{enabled: false}`, as `{enabled: true, month, total_usd, held_usd,
/// unsettled_usd, caps{}}`, or as `{enabled: true, error, hint}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpendState {
    /// Money is not counted.
    Off,
    /// It is, and this is the count.
    Known(Box<SpendReport>),
    /// It is, and the ledger does not tell.
    Unknown {
        /// Why it does not.
        error: String,
        /// What the reader can do about it.
        hint: Option<String>,
    },
}

impl SpendReport {
    /// Holds what was counted against `caps`.
    pub(crate) fn new(spent: MonthSpend, by: By, caps: Vec<Cap>) -> Self {
        let left = |cap| CapLeft { left: spent.left(&cap), cap };
        let caps = caps.into_iter().map(left).collect();
        Self { spent, by, caps }
    }

    /// Everything but the rows.
    fn totals(&self) -> Map<String, Value> {
        let mut totals = Map::new();
        let mut put = |key: &str, value: Value| totals.insert(key.to_owned(), value);
        put("month", json!(self.spent.month.to_string()));
        put("total_usd", json!(self.spent.settled));
        put("held_usd", json!(self.spent.held));
        put("unsettled_usd", json!(self.spent.unsettled));
        put("caps", self.caps.iter().map(CapLeft::entry).collect());
        totals
    }

    fn row(&self, row: &SpentRow) -> Value {
        let mut shown = Map::new();
        let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
        put(self.by.as_str(), json!(row.key));
        put("cost_usd", json!(row.cost));
        put("calls", json!(row.calls));
        for (key, count) in [("estimated", row.estimated), ("unknown", row.unknown)] {
            if count > 0 {
                put(key, json!(count));
            }
        }
        Value::Object(shown)
    }
}

impl CapLeft {
    /// The cap in the map of caps. No provider can be mistaken for the total: the variable
    /// that would cap a provider of that name caps everything.
    fn entry(&self) -> (String, Value) {
        let name = match &self.cap.scope {
            Scope::Total => "total".to_owned(),
            Scope::Provider(name) => name.to_string(),
        };
        (name, json!({ "cap_usd": self.cap.limit, "left_usd": self.left }))
    }
}

impl Serialize for SpendReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = self.totals();
        let rows = self.spent.rows.iter().map(|row| self.row(row)).collect();
        report.insert("rows".to_owned(), rows);
        report.serialize(serializer)
    }
}

impl Serialize for SpendState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state = Map::new();
        state.insert("enabled".to_owned(), json!(*self != Self::Off));
        match self {
            Self::Off => {}
            Self::Known(report) => state.extend(report.totals()),
            Self::Unknown { error, hint } => {
                state.insert("error".to_owned(), json!(error));
                state.extend(hint.iter().map(|hint| ("hint".to_owned(), json!(hint))));
            }
        }
        state.serialize(serializer)
    }
}
