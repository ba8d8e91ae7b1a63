//! The ledger in one SQLite file, shared by all processes of a user.
//!
//! Each ledger has one thread, which owns the connection and writes whatever waits for it in one
//! transaction. A request is sent to the thread as a job, and is answered once the transaction is
//! on the disk. No caller's thread is blocked, and no runtime is needed. A paused tokio clock goes
//! at the pace of the machine's meanwhile.
//!
//! The path decides. If the file is moved or replaced, the thread changes to the file that is at
//! the path now, and books in it the ends of holds that it still had in the other.
//!
//! A report takes no write lock: it is read while others write, after the jobs that
//! were sent before it. The log is folded into the file when the ledger is drained, and after a
//! second without a job, so that a copy of the file is complete whenever nobody uses it.
//!
//! The end of a hold is a job too, also if the guard is dropped. Its room in the queue is taken
//! before money is reserved, as a slot of a semaphore, and kept until the end of the hold is
//! written. The slots bound the queue, so it can never be full for a drop.

mod balance;
mod books;
mod files;
mod jobs;
mod open;
mod probe;
mod problem;
mod processes;
mod reader;
mod schema;
mod thread;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, mpsc};

use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot};

use super::Ledger;
use super::cap::Cap;
use super::day::Day;
use super::error::{ReserveError, UnusableLedger};
use super::hold_request::HoldRequest;
use super::month::Month;
use super::period::Period;
use super::period_spend::{DroppedHolds, PeriodSpend, SpendBy};
use super::reserved::Reserved;
use crate::runtime::in_real_time;

use books::Books;
use jobs::{Job, Need, Query, Reserve};
use thread::LedgerThread;

/// The most holds that a ledger keeps open at once; a request for more waits. The number is far
/// above what one process can have in flight, and small enough to be a bound: a hold is about 300
/// bytes.
const SLOTS: usize = 4096;

/// A ledger in an SQLite file.
///
/// The first request starts the ledger's thread and opens the file. If that fails, the next request
/// tries again, so that a repaired ledger works without a restart.
///
/// Several gateways can share one ledger, and with it one thread and one open file: give an `Arc` of
/// it to [`GatewayBuilder::ledger`](crate::GatewayBuilder::ledger) of each. Two ledgers at one path
/// count as two processes do, each with its own thread.
pub struct SqliteLedger {
    path: PathBuf,
    patience: u32,
    /// The queue of the ledger's thread, once there was a request.
    queue: OnceLock<Queue>,
    slots: Arc<Semaphore>,
}

/// The queue of jobs for the SQLite ledger's thread.
#[derive(Clone)]
struct Queue {
    jobs: mpsc::Sender<Box<dyn Job>>,
    place: Arc<str>,
}

impl SqliteLedger {
    /// Creates the ledger in the file at `path`. The file and its directory are created by the
    /// first request if they do not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::with_patience(path, open::PATIENCE)
    }

    /// Creates a ledger that checks `patience` times whether a lock is free before it gives up.
    fn with_patience(path: impl Into<PathBuf>, patience: u32) -> Self {
        let (path, queue) = (path.into(), OnceLock::new());
        Self { path, patience, queue, slots: Arc::new(Semaphore::new(SLOTS)) }
    }

    /// Returns the queue of the ledger's thread, which the first call starts.
    fn queue(&self) -> &Queue {
        self.queue.get_or_init(|| {
            let place = Arc::from(self.path.display().to_string());
            let (jobs, inbox) = mpsc::channel();
            let thread = LedgerThread::new(self.path.clone(), self.patience, inbox);
            // Without a thread the inbox is gone, and every request fails for that.
            let _ = std::thread::Builder::new()
                .name("llm-gateway-ledger".to_owned())
                .spawn(move || thread.run());
            Queue { jobs, place }
        })
    }

    /// Lets the ledger's thread run `run` in a transaction, and waits for the result.
    async fn ask<T, F>(&self, need: Need, run: F) -> Result<T, UnusableLedger>
    where
        T: Send + 'static,
        F: FnMut(&Books<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, heard) = oneshot::channel();
        self.queue().put(Box::new(Query::new(need, run, reply)));
        in_real_time(heard).await.unwrap_or_else(|_| Err(self.queue().stopped()))
    }
}

impl fmt::Debug for SqliteLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLedger").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let slots = u32::try_from(attempts.len().min(SLOTS)).unwrap_or(u32::MAX);
        let slots = Arc::clone(&self.slots).acquire_many_owned(slots).await;
        let slots = slots.map_err(|_| self.queue().stopped())?;
        let (reply, heard) = oneshot::channel();
        let queue = self.queue().clone();
        let (attempts, caps) = (attempts.to_vec(), caps.to_vec());
        self.queue().put(Box::new(Reserve::new(day, attempts, caps, slots, queue, reply)));
        in_real_time(heard).await.unwrap_or_else(|_| Err(self.queue().stopped().into()))
    }

    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        let place = Arc::clone(&self.queue().place);
        self.ask(Need::Reading, move |books| books.spent(&place, period, by)).await?
    }

    async fn drop_unsettled(&self, month: Month) -> Result<DroppedHolds, UnusableLedger> {
        let place = Arc::clone(&self.queue().place);
        self.ask(Need::Writing, move |books| books.drop_unsettled(&place, month)).await?
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        // The queue is in order: what came before is written when this is answered.
        self.ask(Need::Folding, |_| Ok(())).await
    }

    fn needs_isolation(&self) -> bool {
        false
    }
}

impl Queue {
    /// Puts a job into the queue. If the thread cannot be started, the job is answered with that
    /// error.
    fn put(&self, job: Box<dyn Job>) {
        if let Err(mpsc::SendError(job)) = self.jobs.send(job) {
            job.answer(Err(self.stopped()));
        }
    }

    fn stopped(&self) -> UnusableLedger {
        UnusableLedger::stopped(&*self.place)
    }
}

#[cfg(test)]
mod tests;
