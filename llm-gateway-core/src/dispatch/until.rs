//! The end of a request's time: its deadline, or a stop by its caller or the gateway's shutdown.

use tokio::time::{Instant, timeout_at};

use crate::error::{Category, Error};
use crate::model::Target;

use super::Context;
use super::reasons::deadline_passed;

/// The reason why a request may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndReason {
    /// The request's deadline has passed.
    Deadline,
    /// The request's caller has stopped it, or the gateway's shutdown has.
    Stopped,
}

impl Context<'_> {
    /// Returns whether the request was stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Waits for `work`, unless the request is stopped. A result that is ready is returned even
    /// then.
    pub(super) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, EndReason> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.stop.stopped() => Err(EndReason::Stopped),
        }
    }

    /// Waits for `work` for as long as the request may go on.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, EndReason> {
        let timed = timeout_at(self.deadline.at, work);
        self.unless_stopped(timed).await?.map_err(|_| EndReason::Deadline)
    }

    /// Returns the reason why the request may not go on at `now`; `None` if it may.
    pub(super) fn ended(&self, now: Instant) -> Option<EndReason> {
        let has_passed = self.deadline.has_passed(now).then_some(EndReason::Deadline);
        self.is_stopped().then_some(EndReason::Stopped).or(has_passed)
    }

    /// Creates the error of a request that ended before `who` answered.
    pub(super) fn unanswered(&self, ended: EndReason, who: &str) -> Error {
        match ended {
            EndReason::Deadline => deadline_passed(self, who),
            EndReason::Stopped => self.stopped_before(who),
        }
    }

    /// Creates the error of a request that ended before `target` answered.
    pub(super) fn unanswered_by(&self, ended: EndReason, target: &Target) -> Error {
        self.unanswered(ended, &target.to_string()).with_target(target.clone())
    }

    /// Creates the error of a request that was stopped before `who` answered.
    pub(crate) fn stopped_before(&self, who: &str) -> Error {
        let message = format!("the run was told to stop before {who} had answered");
        Error::new(Category::Cancelled, message)
    }
}
