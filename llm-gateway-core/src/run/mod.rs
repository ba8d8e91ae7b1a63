//! The way from a request to its reply.
//!
//! A run resolves the request against the policy, chooses the way that the policy gives its task
//! class (one chain of targets, a panel, a cascade, or the steps of an orchestration), and turns
//! the result into a [`Reply`] or a [`Failure`]. It works with ports only; the room `gateway`
//! decides which adapters stand behind them. The calls themselves are made by `dispatch`, `panel`
//! and `orchestrate`.

mod active;
mod budget;
mod cascade;
mod escalation_counts;
mod lasting;
mod orchestration;
mod panel;
mod receipts;
mod recent_answers;
mod reply;
mod request;
mod state;
mod task;
mod under_way;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use tracing::Instrument;

use crate::error::Error;
use crate::event::{self, Events};
use crate::model::RunId;
use crate::outcome::{Failure, FailureParts, Reply};
use crate::policy::ORCHESTRATE;
use crate::runtime::on_one_runtime;
use crate::stream::ContentSink;

use active::ActiveRun;

pub(crate) use lasting::LastingState;
pub(crate) use reply::AcceptedReply;
pub use request::Request;
pub(crate) use state::SharedState;
pub use task::Task;

/// A request under way: its id, its events, and the future of its result.
///
/// Awaiting a run awaits its [`outcome`](Self::outcome). Nothing happens before the outcome is
/// polled.
///
/// # Cancel safety
/// Dropping a run cancels the request and closes its connections.
#[must_use = "a run does nothing until it is awaited"]
#[non_exhaustive]
pub struct Run {
    /// Id of the run, as envelopes, receipts and logs show it.
    pub id: RunId,
    /// Events of the run while it works. They may be left unread.
    pub events: Events,
    /// Future of the run's reply, or of its failure.
    pub outcome: RunFuture,
}

/// The future of a run's result.
pub type RunFuture = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

impl IntoFuture for Run {
    type Output = Result<Reply, Failure>;
    type IntoFuture = RunFuture;

    fn into_future(self) -> RunFuture {
        self.outcome
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Starts a request. A reply of another kind than `wanted` is refused before anything is sent.
pub(crate) fn start(state: &Arc<SharedState>, request: Request, wanted: AcceptedReply) -> Run {
    start_heard(state, request, wanted, None)
}

/// Starts a request as [`start`] does, and passes on the text of a single model's answer to
/// `content` while it arrives.
pub(crate) fn start_heard(
    state: &Arc<SharedState>,
    request: Request,
    wanted: AcceptedReply,
    content: Option<ContentSink>,
) -> Run {
    let id = RunId::from_bits(state.lasting.random.bits());
    let (sender, events) = event::channel();
    let state = Arc::clone(state);
    let span = tracing::info_span!("run", run_id = %id, task_class = %request.task_class);
    let outcome = async move {
        let stop = state.lasting.runs.stop_beside(request.stop.as_ref());
        let run = ActiveRun::new(&state, &sender, request.task_class.clone(), id, stop);
        let _under_way = state.lasting.runs.begin().map_err(|error| run.failure(error))?;
        run.with_budget(run.reply(request, wanted, content).await).await
    };
    Run { id, events, outcome: Box::pin(on_one_runtime(outcome.instrument(span), refused(id))) }
}

/// Starts an orchestration.
pub(crate) fn start_orchestration(state: &Arc<SharedState>, task: Task) -> Run {
    let id = RunId::from_bits(state.lasting.random.bits());
    let (sender, events) = event::channel();
    let state = Arc::clone(state);
    let span = tracing::info_span!("run", run_id = %id, task_class = ORCHESTRATE);
    let outcome = async move {
        let stop = state.lasting.runs.stop_beside(task.stop.as_ref());
        let run = ActiveRun::new(&state, &sender, ORCHESTRATE.to_owned(), id, stop);
        let _under_way = state.lasting.runs.begin().map_err(|error| run.failure(error))?;
        run.with_budget(run.orchestration(task).await).await
    };
    Run { id, events, outcome: Box::pin(on_one_runtime(outcome.instrument(span), refused(id))) }
}

/// Returns what makes a failure of the error of a run that cannot be driven where it is polled.
fn refused(id: RunId) -> impl Fn(Error) -> Failure {
    move |error| Failure::new(FailureParts::before(error, id))
}
