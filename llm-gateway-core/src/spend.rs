//! The spend report of a day or a month, as people and envelopes see it: what it has cost, and what
//! the caps leave.
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

use crate::ledger::{CapLeft, PeriodSpend, SpendBy, SpentRow};

/// The spend report of a day or a month: what it has cost, and what the caps leave.
///
/// It is serialized as `{month, total_usd, held_usd, unsettled_usd, caps{}, rows[]}`. A day's report
/// has `day` instead of `month`. `caps` has `{cap_usd, left_usd}` under the
/// [`Cap::key`](crate::ledger::Cap::key) of each cap, such as `openai/day`. A row has the provider,
/// model or task class of its calls under [`SpendBy::as_str`], then `cost_usd` and `calls`, and the
/// numbers of `estimated` and `unknown` calls if there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpendReport {
    /// The money that the ledger has counted in the day or the month.
    pub spent: PeriodSpend,
    /// The key by which the rows of the report are grouped.
    pub by: SpendBy,
    /// The caps on the period, with what each leaves; an open period also has all others in force.
    pub caps: Vec<CapLeft>,
}

/// The spending of the current month, as far as it is known within the short time that a
/// description waits.
///
/// It is serialized as `{enabled: false, caps{}}`, as `{enabled: true, month, total_usd, held_usd,
/// unsettled_usd, caps{}}`, or as `{enabled: true, error, hint, caps{}}`. Without
/// a report, `caps` has those of the session, and is absent if there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpendState {
    /// The gateway has no ledger, so money is not counted beyond this session.
    #[non_exhaustive]
    Off {
        /// The caps of the session with what each leaves.
        caps: Vec<CapLeft>,
    },
    /// The ledger counts money, and this is its report.
    Known(Box<SpendReport>),
    /// The ledger counts money, but did not answer.
    #[non_exhaustive]
    Unknown {
        /// The reason why the ledger did not answer.
        error: String,
        /// Advice on what can be done about the ledger.
        hint: Option<String>,
        /// The caps of the session with what each leaves.
        caps: Vec<CapLeft>,
    },
}

impl SpendState {
    /// Returns the caps in force with what each leaves, as far as that is known.
    pub fn caps(&self) -> &[CapLeft] {
        match self {
            Self::Off { caps } | Self::Unknown { caps, .. } => caps,
            Self::Known(report) => &report.caps,
        }
    }
}

impl SpendReport {
    /// Returns the report without its rows, as JSON.
    fn totals(&self) -> Map<String, Value> {
        let mut totals = Map::new();
        let mut put = |key: &str, value: Value| totals.insert(key.to_owned(), value);
        put(self.spent.period.per().as_str(), json!(self.spent.period.to_string()));
        put("total_usd", json!(self.spent.settled));
        put("held_usd", json!(self.spent.held));
        put("unsettled_usd", json!(self.spent.unsettled));
        put("caps", self.caps.iter().map(entry).collect());
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

/// Returns a cap as an entry of the map of caps.
fn entry(CapLeft { cap, left }: &CapLeft) -> (String, Value) {
    (cap.key(), json!({ "cap_usd": cap.limit, "left_usd": left }))
}

/// Adds the caps of a session to a state without a report, if there are any.
fn put_caps(state: &mut Map<String, Value>, caps: &[CapLeft]) {
    if !caps.is_empty() {
        state.insert("caps".to_owned(), caps.iter().map(entry).collect());
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
        state.insert("enabled".to_owned(), json!(!matches!(self, Self::Off { .. })));
        match self {
            Self::Off { caps } => put_caps(&mut state, caps),
            Self::Known(report) => state.extend(report.totals()),
            Self::Unknown { error, hint, caps } => {
                state.insert("error".to_owned(), json!(error));
                state.extend(hint.iter().map(|hint| ("hint".to_owned(), json!(hint))));
                put_caps(&mut state, caps);
            }
        }
        state.serialize(serializer)
    }
}
