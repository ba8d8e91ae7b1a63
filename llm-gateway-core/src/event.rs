//! The events of a run, which report what happens while the run works.
//!
//! Events are for display only. A reader that lags misses some, and a run never waits for one.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::Target;

/// An event: something that happened in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An attempt begins.
    #[non_exhaustive]
    Attempt {
        /// Target that the attempt asks.
        target: Target,
        /// Number of the attempt at this target, counted from 1.
        number: usize,
    },
    /// A call waits in line before an attempt, because the policy limits the use of its provider.
    #[non_exhaustive]
    Queued {
        /// Target that the attempt will ask.
        target: Target,
    },
    /// An answer is streaming in. The event is sent at most once a second, and left out if the
    /// reader lags.
    #[non_exhaustive]
    Writing {
        /// Target whose answer is streaming in.
        target: Target,
        /// Length of the answer so far in tokens, estimated from its characters.
        tokens: u64,
        /// Length of the answer so far in characters. It begins anew with each attempt.
        characters: u64,
    },
    /// An attempt failed, and the same target is asked again after a wait.
    #[non_exhaustive]
    Waiting {
        /// Target that is asked again.
        target: Target,
        /// Length of the wait before the next attempt.
        wait: Duration,
    },
    /// The members of a panel, or of a cascade's gate, are asked at the same time.
    #[non_exhaustive]
    Panel {
        /// Targets of the members, in the policy's order.
        members: Vec<Target>,
    },
    /// A member of a panel has answered or failed.
    #[non_exhaustive]
    Member {
        /// Position of the member in the panel, counted from 1.
        member: usize,
        /// Number of members that the panel has.
        of: usize,
        /// Target of the member.
        target: Target,
        /// Whether the member of the panel answered.
        answered: bool,
    },
    /// A step of an orchestration begins.
    #[non_exhaustive]
    Step {
        /// Name of the step.
        step: String,
        /// Round of the step, counted from 1.
        round: u32,
        /// Target that the step asks.
        target: Target,
    },
    /// A step of an orchestration has ended.
    #[non_exhaustive]
    StepEnded {
        /// Name of the step.
        step: String,
        /// Round of the step, counted from 1.
        round: u32,
        /// Whether the model of the step answered.
        answered: bool,
    },
    /// The gate of a cascade has not settled the question, and the strong model is asked.
    #[non_exhaustive]
    Escalating {
        /// Strong model that is asked.
        to: Target,
        /// Reason why the gate's answer does not stand.
        because: String,
    },
    /// A target gave no answer, and the next one is asked.
    #[non_exhaustive]
    Fallback {
        /// Target that gave no answer.
        from: Target,
        /// Target that is asked next.
        to: Target,
    },
}

/// The number of unread events that are kept; newer ones are dropped. The largest panel has 64
/// members, each with an event when it is asked and one when it has answered, so a reader that reads
/// at all never falls so far behind.
const CAPACITY: usize = 256;

/// The reader of a run's events, in order.
///
/// [`Gateway::start`](crate::Gateway::start) shows how they are read.
#[derive(Debug)]
pub struct Events(mpsc::Receiver<Event>);

impl Events {
    /// Waits for the next event. Returns `None` once the run is over.
    ///
    /// # Cancel safety
    /// No event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

/// The sender of a run's events. Sending never waits, because nobody has to read them.
#[derive(Debug, Clone)]
pub(crate) struct EventSender(mpsc::Sender<Event>);

impl EventSender {
    /// Sends an event, or drops it if the reader is gone or too far behind.
    pub(crate) fn send(&self, event: Event) {
        let _ = self.0.try_send(event);
    }

    /// Sends an event of little weight, only while more than half of the room for unread events is
    /// free, so that it never displaces another.
    pub(crate) fn send_if_idle(&self, event: Event) {
        if self.0.capacity() > CAPACITY / 2 {
            self.send(event);
        }
    }
}

/// Creates the channel of a run's events: its sender and its reader.
pub(crate) fn channel() -> (EventSender, Events) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (EventSender(sender), Events(receiver))
}
