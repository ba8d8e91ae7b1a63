//! What happens between a request and its reply: resolve, shape, hand on, put the outcome
//! together. Which adapters are behind the ports that it works with, the gateway has decided.

mod active;
mod cascade;
mod escalation_counts;
mod orchestration;
mod panel;
mod receipts;
mod recent_answers;
mod request;
mod state;
mod task;

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use tracing::Instrument;

use crate::event::{self, Events};
use crate::model::RunId;
use crate::outcome::{Failure, Reply};

use active::ActiveRun;
use orchestration::ORCHESTRATE;

pub(crate) use active::Wanted;
pub(crate) use escalation_counts::EscalationCounts;
pub(crate) use recent_answers::RecentAnswers;
pub use request::Request;
pub(crate) use state::SharedState;
pub use task::Task;

/// One request under way: its events, and its outcome.
///
/// Awaiting the run awaits the outcome. Nothing happens before it is polled.
///
/// # Cancel safety
/// Dropping it cancels the request: the connection is closed.
#[must_use = "a run does nothing until it is awaited"]
#[non_exhaustive]
pub struct Run {
    /// Names this run.
    pub id: RunId,
    /// What the run tells while it works. Nobody has to read it.
    pub events: Events,
    /// What it gives in the end.
    pub outcome: Outcome,
}

/// The future of a run's result.
pub type Outcome = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

impl IntoFuture for Run {
    type Output = Result<Reply, Failure>;
    type IntoFuture = Outcome;

    fn into_future(self) -> Outcome {
        self.outcome
    }
}

/// Begins a request whose caller can take a reply of the kind that is `wanted`.
pub(crate) fn start(state: &Arc<SharedState>, request: Request, wanted: Wanted) -> Run {
    let id = RunId::from_bits(state.random.bits());
    let (events, told) = event::channel();
    let state = Arc::clone(state);
    let span = tracing::info_span!("run", run_id = %id, task_class = %request.task_class);
    let outcome = async move {
        ActiveRun::new(&state, &events, request.task_class.clone(), id).reply(request, wanted).await
    };
    Run { id, events: told, outcome: Box::pin(outcome.instrument(span)) }
}

/// Begins an orchestration.
pub(crate) fn start_orchestration(state: &Arc<SharedState>, task: Task) -> Run {
    let id = RunId::from_bits(state.random.bits());
    let (events, told) = event::channel();
    let state = Arc::clone(state);
    let span = tracing::info_span!("run", run_id = %id, task_class = ORCHESTRATE);
    let outcome = async move {
        ActiveRun::new(&state, &events, ORCHESTRATE.to_owned(), id).orchestration(task).await
    };
    Run { id, events: told, outcome: Box::pin(outcome.instrument(span)) }
}
