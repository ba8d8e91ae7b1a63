//! The events of a run, which report what happens while the run works.
//!
//! Here is what can happen; [`channel`](mod@channel) carries it from the run to its reader.

mod channel;

use std::time::Duration;

use crate::model::Target;

pub use channel::Events;
pub(crate) use channel::{EventListener, EventSender, EventsEnd, RunDriver, channel};

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
    /// An answer is streaming in. The event is sent at most once a second for each call, and is the
    /// first to be left out if the reader lags.
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
    /// Events were left out here, because too many were unread. A reader that reads all the time
    /// never meets this event.
    #[non_exhaustive]
    LeftOut {
        /// Number of events that were left out since the last event that was read.
        events: u64,
    },
}
