//! How long a request may wait: until its deadline, or until its caller tells it to stop.

use tokio::time::{Instant, timeout_at};

use crate::error::{Category, Error};
use crate::model::Target;

use super::Context;
use super::reasons::out_of_time;

/// Why a request waits no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Deadline,
    Stopped,
}

impl Context<'_> {
    /// Whether the caller has told the request to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.is_stopped())
    }

    /// Waits until the caller tells it to: for most requests, for ever.
    pub(super) async fn stopped(&self) {
        match self.stop {
            Some(stop) => stop.stopped().await,
            None => std::future::pending().await,
        }
    }

    /// Waits for `work`, unless the request is stopped. What is there already is taken.
    pub(super) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Ended> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.stopped() => Err(Ended::Stopped),
        }
    }

    /// Waits for `work` as long as the request may go on.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let timed = timeout_at(self.deadline.at, work);
        self.unless_stopped(timed).await?.map_err(|_| Ended::Deadline)
    }

    /// Why nothing more is begun at `now`, if so.
    pub(super) fn ended(&self, now: Instant) -> Option<Ended> {
        let has_passed = self.deadline.has_passed(now).then_some(Ended::Deadline);
        self.is_stopped().then_some(Ended::Stopped).or(has_passed)
    }

    /// The request is over, and `who` has not answered.
    pub(super) fn unanswered(&self, ended: Ended, who: &str) -> Error {
        match ended {
            Ended::Deadline => out_of_time(self, who),
            Ended::Stopped => self.stopped_before(who),
        }
    }

    /// The request is over, and `target` has not answered.
    pub(super) fn unanswered_by(&self, ended: Ended, target: &Target) -> Error {
        self.unanswered(ended, &target.to_string()).with_target(target.clone())
    }

    /// The request was told to stop before `who` had answered.
    pub(crate) fn stopped_before(&self, who: &str) -> Error {
        let message = format!("the run was told to stop before {who} had answered");
        Error::new(Category::Cancelled, message)
    }
}
