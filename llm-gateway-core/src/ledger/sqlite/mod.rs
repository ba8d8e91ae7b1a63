//! The ledger in one SQLite file, shared by every process of a user.
//!
//! Each ledger has one thread, which owns the connection and writes whatever waits for it in
//! one transaction. What is asked of it travels as a job; the answer comes back when it is on
//! the disk. Nothing here blocks a caller's thread. (Under a paused tokio clock the answer is
//! late: use the ledger in memory there.)
//!
//! What counts is the path: where its file is moved or replaced, the thread goes over to the
//! file that is there now, and books in it what it still held in the other.
//!
//! The end of a hold is a message too, also where the guard is dropped. Its room is reserved
//! with the hold: a slot taken before the reservation is asked for, and kept until the end of
//! the hold is written. So the queue is bounded by the slots, and can never be full for a drop.

mod books;
mod files;
mod jobs;
mod open;
mod problem;
mod processes;
mod thread;

use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot};

use super::Ledger;
use super::cap::{Cap, HoldRequest};
use super::error::{ReserveError, Unusable};
use super::hold::Hold;
use super::month::Month;
use super::month_spend::{By, Dropped, MonthSpend};

use books::Books;
use jobs::{Job, Query, Reserve};
use thread::LedgerThread;

/// How many holds a ledger keeps open at once; who asks for more waits. Far above what one
/// process can have in flight, and small enough to be a bound: a hold is about 300 bytes.
const SLOTS: usize = 4096;

/// A ledger in a file. It is opened by the first thing that is asked of it, and again by the
/// next if that failed: a ledger that was mended works without a restart.
pub struct SqliteLedger {
    queue: Queue,
    slots: Arc<Semaphore>,
}

/// The way to the ledger's thread.
#[derive(Clone)]
struct Queue {
    jobs: mpsc::Sender<Box<dyn Job>>,
    place: Arc<str>,
}

impl SqliteLedger {
    /// The ledger in the file `path`, which is created, with its directory, if it is not there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::with_patience(path, open::PATIENCE)
    }

    /// As [`at`](Self::at), looking `patience` times whether a lock is free.
    fn with_patience(path: impl Into<PathBuf>, patience: u32) -> Self {
        let path = path.into();
        let place = Arc::from(path.display().to_string());
        let (jobs, inbox) = mpsc::channel();
        let thread = LedgerThread::new(path, patience, inbox);
        // Without a thread the inbox is gone, and everything asked is answered by that.
        let _ = std::thread::Builder::new()
            .name("llm-gateway-ledger".to_owned())
            .spawn(move || thread.run());
        Self { queue: Queue { jobs, place }, slots: Arc::new(Semaphore::new(SLOTS)) }
    }

    /// Asks the ledger's thread, and waits for the answer.
    async fn ask<T, F>(&self, run: F) -> Result<T, Unusable>
    where
        T: Send + 'static,
        F: FnMut(&Books<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, heard) = oneshot::channel();
        self.queue.put(Box::new(Query::new(run, reply)));
        heard.await.unwrap_or_else(|_| Err(self.queue.stopped()))
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn reserve(
        &self,
        month: Month,
        calls: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Vec<Hold>, ReserveError> {
        let slots = u32::try_from(calls.len().min(SLOTS)).unwrap_or(u32::MAX);
        let slots = Arc::clone(&self.slots).acquire_many_owned(slots).await;
        let slots = slots.map_err(|_| self.queue.stopped())?;
        let (reply, heard) = oneshot::channel();
        let queue = self.queue.clone();
        let (calls, caps) = (calls.to_vec(), caps.to_vec());
        self.queue.put(Box::new(Reserve::new(month, calls, caps, slots, queue, reply)));
        heard.await.unwrap_or_else(|_| Err(self.queue.stopped().into()))
    }

    async fn spent(&self, month: Month, by: By) -> Result<MonthSpend, Unusable> {
        self.ask(move |books| books.spent(month, by)).await
    }

    async fn drop_unsettled(&self, month: Month) -> Result<Dropped, Unusable> {
        self.ask(move |books| books.drop_unsettled(month)).await
    }

    async fn drain(&self) -> Result<(), Unusable> {
        // The queue is in order: what came before is written when this is answered.
        self.ask(|_| Ok(())).await
    }
}

impl Queue {
    /// Puts a job in the queue; without a thread to do it, it is answered by that.
    fn put(&self, job: Box<dyn Job>) {
        if let Err(mpsc::SendError(job)) = self.jobs.send(job) {
            job.answer(Err(self.stopped()));
        }
    }

    fn stopped(&self) -> Unusable {
        Unusable::stopped(&*self.place)
    }
}

#[cfg(test)]
mod tests;
