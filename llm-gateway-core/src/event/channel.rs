//! The channel of a run's events.
//!
//! A run never waits for the reader of its events. A reader that reads all the time misses none;
//! one that lags too far misses the oldest, and is told how many. The channel ends with its run,
//! whoever still holds a sender.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::{Stream, StreamExt};

use super::Event;

/// The number of unread events that are kept. The largest panel has 64 members, of which each tells
/// at most 63 steps: 21 attempts, a wait before each, a place in line for each, and its end. So the
/// steps of any panel fit whole, and a reader that reads all the time misses none.
const CAPACITY: usize = 8_192;

/// The reader of a run's events, in order. It is a `Stream` of [`Event`], as `futures_core` 0.3
/// defines it.
///
/// Reading never hangs: while the events of a run are read, the run works, even if nobody has
/// polled its outcome yet, and the events end when the run has ended or was dropped. A reader
/// outside a tokio runtime, or in another one than the run's, only listens, so it waits until the
/// outcome is polled or was dropped.
///
/// Up to 8 192 unread events are kept. After that the oldest are left out, and
/// [`Event::LeftOut`] tells the reader how many.
///
/// ```
/// use llm_gateway_core::{Event, Gateway, Request};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = Gateway::builder().offline().build()?;
/// let mut run = gateway.start(Request::new("triple_review", "Is 91 prime?"));
/// let mut answered = 0;
/// while let Some(event) = run.events.next().await {
///     if let Event::Member { answered: true, .. } = event {
///         answered += 1;
///     }
/// }
/// assert_eq!(answered, 3);
/// assert!(run.outcome.await.is_ok());
/// # Ok(())
/// # }
/// ```
pub struct Events {
    queue: Arc<EventQueue>,
    /// Lets the run work while its events are read; `None` if somebody else sees to that.
    driver: Option<RunDriver>,
}

/// Lets a run work a little, for a reader that has nothing to read.
pub(crate) type RunDriver = Box<dyn Fn(&mut Context<'_>) + Send + Sync>;

impl Events {
    /// Waits for the next event. Returns `None` once the run is over, and from then on always.
    ///
    /// # Cancel safety
    /// No event is lost if the future is dropped. The run then works on where its outcome is
    /// awaited.
    pub async fn next(&mut self) -> Option<Event> {
        StreamExt::next(self).await
    }

    /// Lets the run work through `driver` while its events are read.
    pub(crate) fn driven_by(mut self, driver: RunDriver) -> Self {
        self.driver = Some(driver);
        self
    }

    /// Only listens from now on: reading no longer lets the run work. It is for a program that
    /// awaits the outcome in a task of its own, where the run is to work and nowhere else.
    #[must_use = "the reader that is returned listens"]
    pub fn listening(mut self) -> Self {
        self.driver = None;
        self
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let read = self.queue.read(cx.waker());
        match &self.driver {
            Some(driver) if read.is_pending() => driver(cx),
            _ => return read,
        }
        self.queue.read(cx.waker())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.close(Unread::Forgotten);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unread = self.queue.lock().unread.len();
        f.debug_struct("Events").field("unread", &unread).finish_non_exhaustive()
    }
}

/// The sender of a run's events. Sending never waits, because nobody has to read them.
#[derive(Clone)]
pub(crate) struct EventSender {
    queue: Arc<EventQueue>,
    /// Hears every event, whatever the reader does; `None` if nobody else listens.
    listener: Option<EventListener>,
}

/// What hears the events of a run beside their reader. It must not block.
pub(crate) type EventListener = Arc<dyn Fn(&Event) + Send + Sync>;

impl EventSender {
    /// Sends an event. If too many are unread, the oldest is left out.
    pub(crate) fn send(&self, event: Event) {
        self.tell(&event);
        self.queue.push(event, CAPACITY);
    }

    /// Sends an event of little weight, only while more than half of the room for unread events is
    /// free, so that it never displaces another.
    pub(crate) fn send_if_idle(&self, event: Event) {
        self.tell(&event);
        if self.queue.has_room(CAPACITY / 2) {
            self.queue.push(event, CAPACITY);
        }
    }

    /// Tells the listener of an event, whether or not the reader will hear of it.
    fn tell(&self, event: &Event) {
        if let Some(listener) = &self.listener {
            listener(event);
        }
    }

    /// Returns a guard that ends the events when it is dropped, whoever still holds a sender.
    pub(crate) fn ends_here(&self) -> EventsEnd {
        EventsEnd(Arc::clone(&self.queue))
    }
}

/// The end of a run's events, which comes when this guard is dropped.
#[must_use = "the events end when this is dropped"]
pub(crate) struct EventsEnd(Arc<EventQueue>);

impl Drop for EventsEnd {
    fn drop(&mut self) {
        self.0.close(Unread::Kept);
    }
}

/// What becomes of unread events when a channel is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unread {
    /// The reader is there, and may read them.
    Kept,
    /// There is no reader any more.
    Forgotten,
}

/// The events of a run that are not read yet.
#[derive(Default)]
struct EventQueue(Mutex<QueuedEvents>);

#[derive(Default)]
struct QueuedEvents {
    unread: VecDeque<Event>,
    /// The number of events that were left out since the last event that was read.
    left_out: u64,
    is_closed: bool,
    reader: Option<Waker>,
}

impl EventQueue {
    fn push(&self, event: Event, capacity: usize) {
        let mut queue = self.lock();
        if queue.is_closed {
            return;
        }
        if queue.unread.len() >= capacity {
            queue.unread.pop_front();
            queue.left_out = queue.left_out.saturating_add(1);
        }
        queue.unread.push_back(event);
        wake(queue);
    }

    /// Returns whether fewer than `most` events are unread, and counts an event as left out if not.
    fn has_room(&self, most: usize) -> bool {
        let mut queue = self.lock();
        let has_room = queue.unread.len() < most;
        if !has_room && !queue.is_closed {
            queue.left_out = queue.left_out.saturating_add(1);
        }
        has_room
    }

    /// Returns the next event, or has the reader woken when there is one.
    fn read(&self, reader: &Waker) -> Poll<Option<Event>> {
        let mut queue = self.lock();
        let left_out = std::mem::take(&mut queue.left_out);
        if left_out > 0 {
            return Poll::Ready(Some(Event::LeftOut { events: left_out }));
        }
        match queue.unread.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if queue.is_closed => Poll::Ready(None),
            None => {
                queue.reader = Some(reader.clone());
                Poll::Pending
            }
        }
    }

    fn close(&self, unread: Unread) {
        let mut queue = self.lock();
        queue.is_closed = true;
        if unread == Unread::Forgotten {
            queue.unread = VecDeque::new();
        }
        wake(queue);
    }

    fn lock(&self) -> MutexGuard<'_, QueuedEvents> {
        // Every write is a single push or pop, so a poisoned queue is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the reader of a queue, after the queue was unlocked.
fn wake(mut queue: MutexGuard<'_, QueuedEvents>) {
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// Creates the channel of a run's events: its sender and its reader. `listener` hears all that is
/// sent.
pub(crate) fn channel(listener: Option<EventListener>) -> (EventSender, Events) {
    let queue = Arc::new(EventQueue::default());
    let sender = EventSender { queue: Arc::clone(&queue), listener };
    (sender, Events { queue, driver: None })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::model::{ModelId, ProviderName, Target};

    fn attempt(number: usize) -> Event {
        let (provider, model) = (ProviderName::new("p").unwrap(), ModelId::new("m").unwrap());
        Event::Attempt { target: Target::new(provider, model), number }
    }

    /// Returns the numbers of the attempts that are unread, and the number of events left out.
    fn unread(events: &mut Events) -> (Vec<usize>, Vec<u64>) {
        let (mut numbers, mut left_out) = (Vec::new(), Vec::new());
        while let Some(event) = events.next().now_or_never().flatten() {
            match event {
                Event::LeftOut { events } => left_out.push(events),
                Event::Attempt { number, .. } => numbers.push(number),
                other => panic!("{other:?}"),
            }
        }
        (numbers, left_out)
    }

    #[test]
    fn who_reads_all_the_time_misses_nothing() {
        let (sender, mut events) = channel(None);
        for number in 0..10_000 {
            sender.send(attempt(number));
            if number % 4_000 == 0 {
                sender.send_if_idle(attempt(number));
                assert!(unread(&mut events).1.is_empty(), "{number}");
            }
        }
    }

    #[test]
    fn who_reads_late_hears_the_newest_and_how_many_were_left_out() {
        for (sent, left_out) in [(0, vec![]), (CAPACITY, vec![]), (10_000, vec![1_808])] {
            let (sender, mut events) = channel(None);
            (0..sent).for_each(|number| sender.send(attempt(number)));
            let (numbers, told) = unread(&mut events);
            assert_eq!(told, left_out);
            assert_eq!(numbers, (sent.saturating_sub(CAPACITY)..sent).collect::<Vec<_>>());
            sender.send(attempt(7));
            assert_eq!(unread(&mut events), (vec![7], vec![]), "it goes on as before");
        }
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let (sender, events) = channel(None);
        sender.send(attempt(1));
        drop(events);
        (0..CAPACITY * 2).for_each(|number| sender.send(attempt(number)));
        let queue = sender.queue.lock();
        assert_eq!((queue.unread.capacity(), queue.left_out), (0, 0));
    }

    #[test]
    fn the_end_comes_whoever_still_holds_a_sender_and_what_was_told_is_read() {
        let (sender, mut events) = channel(None);
        let (end, other) = (sender.ends_here(), sender.clone());
        sender.send(attempt(1));
        drop(end);
        other.send(attempt(2));
        other.send_if_idle(attempt(3));
        let read: Vec<_> = std::iter::from_fn(|| events.next().now_or_never().unwrap()).collect();
        assert_eq!(read, [attempt(1)]);
        assert_eq!(events.next().now_or_never(), Some(None));
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_by_an_event_and_by_the_end() {
        let (sender, events) = channel(None);
        let reading = tokio::spawn(events.collect::<Vec<_>>());
        tokio::task::yield_now().await;
        sender.send(attempt(1));
        tokio::task::yield_now().await;
        drop(sender.ends_here());
        assert_eq!(reading.await.unwrap(), [attempt(1)]);
    }
}
