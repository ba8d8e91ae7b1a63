//! The runs of the server's calls: each works in a task of its own, so that it can outlive the call
//! that began it.
//!
//! A call waits for its run, and is answered with the result. If its client leaves it first, the
//! run is ended, and what it had is kept. If the call is handed off first, it is answered with the
//! run's id, and nothing that happens to the call reaches the run any more. Every run ends with the
//! server. The file `collect` has the way back to a result.

mod collect;
mod followed;
mod found;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use llm_gateway_core::kept::{KeptRun, KeptRuns, RunDescription, RunTicket};
use llm_gateway_core::outcome::Attempt;
use llm_gateway_core::{Category, Envelope, Error, Failure, Gateway, Reply, Run, Stop};
use rmcp::RoleServer;
use rmcp::service::RequestContext;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::advice::with_advice;
use crate::lines::Unanswered;
use crate::progress::{FollowedRun, Reporter};

use followed::FollowedRuns;

pub(crate) use found::Found;

/// The time that a run may take to end after it was stopped: to book the call that it broke off, to
/// keep its text, to certify its steps and to write its receipt.
const STOPPING: Duration = Duration::from_secs(5);

/// The time that a stopped run still has when the server goes down. It is shorter than the time that
/// [`serve`](crate::serve) gives the last answers.
const STOPPING_LAST: Duration = Duration::from_millis(300);

/// The time for which a call that waits for a run still waits when the server goes down: until the
/// run has ended, and before the server's last answers are due.
const LAST_WAIT: Duration = Duration::from_millis(350);

/// The number of runs that `llm_routing_info` shows.
const SHOWN: usize = 16;

/// The hint of a result that is not there yet.
const COLLECT: &str = "the work goes on: call llm_result with this run_id to wait for the result";

/// The runs of the server's calls.
pub(crate) struct Runs {
    kept: KeptRuns,
    followed: FollowedRuns,
    ends: ServerEnds,
    /// Held by each run under way, so that the server can wait for all of them.
    alive: mpsc::Sender<()>,
}

/// The ways in which the server ends its calls.
#[derive(Clone)]
pub(crate) struct ServerEnds {
    /// The token that cancels all calls when the server goes down.
    pub(crate) calls: CancellationToken,
    /// Cancelled when the client has closed its end. A call that is cancelled then gets no answer.
    pub(crate) ended: CancellationToken,
    pub(crate) unanswered: Unanswered,
}

/// A run that was started for a call.
pub(crate) struct Started {
    pub(crate) tool: &'static str,
    /// The gateway on which the run began.
    pub(crate) gateway: Gateway,
    /// The name of the client, which is told how it gives a missing key.
    pub(crate) client: String,
    pub(crate) task_class: String,
    pub(crate) run: Run,
    /// The handle that ends the run and keeps what it has.
    pub(crate) stop: Stop,
}

/// A run under way. Dropping it ends the run.
struct Work {
    run: KeptRun,
    task: JoinHandle<Ended>,
    cancel: DropGuard,
}

/// The end of a call's wait for its run.
enum Waited {
    Done(Result<Ended, JoinError>),
    Cancelled,
    TooLong,
}

/// The end of a run, whose result is kept.
struct Ended {
    /// Whether the run was ended before it was done.
    is_broken_off: bool,
}

impl Runs {
    /// Returns an empty list of runs, and the receiver that ends when no run is under way and the
    /// list is dropped.
    pub(crate) fn new(ends: ServerEnds) -> (Self, mpsc::Receiver<()>) {
        let (alive, all_ended) = mpsc::channel(1);
        let (kept, followed) = (KeptRuns::default(), FollowedRuns::default());
        (Self { kept, followed, ends, alive }, all_ended)
    }

    /// Works on a run until it is done, its call is cancelled, or `hand_off` has passed. Its
    /// progress is told meanwhile.
    pub(crate) async fn answer(
        &self,
        started: Started,
        context: &RequestContext<RoleServer>,
        reporter: &Reporter,
        hand_off: Option<Duration>,
    ) -> Found {
        let tool = started.tool;
        let (mut work, mut followed) = self.begin(started);
        let waited = async {
            tokio::select! {
                biased;
                ended = &mut work.task => Waited::Done(ended),
                // rmcp sends no reply to a call that its client cancelled.
                () = context.ct.cancelled() => Waited::Cancelled,
                () = self.hand_off(&work.run, hand_off) => Waited::TooLong,
            }
        };
        let ended = match reporter.while_working(&mut followed, waited).await {
            Waited::Done(ended) => ended,
            Waited::Cancelled => {
                drop(work.cancel);
                work.task.await
            }
            Waited::TooLong => {
                tokio::spawn(async move { followed.follow().await });
                return work.hand_off().into();
            }
        };
        self.told(ended, work.run, tool, context)
    }

    /// Waits until a call is handed off, `time` after its beginning: for ever if its run is not
    /// kept any more, or if the client has left by then, because nobody would come back for it.
    async fn hand_off(&self, run: &KeptRun, time: Option<Duration>) {
        after(time).await;
        if self.ends.ended.is_cancelled() || self.kept.find(run.id()).is_none() {
            std::future::pending().await
        }
    }

    /// Runs what begins no run, until it is done, its call is cancelled, or the server goes down.
    /// What waits for a run that ends with the server still gets what the run had.
    pub(crate) async fn unless_cancelled(
        &self,
        work: impl Future<Output = Found>,
        context: &RequestContext<RoleServer>,
    ) -> Found {
        let mut work = pin!(work);
        let left = |why| Envelope::from(&cancelled(why)).into();
        tokio::select! {
            biased;
            found = &mut work => found,
            () = self.ends.calls.cancelled() => {
                self.leave_unanswered(context);
                timeout(LAST_WAIT, work).await.unwrap_or_else(|_| left(GOING_DOWN))
            }
            () = context.ct.cancelled() => left(CANCELLED),
        }
    }

    /// Returns the ways in which the server ends its calls.
    pub(crate) fn ends(&self) -> &ServerEnds {
        &self.ends
    }

    /// Describes the newest runs.
    pub(crate) fn describe(&self) -> Vec<RunDescription> {
        self.kept.describe(SHOWN, Instant::now())
    }

    /// Starts the task of a run.
    fn begin(&self, started: Started) -> (Work, FollowedRun) {
        let Started { tool, gateway, client, task_class, run, stop } = started;
        let ticket = self.kept.begin(run.id, &task_class, Instant::now());
        let kept = ticket.run().clone();
        let cancel = CancellationToken::new();
        let ends = [self.ends.calls.clone(), cancel.clone()];
        let alive = self.alive.clone();
        let Run { id, outcome, events, .. } = run;
        // The run works in its task, and nowhere else.
        let followed = FollowedRun::of(events.listening());
        self.followed.add(id, followed.watch());
        let task = tokio::spawn(async move {
            let outcome = async move {
                let outcome = outcome.await;
                let envelope = Envelope::from(&outcome);
                let envelope = with_advice(envelope, &client, gateway.policy().ok());
                (envelope, is_refused(&outcome))
            };
            let ended = work(tool, outcome, stop, ticket, ends).await;
            drop(alive);
            ended
        });
        (Work { run: kept, task, cancel: cancel.drop_guard() }, followed)
    }

    /// Returns the answer of a call whose run has ended.
    fn told(
        &self,
        ended: Result<Ended, JoinError>,
        run: KeptRun,
        tool: &str,
        context: &RequestContext<RoleServer>,
    ) -> Found {
        match ended {
            Ok(Ended { is_broken_off }) => {
                if is_broken_off {
                    self.leave_unanswered(context);
                }
                Found::Run { run, page: None }
            }
            Err(_) => Envelope::from(&panicked(tool)).into(),
        }
    }

    /// Leaves a call that was broken off without an answer if its client has left.
    fn leave_unanswered(&self, context: &RequestContext<RoleServer>) {
        if self.ends.ended.is_cancelled() {
            self.ends.unanswered.add(&context.id);
        }
    }
}

impl Work {
    /// Lets the run go on without its call, and returns the answer of the call.
    fn hand_off(self) -> Envelope {
        self.cancel.disarm();
        running(&self.run)
    }
}

/// The reasons why a run is ended before it is done.
const GOING_DOWN: &str = "the server is going down";
const CANCELLED: &str = "the client cancelled the call";

/// Waits until a run that was stopped has no more time.
async fn end_of_stopping(server: &CancellationToken) {
    if timeout(STOPPING, server.cancelled()).await.is_ok() {
        sleep(STOPPING_LAST).await;
    }
}

/// Works on a run, whose `outcome` is its envelope and whether it was refused unasked, until it is
/// done or one of `ends`, the server's and the call's, is cancelled.
async fn work(
    tool: &str,
    outcome: impl Future<Output = (Envelope, bool)>,
    stop: Stop,
    ticket: RunTicket,
    [server, call]: [CancellationToken; 2],
) -> Ended {
    // An uncaught panic would leave those who wait without a result.
    let mut envelope = Box::pin(AssertUnwindSafe(outcome).catch_unwind());
    let done = tokio::select! {
        biased;
        done = &mut envelope => Ok(done),
        () = server.cancelled() => Err(GOING_DOWN),
        () = call.cancelled() => Err(CANCELLED),
    };
    let is_broken_off = done.is_err();
    let done = match done {
        // What was done was paid for, so it goes into the receipt, and into the result.
        Err(why) => {
            stop.stop();
            tokio::select! {
                biased;
                done = &mut envelope => Ok(done),
                () = end_of_stopping(&server) => Err(why),
            }
        }
        done => done,
    };
    // Connections are closed before anybody learns that the run has ended.
    drop(envelope);
    match done {
        Ok(Ok((envelope, true))) => ticket.finish_unkept(envelope),
        Ok(Ok((envelope, false))) => ticket.finish(envelope),
        Ok(Err(_)) => ticket.fail(panicked(tool)),
        Err(why) => ticket.fail(cancelled(why)),
    };
    Ended { is_broken_off }
}

/// Returns whether a request was refused before anybody was asked. Nothing was paid for, so the
/// result must not take the place of one that was.
fn is_refused(outcome: &Result<Reply, Failure>) -> bool {
    outcome.as_ref().is_err_and(|failure| {
        let is_asked = failure.attempts().iter().any(Attempt::was_asked);
        failure.category() != Category::Cancelled && !is_asked
    })
}

/// Waits for a time; for ever if there is none.
async fn after(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Returns the envelope of a run that is not done.
fn running(run: &KeptRun) -> Envelope {
    Envelope::running(run.id(), run.task_class(), run.age(Instant::now()), COLLECT)
}

pub(crate) fn panicked(tool: &str) -> Error {
    Error::new(Category::Internal, format!("`{tool}` failed inside the gateway"))
        .with_hint("this is a bug of llm-gateway; the server's stderr says more")
}

fn cancelled(why: &str) -> Error {
    Error::new(Category::Cancelled, why)
}
