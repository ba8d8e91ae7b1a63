//! The way from a request to its reply.
//!
//! A run resolves the request against the policy, chooses the way that the policy gives its task
//! class (one chain of targets, a panel, a cascade, or the steps of an orchestration), and turns
//! the result into a [`Reply`] or a [`Failure`]. It works with ports only; the room `gateway`
//! decides which adapters stand behind them. The calls themselves are made by `dispatch`, `panel`
//! and `orchestrate`.

mod active;
mod begun;
mod budget;
mod cascade;
mod escalation_counts;
mod lasting;
mod observed;
mod orchestration;
mod panel;
mod receipts;
mod recent_answers;
mod reply;
mod request;
mod state;
mod task;
mod under_way;
mod work;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use tracing::Instrument;

use crate::event::Events;
use crate::model::RunId;
use crate::outcome::{Failure, Reply};
use crate::policy::ORCHESTRATE;
use crate::runtime::on_one_runtime;
use crate::stream::ContentSink;

use active::ActiveRun;
use begun::BegunRun;
use observed::ObservedRun;

pub(crate) use lasting::LastingState;
pub(crate) use reply::AcceptedReply;
pub use request::Request;
pub(crate) use state::SharedState;
pub use task::Task;
use work::{RunName, Work};

/// A request under way: its id, its events, and the future of its result.
///
/// Awaiting a run awaits its [`outcome`](Self::outcome). Nothing happens before the outcome is
/// polled or the [`events`](Self::events) are read; [`spawn`](Self::spawn) has the runtime work on
/// it in any case.
///
/// # Cancel safety
/// Dropping a run, or its outcome, cancels the request and closes its connections; its events then
/// end. That holds for a run that was spawned too.
#[must_use = "a run does nothing until it is awaited"]
#[non_exhaustive]
pub struct Run {
    /// Id of the run, as envelopes, receipts and logs show it.
    pub id: RunId,
    /// Events of the run while it works. They may be left unread.
    pub events: Events,
    /// Future of the run's reply, or of its failure.
    pub outcome: RunFuture,
    work: Arc<Work>,
}

impl Run {
    fn new(begun: BegunRun, events: Events, asked: Asked) -> Self {
        let name = RunName { id: begun.id, task_class: begun.task_class.clone() };
        let span = tracing::info_span!("run", run_id = %name.id, task_class = %name.task_class);
        let (id, refused) = (name.id, name.clone());
        let work = done(begun, asked).instrument(span);
        let work = on_one_runtime(work, move |error| refused.failure(error));
        let work = Arc::new(Work::new(Box::pin(work), name));
        Self { id, events: events.driven_by(work.driver()), outcome: work.outcome(), work }
    }

    /// Has the current tokio runtime work on the run, whether or not anybody awaits it.
    ///
    /// The outcome can then be awaited, and the events read, from anywhere: in another task,
    /// another runtime, or none. Without a runtime, nothing is sent and the outcome is a failure
    /// of the category [`Internal`](crate::Category::Internal); it is one too if the runtime ends
    /// before the run does.
    ///
    /// ```
    /// use llm_gateway_core::{Gateway, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = Gateway::builder().offline().build()?;
    /// let run = gateway.start(Request::new("quick_answer", "hello")).spawn();
    /// // The request is under way while the program does something else.
    /// let reply = run.await?;
    /// # assert!(reply.text().contains("hello"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the run, or its outcome, still cancels the request. To let it run on without
    /// anybody who waits, await it in a task of your own.
    #[must_use = "dropping a run cancels it"]
    pub fn spawn(self) -> Self {
        self.work.spawn();
        Self { events: self.events.listening(), ..self }
    }
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
    let (begun, events) = BegunRun::new(state, &request.task_class, request.stop.as_ref());
    Run::new(begun, events, Asked::Question { request, wanted, content })
}

/// Starts an orchestration.
pub(crate) fn start_orchestration(state: &Arc<SharedState>, task: Task) -> Run {
    let (begun, events) = BegunRun::new(state, ORCHESTRATE, task.stop.as_ref());
    Run::new(begun, events, Asked::Task(task))
}

/// The question or the task that a run is asked.
enum Asked {
    Question { request: Request, wanted: AcceptedReply, content: Option<ContentSink> },
    Task(Task),
}

/// Does what a run is asked, tells the observer how it begins and how it ends, and returns what its
/// caller is told.
async fn done(begun: BegunRun, asked: Asked) -> Result<Reply, Failure> {
    let run = ActiveRun::new(&begun);
    let observed = ObservedRun::started(begun.observer.as_ref());
    let ended = match begun.enter() {
        Ok(_under_way) => {
            let ended = match asked {
                Asked::Question { request, wanted, content } => {
                    run.reply(request, wanted, content).await
                }
                Asked::Task(task) => run.orchestration(task).await,
            };
            run.with_budget(ended).await
        }
        Err(error) => Err(run.failure(error)),
    };
    observed.ended(ended.as_ref().err().map(Failure::category), run.started.elapsed());
    match run.state.is_hermetic {
        true => ended.map(Reply::without_times).map_err(Failure::without_times),
        false => ended,
    }
}
