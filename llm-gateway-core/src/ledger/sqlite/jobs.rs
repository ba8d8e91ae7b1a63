//! The jobs of the ledger's thread. Jobs are written together in one transaction, and answered
//! after the commit, never before.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::super::cap::Cap;
use super::super::day::Day;
use super::super::error::{ReserveError, UnusableLedger};
use super::super::hold::{Hold, HoldEnd, HoldSlot, WriteConfirmation};
use super::super::hold_request::HoldRequest;
use super::super::reserved::Reserved;
use super::super::rule::Rule;
use super::Queue;
use super::books::{Booked, Books, HoldId};

/// A job of the ledger's thread, which changes or reads the tables.
pub(super) trait Job: Send {
    /// Does the job in the ledger's tables, within a transaction that may still fail.
    fn run(&mut self, books: &Books<'_>) -> rusqlite::Result<()>;

    /// Returns what the job needs of the ledger's thread.
    fn need(&self) -> Need {
        Need::Writing
    }

    /// Answers the sender of the job with the result of the transaction. Returns the job if it must
    /// be tried again.
    fn answer(self: Box<Self>, written: Result<(), UnusableLedger>) -> Option<Box<dyn Job>>;
}

/// The part of the ledger's thread that a job needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// The job only reads, and takes no write lock.
    Reading,
    /// The job changes the tables.
    Writing,
    /// The job comes last, and folds the log into the file, so that a copy of the file is complete.
    Folding,
}

/// The job that runs a query, or a change that returns no hold.
pub(super) struct Query<T, F> {
    need: Need,
    run: F,
    found: Option<T>,
    reply: oneshot::Sender<Result<T, UnusableLedger>>,
}

impl<T, F> Query<T, F> {
    pub(super) fn new(
        need: Need,
        run: F,
        reply: oneshot::Sender<Result<T, UnusableLedger>>,
    ) -> Self {
        Self { need, run, found: None, reply }
    }
}

impl<T, F> Job for Query<T, F>
where
    T: Send,
    F: FnMut(&Books<'_>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, books: &Books<'_>) -> rusqlite::Result<()> {
        self.found = Some((self.run)(books)?);
        Ok(())
    }

    fn need(&self) -> Need {
        self.need
    }

    fn answer(self: Box<Self>, written: Result<(), UnusableLedger>) -> Option<Box<dyn Job>> {
        let Self { found, reply, .. } = *self;
        // Without either, the reply is dropped, and whoever waits for it is answered by that.
        if let Some(answer) = written.map(|()| found).transpose() {
            let _ = reply.send(answer);
        }
        None
    }
}

/// The job that sets money aside for one or more attempts.
pub(super) struct Reserve {
    day: Day,
    attempts: Vec<HoldRequest>,
    caps: Vec<Cap>,
    slots: OwnedSemaphorePermit,
    queue: Queue,
    found: Option<Result<Booked, ReserveError>>,
    reply: oneshot::Sender<Result<Reserved, ReserveError>>,
}

impl Reserve {
    pub(super) fn new(
        day: Day,
        attempts: Vec<HoldRequest>,
        caps: Vec<Cap>,
        slots: OwnedSemaphorePermit,
        queue: Queue,
        reply: oneshot::Sender<Result<Reserved, ReserveError>>,
    ) -> Self {
        Self { day, attempts, caps, slots, queue, found: None, reply }
    }
}

impl Job for Reserve {
    fn run(&mut self, books: &Books<'_>) -> rusqlite::Result<()> {
        let rule = Rule { place: &self.queue.place, day: self.day, caps: &self.caps };
        self.found = Some(books.reserve(&rule, &self.attempts)?);
        Ok(())
    }

    fn answer(self: Box<Self>, written: Result<(), UnusableLedger>) -> Option<Box<dyn Job>> {
        let Self { day, attempts, mut slots, queue, found, reply, .. } = *self;
        let guard = |(id, attempt): (HoldId, HoldRequest)| {
            let (slot, queue, amount) = (slots.split(1), queue.clone(), attempt.amount);
            let hold = OpenHold { id, day, attempt, slot };
            Hold::new(amount, Box::new(SqliteSlot { hold, queue }))
        };
        let answer = match (written, found) {
            (Err(unusable), _) => Err(unusable.into()),
            (Ok(()), None) => Err(queue.stopped().into()),
            (Ok(()), Some(Err(refused))) => Err(refused),
            (Ok(()), Some(Ok(Booked { ids, totals }))) => {
                let holds = ids.into_iter().zip(attempts).map(guard).collect();
                Ok(Reserved::new(holds).with_totals(totals))
            }
        };
        // If whoever asked has left, the guards are dropped here, which releases them.
        let _ = reply.send(answer);
        None
    }
}

/// The slot of one hold: it sends the end of the hold to the ledger's thread.
struct SqliteSlot {
    hold: OpenHold,
    queue: Queue,
}

/// A hold that has not ended, with the room in the queue that is kept for its end.
struct OpenHold {
    id: HoldId,
    day: Day,
    attempt: HoldRequest,
    slot: Option<OwnedSemaphorePermit>,
}

impl HoldSlot for SqliteSlot {
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
        let Self { hold, queue } = *self;
        queue.put(Box::new(Close { hold, end, confirmation: Some(confirmation) }));
    }
}

/// The job that books the end of a hold. It does not hold the queue's sender: a job that waits to
/// be tried again must not keep the thread alive.
struct Close {
    hold: OpenHold,
    end: HoldEnd,
    confirmation: Option<WriteConfirmation>,
}

impl Job for Close {
    fn run(&mut self, books: &Books<'_>) -> rusqlite::Result<()> {
        books.close(&self.hold.id, self.hold.day, &self.hold.attempt, self.end)
    }

    fn answer(mut self: Box<Self>, written: Result<(), UnusableLedger>) -> Option<Box<dyn Job>> {
        let is_unwritten = written.is_err();
        if let Some(confirmation) = self.confirmation.take() {
            confirmation.send(written);
        }
        // A full disk must not use up the slots: the jobs that wait are bounded by the holds that
        // were open.
        self.hold.slot = None;
        is_unwritten.then_some(self as Box<dyn Job>)
    }
}
