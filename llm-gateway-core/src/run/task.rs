//! The task that a caller wants done.

use std::time::Duration;

use crate::error::Error;
use crate::policy::empty_task;
use crate::stop::Stop;

/// A task to be planned, done and verified.
///
/// The plain methods set an option; as with [`std::process::Command`], the methods that begin with
/// `get_` return one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a task does nothing until it is given to a gateway"]
pub struct Task {
    pub(super) text: String,
    pub(super) depth: Option<String>,
    pub(super) stop: Option<Stop>,
    pub(super) deadline: Option<Duration>,
}

impl Task {
    /// Creates a task of the depth `standard`, which is done and then verified, without a plan.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), depth: None, stop: None, deadline: None }
    }

    /// Sets the depth: `trivial`, `standard` or `complex`. The policy says which steps each has.
    pub fn depth(mut self, depth: impl Into<String>) -> Self {
        self.depth = Some(depth.into());
        self
    }

    /// Ends the task `limit` after it began, waits, retries and fallbacks included, if the deadline
    /// of the policy does not end it earlier: a caller can shorten the policy's time, and not
    /// lengthen it. The time begins when the run is first polled.
    ///
    /// A task that ends by its deadline fails with
    /// [`Category::Timeout`](crate::Category::Timeout). Without any time nothing is sent.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Lets `stop` end the task while it is under way.
    ///
    /// The call under way is cancelled at once and counted at its worst case. The run then fails
    /// with [`Category::Cancelled`](crate::Category::Cancelled), and
    /// [`Failure::orchestration`](crate::Failure::orchestration) holds what exists by then.
    pub fn stopped_by(mut self, stop: &Stop) -> Self {
        self.stop = Some(stop.clone());
        self
    }

    /// Returns the text of the task.
    pub fn get_text(&self) -> &str {
        &self.text
    }

    /// Returns the depth, if one was set.
    pub fn get_depth(&self) -> Option<&str> {
        self.depth.as_deref()
    }

    /// Returns the caller's own limit on the time of the task, if one was set.
    pub fn get_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Returns the handle that can end the task, if one was set.
    pub fn get_stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Refuses a task without any text.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.text.trim().is_empty() {
            true => Err(empty_task()),
            false => Ok(()),
        }
    }
}
