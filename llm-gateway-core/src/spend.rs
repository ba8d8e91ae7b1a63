//! The spend report of a month, as people and envelopes see it: what it has cost, and what its caps
//! leave.
//!
//! This module decides nothing: the [`ledger`](crate::ledger) counts, the policy caps, and the
//! gateway asks both. Amounts are serialized in dollars, exact to the nano-dollar below a million
//! dollars.
//!
//! ```
//! use llm_gateway_core::ledger::SpendBy;
//! use llm_gateway_core::{Environment, Gateway, Request};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = Environment::empty()
//!     .with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "25")
//!     .with("LLM_GATEWAY_LEDGER_PATH", "/var/lib/ann/ledger.db");
//! // Offline the ledger is in memory, and the file stays untouched.
//! let gateway = Gateway::builder().environment(environment).offline().build()?;
//! gateway.route(Request::new("quick_answer", "hello")).await?;
//! let report = gateway.spent(None, SpendBy::Provider).await?;
//! println!("{} spent, {} left", report.spent.settled, report.caps[0].left);
//! # assert!(report.caps[0].left < report.caps[0].cap.limit);
//! # Ok(())
//! # }
//! ```

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::ledger::{Cap, PeriodSpend, Scope, SpendBy, SpentRow};
use crate::model::NanoUsd;

/// The spend report of a month: what it has cost, and what its caps leave.
///
/// It is serialized as `{month, total_usd, held_usd, unsettled_usd, caps{}, rows[]}`. `caps` has
/// `{cap_usd, left_usd}` for `total` and for each capped provider. A row has the provider, model or
/// task class of its calls under [`SpendBy::as_str`], then `cost_usd` and `calls`, and the numbers of
/// `estimated` and `unknown` calls if there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpendReport {
    /// The money that the ledger has counted in the month.
    pub spent: PeriodSpend,
    /// The key by which the rows of the report are grouped.
    pub by: SpendBy,
    /// The monthly caps with what each leaves, the cap on the total first.
    pub caps: Vec<CapLeft>,
}

/// A monthly cap, and what it still allows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapLeft {
    /// The cap on the total or on one provider.
    pub cap: Cap,
    /// The amount that the cap still allows: its limit minus what is spent, held or unsettled.
    pub left: NanoUsd,
}

/// The spending of the current month, as far as it is known within the short time that a
/// description waits.
///
/// It is serialized as `{enabled: false}`, as `{enabled: true, month, total_usd, held_usd,
/// unsettled_usd, caps{}}`, or as `{enabled: true, error, hint}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpendState {
    /// The gateway has no ledger, so money is not counted.
    Off,
    /// The ledger counts money, and this is its report.
    Known(Box<SpendReport>),
    /// The ledger counts money, but did not answer.
    #[non_exhaustive]
    Unknown {
        /// The reason why the ledger did not answer.
        error: String,
        /// Advice on what can be done about the ledger.
        hint: Option<String>,
    },
}

impl SpendReport {
    /// Creates the report of the money that was counted, with what `caps` leave.
    pub(crate) fn new(spent: PeriodSpend, by: SpendBy, caps: Vec<Cap>) -> Self {
        let left = |cap| Some(CapLeft { left: spent.left(&cap)?, cap });
        let caps = caps.into_iter().filter_map(left).collect();
        Self { spent, by, caps }
    }

    /// Returns the report without its rows, as JSON.
    fn totals(&self) -> Map<String, Value> {
        let mut totals = Map::new();
        let mut put = |key: &str, value: Value| totals.insert(key.to_owned(), value);
        put(self.spent.period.per().as_str(), json!(self.spent.period.to_string()));
        put("total_usd", json!(self.spent.settled));
        put("held_usd", json!(self.spent.held));
        put("unsettled_usd", json!(self.spent.unsettled));
        put("caps", self.caps.iter().map(CapLeft::entry).collect());
        totals
    }

    /// Returns one row of the report as JSON.
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
    /// Returns the cap as an entry of the map of caps: `total`, or the name of its provider. No
    /// provider can have the name `total`, because the variable that would cap it caps the total.
    fn entry(&self) -> (String, Value) {
        let name = match &self.cap.scope {
            Scope::Total => "total".to_owned(),
            Scope::Provider(name) => name.to_string(),
            Scope::Class(name) => format!("class:{name}"),
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
