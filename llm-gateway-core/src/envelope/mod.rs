//! The one shape in which every tool, every `--json` and every embedded call speaks.

mod bound;
mod cascade;
mod orchestration;
mod panel;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::config::PolicyProblems;
use crate::error::Error;
use crate::model::Usage;
use crate::outcome::{Answer, Failure, Reply};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Envelope {
    /// How the request ended.
    pub status: Status,
    /// One sentence for a person, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
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

    fn failed(error: &Error) -> Self {
        let mut meta = Map::new();
        meta.insert("error_category".into(), json!(error.category()));
        insert_some(&mut meta, "hint", error.hint());
        if let Some(target) = error.target() {
            meta.insert("provider".into(), json!(target.provider));
            meta.insert("model".into(), json!(target.model));
        }
        insert_some(&mut meta, "http_status", error.http_status());
        insert_some(&mut meta, "retry_after_s", error.retry_after().map(seconds));
        Self { status: Status::Error, error: Some(error.message().to_owned()), data: None, meta }
    }
}

impl From<&Error> for Envelope {
    fn from(error: &Error) -> Self {
        Self::failed(error)
    }
}

impl From<&PolicyProblems> for Envelope {
    fn from(problems: &PolicyProblems) -> Self {
        let data = json!({ "problems": problems.diagnostics() });
        Self { data: Some(data), ..Self::failed(&Error::from(problems)) }
    }
}

impl From<&Answer> for Envelope {
    fn from(answer: &Answer) -> Self {
        let asked = answer.target.model.as_str();
        let answered = answer.completion.model.as_deref().unwrap_or(asked);
        let mut meta = Map::new();
        let mut put = |key: &str, value: Value| meta.insert(key.to_owned(), value);
        put("task_class", json!(answer.task_class));
        put("provider", json!(answer.target.provider));
        put("model", json!(answered));
        if answered != asked {
            put("model_requested", json!(asked));
        }
        put("latency_ms", millis(answer.latency));
        put("tokens", tokens(&answer.cost.usage));
        put("cost_usd_approx", json!(answer.cost.amount));
        if let Some(reported) = answer.completion.reported_cost {
            put("cost_usd_reported", json!(reported));
        }
        put("cost_basis", json!(answer.cost.basis));
        if answer.spend_recorded() == Some(false) {
            put("spend_recorded", json!(false));
        }
        put("finish_reason", json!(answer.completion.finish_reason));
        put("retries", json!(answer.retries()));
        put("attempts", json!(answer.attempts));
        put("preflight", json!(answer.preflight));
        if let Some(from) = &answer.fallback_from {
            put("fallback_from", json!(from));
        }
        if answer.offline {
            put("offline", json!(true));
        }
        put("run_id", json!(answer.run_id));
        Self { meta, ..Self::success(json!({ "text": answer.text() })) }
    }
}

impl From<&Failure> for Envelope {
    fn from(failure: &Failure) -> Self {
        let parts = failure.parts();
        let mut envelope = match (&parts.problems, &parts.panel, &parts.escalation) {
            (Some(problems), ..) => Self::from(problems),
            (None, Some(gate), Some(why)) => cascade::failed(parts, gate, why),
            (None, ..) => Self::failed(&parts.error),
        };
        insert_some(&mut envelope.meta, "failed_stage", failure.failed_stage());
        // What was paid for is shown with what is wrong with it.
        let panel = failure.panel().filter(|_| parts.escalation.is_none()).map(Self::from);
        if let Some(Self { data, meta, .. }) = panel.or(failure.orchestration().map(Self::from)) {
            envelope.data = data;
            envelope.meta.extend(meta);
            return envelope;
        }
        let meta = &mut envelope.meta;
        meta.insert("task_class".into(), json!(parts.task_class));
        meta.insert("latency_ms".into(), millis(parts.latency));
        meta.insert("attempts".into(), json!(parts.attempts));
        if failure.spend_recorded() == Some(false) {
            meta.insert("spend_recorded".into(), json!(false));
        }
        insert_some(meta, "preflight", parts.preflight.as_ref());
        if parts.offline {
            meta.insert("offline".into(), json!(true));
        }
        meta.insert("run_id".into(), json!(parts.run_id));
        envelope
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

fn tokens(usage: &Usage) -> Value {
    json!({
        "input": usage.input(),
        "output": usage.output,
        "total": usage.total(),
        "cached_input": usage.cache_read,
        "reasoning": usage.reasoning,
    })
}

/// Seconds in milliseconds, rounded up: never too early.
fn seconds(wait: std::time::Duration) -> f64 {
    (wait.as_secs_f64() * 1e3).ceil() / 1e3
}

fn millis(duration: std::time::Duration) -> Value {
    json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn insert_some(meta: &mut Map<String, Value>, key: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        meta.insert(key.to_owned(), json!(value));
    }
}
