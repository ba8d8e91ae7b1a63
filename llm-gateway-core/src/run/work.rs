//! The work of a run, which whoever waits for the run lets go on.
//!
//! The work is one future. The outcome of a run polls it, and so does the reader of its events
//! while there is nothing to read, so that neither waits for a run that nobody works on. A run that
//! was spawned is polled by a task, and the outcome only waits. At any time one of them has the
//! future in its hands, and each is woken when it can go on. Dropping the outcome drops the future.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio::runtime::{Handle, Id};

use crate::error::{Category, Error};
use crate::event::RunDriver;
use crate::model::RunId;
use crate::outcome::{Failure, FailureParts, Reply};
use crate::runtime::current;

use super::RunFuture;

/// What a failure of the run says that has no other source than its work.
#[derive(Clone)]
pub(super) struct RunName {
    pub(super) id: RunId,
    pub(super) task_class: String,
}

impl RunName {
    pub(super) fn failure(&self, error: Error) -> Failure {
        let parts = FailureParts::before(error, self.id);
        Failure::new(FailureParts { task_class: self.task_class.clone(), ..parts })
    }
}

/// The work of a run, and those that wait for it.
pub(super) struct Work {
    name: RunName,
    place: Mutex<Place>,
    wakers: Arc<Wakers>,
    /// Whether a task lets the run work, so that the outcome only waits.
    is_spawned: AtomicBool,
    /// Wakes the outcome of a spawned run when the work has ended.
    ended: AtomicWaker,
    /// The runtime in which the run was polled first; `None` if there was none.
    runtime: OnceLock<Option<Id>>,
}

/// Where the future of a run is.
enum Place {
    /// Nobody polls the future.
    Resting(RunFuture),
    /// Somebody polls it, and has it in its hands.
    Polled,
    /// Somebody polls it, and the outcome was dropped meanwhile.
    Unwanted,
    /// The result waits to be taken.
    Ended(Box<Result<Reply, Failure>>),
    /// The result was taken, or there will be none.
    Gone,
}

impl Work {
    /// Creates the work of the run `name`, which nobody has polled.
    pub(super) fn new(future: RunFuture, name: RunName) -> Self {
        let wakers = Wakers { is_due: AtomicBool::new(true), ..Wakers::default() };
        Self {
            name,
            place: Mutex::new(Place::Resting(future)),
            wakers: Arc::new(wakers),
            is_spawned: AtomicBool::new(false),
            ended: AtomicWaker::new(),
            runtime: OnceLock::new(),
        }
    }

    /// Returns the outcome of the run, which polls the work unless a task does. Dropping it cancels
    /// the run.
    pub(super) fn outcome(self: &Arc<Self>) -> RunFuture {
        Box::pin(Outcome(Arc::clone(self)))
    }

    /// Returns the driver by which a reader of the run's events lets it work.
    pub(super) fn driver(self: &Arc<Self>) -> RunDriver {
        let work = Arc::clone(self);
        Box::new(move |cx| work.advance_for_reader(cx))
    }

    /// Has a task on the current tokio runtime poll the future, unless one does already. Without a
    /// runtime the outcome is a failure, and the future is dropped without a poll.
    pub(super) fn spawn(self: &Arc<Self>) {
        if self.is_spawned.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(WorkTask(Arc::clone(self)));
            return;
        }
        let message = "there is no tokio runtime here on which the run could be spawned";
        let failure = self.name.failure(Error::new(Category::Internal, message));
        let refused = Place::Ended(Box::new(Err(failure)));
        let dropped = std::mem::replace(&mut *self.lock(), refused);
        drop(dropped);
    }

    /// Polls the future if there is anything for it to do and nobody else has it.
    fn advance(&self) {
        let Some(future) = self.take() else { return };
        let mut polling = Polling { work: self, future: Some(future), result: None };
        polling.poll();
    }

    /// Lets the run work for its outcome or its task.
    fn advance_for_owner(&self, cx: &Context<'_>) {
        let here = current();
        let is_elsewhere = here != *self.runtime.get_or_init(|| here);
        // What woke the future at home would never reach another runtime, so it is asked.
        self.wakers.is_due.fetch_or(is_elsewhere, Ordering::SeqCst);
        self.wakers.owner.register(cx.waker());
        self.advance();
    }

    /// Lets the run work for the reader of its events. A reader outside the run's runtime only
    /// listens: timers and connections belong where the outcome is awaited.
    fn advance_for_reader(&self, cx: &Context<'_>) {
        let here = current();
        if here.is_some() && here == *self.runtime.get_or_init(|| here) {
            self.wakers.reader.register(cx.waker());
            self.advance();
        }
    }

    /// Takes the future in hand, if it is due and rests.
    fn take(&self) -> Option<RunFuture> {
        let mut place = self.lock();
        match std::mem::replace(&mut *place, Place::Polled) {
            // Whoever is refused here is woken when the future is, or by the end of a poll in whose
            // course it was, so nothing is missed.
            Place::Resting(future) if self.wakers.is_due.swap(false, Ordering::SeqCst) => {
                Some(future)
            }
            other => {
                *place = other;
                None
            }
        }
    }

    /// Puts the future or its result back after a poll. Without both the work is gone.
    fn put_back(&self, future: Option<RunFuture>, result: Option<Result<Reply, Failure>>) {
        let mut place = self.lock();
        let is_unwanted = matches!(*place, Place::Unwanted);
        let (next, dropped) = match (future, result) {
            (future, result) if is_unwanted => (Place::Gone, Some((future, result))),
            (_, Some(result)) => (Place::Ended(Box::new(result)), None),
            (Some(future), None) => (Place::Resting(future), None),
            (None, None) => (Place::Gone, None),
        };
        let is_over = !matches!(next, Place::Resting(_));
        *place = next;
        drop(place);
        drop(dropped);
        if is_over {
            self.wake_all();
        } else if self.wakers.is_due.load(Ordering::SeqCst) {
            // Whoever came during the poll was refused, and the one that polled may not come back.
            self.wakers.wake_by_ref_all();
        }
    }

    /// Drops the future, or the result that nobody wants any more.
    fn cancel(&self) {
        let mut place = self.lock();
        let next = match *place {
            Place::Polled | Place::Unwanted => Place::Unwanted,
            _ => Place::Gone,
        };
        let dropped = std::mem::replace(&mut *place, next);
        drop(place);
        drop(dropped);
        self.wake_all();
    }

    /// Returns the result, once there is one or none will come.
    fn result(&self) -> Option<Result<Reply, Failure>> {
        let mut place = self.lock();
        match std::mem::replace(&mut *place, Place::Gone) {
            Place::Ended(result) => Some(*result),
            Place::Gone => {
                let message = "the run broke off: it panicked, its runtime ended, or its outcome \
                               was taken before";
                Some(Err(self.name.failure(Error::new(Category::Internal, message))))
            }
            other => {
                *place = other;
                None
            }
        }
    }

    fn is_over(&self) -> bool {
        matches!(*self.lock(), Place::Ended(_) | Place::Gone)
    }

    fn wake_all(&self) {
        self.wakers.wake_by_ref_all();
        self.ended.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        // The future is never polled or dropped under the lock, so no panic leaves it half done.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One poll of the future, which puts it back however the poll ends.
struct Polling<'a> {
    work: &'a Work,
    future: Option<RunFuture>,
    result: Option<Result<Reply, Failure>>,
}

impl Polling<'_> {
    fn poll(&mut self) {
        let Some(mut future) = self.future.take() else { return };
        let waker = Waker::from(Arc::clone(&self.work.wakers));
        // A panic drops the future on its way out, and then the work is gone.
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => self.result = Some(result),
            Poll::Pending => self.future = Some(future),
        }
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.work.put_back(self.future.take(), self.result.take());
    }
}

/// Those that let the work go on, each woken when there is something to do.
#[derive(Default)]
struct Wakers {
    /// Whether the future was woken since its last poll began.
    is_due: AtomicBool,
    /// The outcome of the run, or its task.
    owner: AtomicWaker,
    /// The reader of the run's events.
    reader: AtomicWaker,
}

impl Wakers {
    fn wake_by_ref_all(&self) {
        self.owner.wake();
        self.reader.wake();
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_due.store(true, Ordering::SeqCst);
        self.wake_by_ref_all();
    }
}

/// The outcome of a run.
struct Outcome(Arc<Work>);

impl Future for Outcome {
    type Output = Result<Reply, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let work = &self.0;
        match work.is_spawned.load(Ordering::SeqCst) {
            true => work.ended.register(cx.waker()),
            false => work.advance_for_owner(cx),
        }
        work.result().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The task of a spawned run. If its runtime ends, so does the run.
struct WorkTask(Arc<Work>);

impl Future for WorkTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.advance_for_owner(cx);
        if self.0.is_over() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for WorkTask {
    fn drop(&mut self) {
        if !self.0.is_over() {
            self.0.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    use futures_util::task::noop_waker;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct CountingWaker(AtomicUsize);

    impl Wake for CountingWaker {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn who_was_refused_during_a_poll_is_woken_if_there_is_more_to_do() {
        let outcome: Arc<Mutex<Option<RunFuture>>> = Arc::default();
        let waiting = Arc::new(CountingWaker::default());
        let (owner, waker) = (Arc::clone(&outcome), Waker::from(Arc::clone(&waiting)));
        // The run is woken while the reader polls it, and its outcome is polled at that moment.
        let future = poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            let mut owner = owner.lock().unwrap();
            let polled = owner.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending(), "the reader has the work in its hands");
            Poll::Pending
        });
        let name = RunName { id: RunId::from_bits(1), task_class: "q".to_owned() };
        let work = Arc::new(Work::new(Box::pin(future), name));
        *outcome.lock().unwrap() = Some(work.outcome());
        work.driver()(&mut Context::from_waker(&noop_waker()));
        assert_eq!(waiting.0.load(Ordering::SeqCst), 1, "the reader may never come back");
        drop(outcome.lock().unwrap().take());
    }
}
