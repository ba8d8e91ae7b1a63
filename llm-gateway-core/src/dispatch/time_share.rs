//! Limits the time for which a target may fail while another target of the chain is ready.
//!
//! From the target's first failure on, waits and further attempts at it must begin in the first
//! half of the time that was left then, and an attempt that has not begun to answer by then is
//! ended. A connect takes at most a quarter of the time that is left. A provider that reports
//! nothing, neither a first byte nor text, has half of the time for its first try. The last target
//! of a chain has all the time.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::{Category, Error};
use crate::model::Target;
use crate::reliability::Deadline;
use crate::transport::CallProgress;

use super::Context;
use super::reasons::seconds;
use super::until::EndReason;

/// The share of a request's time that one target has.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeShare {
    /// Whether another target is ready.
    has_next: bool,
    /// The end of the first half of the time that was left at the target's first failure.
    half: Option<Deadline>,
}

/// The reason why an attempt was ended before the request's own time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CutReason {
    /// No connection was made within a quarter of the time that was left.
    Unconnected { within: Duration },
    /// The answer had not begun by the half of the time that was left at the first failure.
    Silent,
    /// The provider had reported nothing by the half of the time that was left at the first try.
    Unreported,
}

/// The reason why an attempt ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptEnded {
    /// The whole request has ended, so no other target is asked.
    Request(EndReason),
    /// Only the attempt has ended, and the next target is asked.
    Attempt(CutReason),
}

impl TimeShare {
    /// Creates the share of a target that has not failed yet.
    pub(super) fn new(has_next: bool) -> Self {
        Self { has_next, half: None }
    }

    /// Records a failure at `now`. Only the first failure counts.
    pub(super) fn failed(&mut self, deadline: Deadline, now: Instant) {
        if self.has_next && self.half.is_none() {
            self.half = Some(deadline.half(now));
        }
    }

    /// Returns the time by which a wait must be over and a further attempt must begin.
    pub(super) fn for_retries(&self, deadline: Deadline) -> Deadline {
        self.half.unwrap_or(deadline)
    }

    /// Returns the time by which the policy's limits must let an attempt in.
    pub(super) fn for_room(&self, deadline: Deadline, now: Instant) -> Deadline {
        match (self.has_next, self.half) {
            (_, Some(half)) => half,
            (true, None) => deadline.half(now),
            (false, None) => deadline,
        }
    }

    /// Waits for `work`, which makes an attempt and reports its `progress`, until the
    /// attempt must end.
    pub(super) async fn in_time<T>(
        &self,
        context: &Context<'_>,
        progress: &CallProgress,
        work: impl Future<Output = T>,
    ) -> Result<T, AttemptEnded> {
        let mut work = std::pin::pin!(work);
        for cut in self.cuts(context.deadline, Instant::now()).into_iter().flatten() {
            let done = context.unless_stopped(timeout_at(cut.at, &mut work)).await;
            match done.map_err(AttemptEnded::Request)? {
                Ok(done) => return Ok(done),
                Err(_) if cut.is_passed_by(progress) => {}
                Err(_) => return Err(AttemptEnded::Attempt(cut.why)),
            }
        }
        context.in_time(work).await.map_err(AttemptEnded::Request)
    }

    /// Returns the moments by which an attempt that begins at `now` must have made progress, the
    /// earlier one first.
    fn cuts(&self, deadline: Deadline, now: Instant) -> [Option<CutMoment>; 2] {
        let within = deadline.remaining(now) / 4;
        let connect = CutMoment { at: now + within, why: CutReason::Unconnected { within } };
        let connect = self.has_next.then_some(connect);
        let begin = match self.half {
            Some(half) => Some(CutMoment { at: half.at, why: CutReason::Silent }),
            None => self
                .has_next
                .then(|| CutMoment { at: deadline.half(now).at, why: CutReason::Unreported }),
        };
        match (connect, begin) {
            (Some(first), Some(second)) if second.at < first.at => [begin, connect],
            _ => [connect, begin],
        }
    }
}

/// A moment by which an attempt must have made progress, or it is ended.
#[derive(Debug, Clone, Copy)]
struct CutMoment {
    at: Instant,
    why: CutReason,
}

impl CutMoment {
    /// Returns whether the attempt has made the progress that it needs to go on.
    fn is_passed_by(&self, progress: &CallProgress) -> bool {
        match self.why {
            CutReason::Unconnected { .. } => progress.may_have_sent(),
            CutReason::Silent => progress.has_answer_begun(),
            // Whoever shows when a request leaves is cut by the silence that the policy allows.
            CutReason::Unreported => progress.is_marked() || progress.has_answer_begun(),
        }
    }
}

impl Context<'_> {
    /// Creates the error of an attempt at `target` that was ended before it answered.
    pub(super) fn ended_attempt(&self, ended: AttemptEnded, target: &Target) -> Error {
        let error = |category, message| Error::new(category, message).with_target(target.clone());
        match ended {
            AttemptEnded::Request(ended) => self.unanswered_by(ended, target),
            AttemptEnded::Attempt(CutReason::Unconnected { within }) => {
                let within = seconds(within);
                let what =
                    format!("{target} could not be reached: no connection within {within} s");
                error(Category::Network, format!("{what}, a quarter of what was left"))
            }
            AttemptEnded::Attempt(CutReason::Silent) => {
                let what = format!("{target} had not begun its answer by half of the time");
                error(Category::Timeout, format!("{what} that was left at its first failure"))
            }
            AttemptEnded::Attempt(CutReason::Unreported) => {
                let what = format!("{target} had reported nothing by half of the request's time");
                error(Category::Timeout, format!("{what}, and another target is ready"))
            }
        }
    }
}
