//! The one shape in which every tool, every `--json` and every embedded call speaks.

mod answer;
mod bound;
mod cascade;
mod failure;
mod orchestration;
mod panel;
mod schema;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::outcome::{Answer, Failure, Reply};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// With what was asked for.
    Success,
    /// Without.
    Error,
    /// With work that was done, and that a verifier refused.
    NeedsHumanReview,
    /// With work that was done, and that nobody could be had to verify.
    Unverified,
}

/// `{"status", "error"?, "data"?, "meta"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Envelope {
    /// How the request ended.
    pub status: Status,
    /// One sentence for a person, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was asked for.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// How it came to be: cost, tokens, attempts, categories, hints.
    pub meta: Map<String, Value>,
}

impl Envelope {
    /// A success that carries `data`.
    pub fn success(data: Value) -> Self {
        Self { status: Status::Success, error: None, data: Some(data), meta: Map::new() }
    }

    /// Whether the request failed.
    pub fn is_error(&self) -> bool {
        self.status == Status::Error
    }

    /// The same envelope in at most `max_chars` characters of JSON.
    ///
    /// What models wrote keeps its head and its tail with a marked gap between them, an answer or
    /// artifact more of it than a plan or an earlier round, and `meta.truncated` says so. Where
    /// that is not enough, the longest strings and lists of the rest are cut too. The JSON stays
    /// valid.
    #[must_use]
    pub fn bounded(self, max_chars: usize) -> Self {
        bound::bounded(self, max_chars)
    }

    /// Returns the JSON Schema (draft 2020-12) of the envelope: what each shape has in `data` and
    /// `meta`, with a description of every field.
    ///
    /// ```
    /// use llm_gateway_core::Envelope;
    ///
    /// let schema = Envelope::json_schema();
    /// let shapes = schema["anyOf"].as_array().unwrap();
    /// assert!(shapes.iter().any(|shape| shape["title"] == "Panel"));
    /// ```
    pub fn json_schema() -> Value {
        schema::json_schema()
    }

    /// A success whose parts serialise as objects.
    fn of(data: &impl Serialize, meta: &impl Serialize) -> Self {
        Self { meta: object(meta), ..Self::success(object(data).into()) }
    }
}

impl From<&Reply> for Envelope {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::Single(answer) => Self::from(&**answer),
            Reply::Panel(panel) => Self::from(&**panel),
            Reply::Orchestration(work) => Self::from(&**work),
            Reply::Cascade(cascade) => Self::from(&**cascade),
        }
    }
}

impl From<&Result<Answer, Failure>> for Envelope {
    fn from(outcome: &Result<Answer, Failure>) -> Self {
        outcome.as_ref().map_or_else(Self::from, Self::from)
    }
}

impl From<&Result<Reply, Failure>> for Envelope {
    fn from(outcome: &Result<Reply, Failure>) -> Self {
        outcome.as_ref().map_or_else(Self::from, Self::from)
    }
}

/// Tells `data` that is null from none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What is shown of whether a ledger has every cost: only that it has not.
fn unless_recorded(spend_recorded: Option<bool>) -> Option<bool> {
    spend_recorded.filter(|is_recorded| !is_recorded)
}

/// The fields of a value that serialises as an object.
fn object(of: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        // No type of this room serialises as anything else, or can fail to.
        Ok(_) | Err(_) => Map::new(),
    }
}
