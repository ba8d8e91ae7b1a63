//! What an observer hears of the runs of a gateway: for metrics, logs and traces of the embedding
//! program.
//!
//! ```
//! use std::sync::Arc;
//!
//! use llm_gateway_core::observe::{Observed, Observer};
//! use llm_gateway_core::{Gateway, Request};
//!
//! /// Prints each observation as a line of JSON.
//! struct Lines;
//!
//! impl Observer for Lines {
//!     fn observe(&self, observed: &Observed<'_>) {
//!         println!("{}", serde_json::to_string(observed).unwrap_or_default());
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder().offline().observer(Arc::new(Lines)).build()?;
//! gateway.route(Request::new("quick_answer", "hello")).await?;
//! # Ok(())
//! # }
//! ```

mod fields;
mod names;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::error::Category;
use crate::event::{Event, EventListener};
use crate::isolation::caught;
use crate::model::{CostBasis, NanoUsd, RunId, Target, Usage};

pub use names::OBSERVATIONS;

/// An observer of every run of a gateway. Implement it to count, log or trace what a gateway does.
///
/// [`GatewayBuilder::observer`](crate::GatewayBuilder::observer) puts one in place. It hears of each
/// observation in order, run by run, where it happens: [`observe`](Self::observe) is called between
/// two steps of a run, so it must not block, and what takes longer belongs behind a channel of its
/// own. Runs at the same time call it at the same time. A panic in it is ignored.
///
/// Names and fields of observations are stable; [`OBSERVATIONS`] lists them.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use llm_gateway_core::observe::{Observed, Observer};
/// use llm_gateway_core::{Gateway, Request};
///
/// #[derive(Default)]
/// struct Lines(Mutex<Vec<String>>);
///
/// impl Observer for Lines {
///     fn observe(&self, observed: &Observed<'_>) {
///         self.0.lock().unwrap().push(observed.name().to_owned());
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lines = Arc::new(Lines::default());
/// let gateway = Gateway::builder().offline().observer(lines.clone()).build()?;
/// gateway.route(Request::new("quick_answer", "hello")).await?;
/// let heard = lines.0.lock().unwrap();
/// assert_eq!(heard.first().map(String::as_str), Some("run_started"));
/// assert_eq!(heard.last().map(String::as_str), Some("run_ended"));
/// # Ok(())
/// # }
/// ```
pub trait Observer: Send + Sync {
    /// Hears of one observation.
    fn observe(&self, observed: &Observed<'_>);
}

/// One observation: what happened, and in which run. It serializes as a flat JSON object of its
/// [`name`](Self::name), `run_id`, `task_class` and its own fields. Money is in US dollars, times are
/// in milliseconds.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Observed<'a> {
    /// Id of the run, as its envelope shows it.
    pub run_id: RunId,
    /// Task class of the run. That of an orchestration is `orchestrate`.
    pub task_class: &'a str,
    /// What happened in the run.
    pub what: Observation<'a>,
}

/// What an observer hears of.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// A run begins its work.
    RunStarted,
    /// Something happened that the run's events tell too.
    Event(&'a Event),
    /// An attempt has ended, and its cost is booked. The cost of a run is the sum of its attempts.
    AttemptEnded(&'a AttemptEnd<'a>),
    /// A run has ended with a reply or a failure.
    #[non_exhaustive]
    RunEnded {
        /// Category of the failure; `None` if there is a reply.
        category: Option<Category>,
        /// Time from the beginning of the run to its end.
        latency: Duration,
    },
    /// A run was dropped before it had ended, because its caller left. Attempts that were under way
    /// count at their worst case, and are not heard of.
    RunDropped,
}

/// How an attempt ended, and what it cost.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AttemptEnd<'a> {
    /// Target that was asked.
    pub target: &'a Target,
    /// Category of the failure; `None` if the attempt was answered.
    pub category: Option<Category>,
    /// HTTP status of the response, if there was one.
    pub http_status: Option<u16>,
    /// Time from the first byte sent to the end of the attempt.
    pub latency: Duration,
    /// Time waited before the attempt: for a retry, and for room within the provider's limits.
    pub waited: Duration,
    /// Tokens that the provider reported; `None` if it reported none.
    pub usage: Option<Usage>,
    /// Cost of the attempt; `None` if it is unknown.
    pub cost: Option<NanoUsd>,
    /// Basis of the cost: how certain it is.
    pub cost_basis: CostBasis,
}

impl Observed<'_> {
    /// Returns the name of the observation, such as `attempt_ended`.
    pub fn name(&self) -> &'static str {
        match &self.what {
            Observation::RunStarted => "run_started",
            Observation::Event(event) => fields::name(event),
            Observation::AttemptEnded(_) => "attempt_ended",
            Observation::RunEnded { .. } => "run_ended",
            Observation::RunDropped => "run_dropped",
        }
    }

    /// Returns the observation's own fields, each with its name.
    pub fn fields(&self) -> Vec<(&'static str, Value)> {
        match &self.what {
            Observation::RunStarted | Observation::RunDropped => Vec::new(),
            Observation::Event(event) => fields::fields(event),
            Observation::AttemptEnded(end) => end.fields(),
            Observation::RunEnded { category, latency } => {
                vec![("outcome", outcome(*category)), ("latency_ms", millis(*latency))]
            }
        }
    }
}

impl Serialize for Observed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name())?;
        map.serialize_entry("run_id", &self.run_id.to_string())?;
        map.serialize_entry("task_class", self.task_class)?;
        for (name, value) in self.fields() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

impl AttemptEnd<'_> {
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let tokens = |count: fn(&Usage) -> u64| json!(self.usage.as_ref().map(count));
        vec![
            ("provider", json!(self.target.provider)),
            ("model", json!(self.target.model)),
            ("outcome", outcome(self.category)),
            ("http_status", json!(self.http_status)),
            ("latency_ms", millis(self.latency)),
            ("waited_ms", millis(self.waited)),
            ("tokens_in", tokens(Usage::input)),
            ("tokens_out", tokens(|usage| usage.output)),
            ("cost_usd", json!(self.cost)),
            ("cost_basis", json!(self.cost_basis)),
        ]
    }
}

/// Returns `ok` or the name of a failure's category.
fn outcome(category: Option<Category>) -> Value {
    json!(category.map_or("ok", Category::as_str))
}

fn millis(time: Duration) -> Value {
    json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// The observer of one run, which knows the run's id and task class.
#[derive(Clone)]
pub(crate) struct RunObserver {
    observer: Arc<dyn Observer>,
    run_id: RunId,
    task_class: Arc<str>,
}

impl RunObserver {
    /// Lets `observer` hear of the run `run_id`.
    pub(crate) fn new(observer: Arc<dyn Observer>, run_id: RunId, task_class: &str) -> Self {
        Self { observer, run_id, task_class: Arc::from(task_class) }
    }

    /// Returns what tells the observer of the run's events.
    pub(crate) fn listener(&self) -> EventListener {
        let observer = self.clone();
        Arc::new(move |event| observer.tell(Observation::Event(event)))
    }

    /// Tells the observer what happened. Its panic changes nothing.
    pub(crate) fn tell(&self, what: Observation<'_>) {
        let observed = Observed { run_id: self.run_id, task_class: &self.task_class, what };
        caught(|| self.observer.observe(&observed)).ok();
    }
}
