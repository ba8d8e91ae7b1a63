//! What can be asked of the ledger's thread. A job is written in a transaction with others
//! and answered after the commit, never before.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::super::cap::{Cap, HoldRequest, Rule};
use super::super::error::{ReserveError, Unusable};
use super::super::hold::{Closing, Hold, Seat, Told};
use super::super::month::Month;
use super::Queue;
use super::books::{Books, HoldId};

/// Something for the ledger's thread to do.
pub(super) trait Job: Send {
    /// Does it, within a transaction that may still fail.
    fn write(&mut self, books: &Books<'_>) -> rusqlite::Result<()>;

    /// Tells whoever asked how the transaction ended. Gives back what must be tried again.
    fn answer(self: Box<Self>, written: Result<(), Unusable>) -> Option<Box<dyn Job>>;
}

/// A question, or a change without a guard.
pub(super) struct Ask<T, F> {
    run: F,
    found: Option<T>,
    reply: oneshot::Sender<Result<T, Unusable>>,
}

impl<T, F> Ask<T, F> {
    pub(super) fn new(run: F, reply: oneshot::Sender<Result<T, Unusable>>) -> Self {
        Self { run, found: None, reply }
    }
}

impl<T, F> Job for Ask<T, F>
where
    T: Send,
    F: FnMut(&Books<'_>) -> rusqlite::Result<T> + Send,
{
    fn write(&mut self, books: &Books<'_>) -> rusqlite::Result<()> {
        self.found = Some((self.run)(books)?);
        Ok(())
    }

    fn answer(self: Box<Self>, written: Result<(), Unusable>) -> Option<Box<dyn Job>> {
        let Self { found, reply, .. } = *self;
        // Without either the reply is dropped, which the asker hears.
        if let Some(answer) = written.map(|()| found).transpose() {
            let _ = reply.send(answer);
        }
        None
    }
}

/// Money to be set aside for one or more calls.
pub(super) struct Reserve {
    month: Month,
    calls: Vec<HoldRequest>,
    caps: Vec<Cap>,
    seats: OwnedSemaphorePermit,
    queue: Queue,
    found: Option<Result<Vec<HoldId>, ReserveError>>,
    reply: oneshot::Sender<Result<Vec<Hold>, ReserveError>>,
}

impl Reserve {
    pub(super) fn new(
        month: Month,
        calls: Vec<HoldRequest>,
        caps: Vec<Cap>,
        seats: OwnedSemaphorePermit,
        queue: Queue,
        reply: oneshot::Sender<Result<Vec<Hold>, ReserveError>>,
    ) -> Self {
        Self { month, calls, caps, seats, queue, found: None, reply }
    }
}

impl Job for Reserve {
    fn write(&mut self, books: &Books<'_>) -> rusqlite::Result<()> {
        let rule = Rule { place: &self.queue.place, month: self.month, caps: &self.caps };
        self.found = Some(books.reserve(&rule, &self.calls)?);
        Ok(())
    }

    fn answer(self: Box<Self>, written: Result<(), Unusable>) -> Option<Box<dyn Job>> {
        let Self { month, calls, mut seats, queue, found, reply, .. } = *self;
        let guard = |(id, call): (HoldId, HoldRequest)| {
            let (seat, queue, amount) = (seats.split(1), queue.clone(), call.amount);
            let hold = OpenHold { id, month, call, seat };
            Hold::new(amount, Box::new(SqliteSeat { hold, queue }))
        };
        let answer = match (written, found) {
            (Err(unusable), _) => Err(unusable.into()),
            (Ok(()), None) => Err(queue.stopped().into()),
            (Ok(()), Some(Err(refused))) => Err(refused),
            (Ok(()), Some(Ok(ids))) => Ok(ids.into_iter().zip(calls).map(guard).collect()),
        };
        // Whoever asked may have left: then the guards are dropped here, and release.
        let _ = reply.send(answer);
        None
    }
}

/// The guard's way back to the ledger.
struct SqliteSeat {
    hold: OpenHold,
    queue: Queue,
}

/// What is known of a hold, and the room that is kept for its end.
struct OpenHold {
    id: HoldId,
    month: Month,
    call: HoldRequest,
    seat: Option<OwnedSemaphorePermit>,
}

impl Seat for SqliteSeat {
    fn close(self: Box<Self>, closing: Closing, told: Told) {
        let Self { hold, queue } = *self;
        queue.put(Box::new(Close { hold, closing, told: Some(told) }));
    }
}

/// The end of a hold. It has no way to the queue: what is owed must not keep the thread alive.
struct Close {
    hold: OpenHold,
    closing: Closing,
    told: Option<Told>,
}

impl Job for Close {
    fn write(&mut self, books: &Books<'_>) -> rusqlite::Result<()> {
        books.close(&self.hold.id, self.hold.month, &self.hold.call, self.closing)
    }

    fn answer(mut self: Box<Self>, written: Result<(), Unusable>) -> Option<Box<dyn Job>> {
        let owed = written.is_err();
        if let Some(told) = self.told.take() {
            told.tell(written);
        }
        // A full disk must not use up the seats: what is owed is bounded by what was open.
        self.hold.seat = None;
        owed.then_some(self as Box<dyn Job>)
    }
}
