//! What a run tells while it works.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::Target;

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A try begins.
    Attempt {
        /// Where it goes.
        target: Target,
        /// Its number at this target, from 1.
        number: usize,
    },
    /// An answer is coming in. Told at most once a second, and not where a reader lags.
    Writing {
        /// Who writes.
        target: Target,
        /// Tokens so far, by the policy's characters per token.
        tokens: u64,
    },
    /// A try failed, and the same target is tried again after a wait.
    Waiting {
        /// Who is waited for.
        target: Target,
        /// How long.
        wait: Duration,
    },
    /// A member of a panel has answered, or will not.
    Member {
        /// Its position, from 1.
        member: usize,
        /// How many members there are.
        of: usize,
        /// Whether it answered.
        answered: bool,
    },
    /// A step of an orchestration begins.
    Step {
        /// Its name.
        step: String,
        /// The round, from 1.
        round: u32,
        /// Who is asked.
        target: Target,
    },
    /// A step of an orchestration has ended.
    StepEnded {
        /// Its name.
        step: String,
        /// The round, from 1.
        round: u32,
        /// Whether it gave what it was to give.
        answered: bool,
    },
    /// The gate of a cascade has no answer that stands, and the strong model is asked.
    Escalating {
        /// The strong model.
        to: Target,
        /// Why the gate's answer does not stand.
        because: String,
    },
    /// A target gave no answer and the next one is asked.
    Fallback {
        /// The one that gave none.
        from: Target,
        /// The one that is asked now.
        to: Target,
    },
}

/// Events that a slow reader may fall behind by before the newest are dropped. A run has a
/// handful of steps, so this is never reached by a reader that reads at all.
const CAPACITY: usize = 64;

/// The reading end of a run's events.
#[derive(Debug)]
pub struct Events(mpsc::Receiver<Event>);

impl Events {
    /// The next event; `None` once the run is over.
    ///
    /// # Cancel safety
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

/// The writing end. Sending never waits: nobody has to read.
#[derive(Debug, Clone)]
pub(crate) struct EventSender(mpsc::Sender<Event>);

impl EventSender {
    pub(crate) fn send(&self, event: Event) {
        // A reader that is gone or behind misses an event, and a run is never held up.
        let _ = self.0.try_send(event);
    }

    /// Sends what may be left out: it never takes the room of a step.
    pub(crate) fn mention(&self, event: Event) {
        if self.0.capacity() > CAPACITY / 2 {
            self.send(event);
        }
    }
}

pub(crate) fn channel() -> (EventSender, Events) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (EventSender(sender), Events(receiver))
}
