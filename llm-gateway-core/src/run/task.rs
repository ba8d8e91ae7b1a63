//! What a caller wants done.

use crate::error::{Category, Error};
use crate::stop::Stop;

/// A task to be planned, worked on and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a task does nothing until a gateway is handed it"]
pub struct Task {
    pub(crate) text: String,
    pub(crate) depth: Option<String>,
    pub(crate) stop: Option<Stop>,
}

impl Task {
    /// A task of the standard depth: worked on, then verified.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), depth: None, stop: None }
    }

    /// How deep it is worked on: `trivial`, `standard` or `complex`, as the policy has them.
    pub fn depth(mut self, depth: impl Into<String>) -> Self {
        self.depth = Some(depth.into());
        self
    }

    /// Lets `stop` end the work under way. Whoever is asked is hung up on at once and counts at the
    /// worst case, and what there is until then comes as a failure of
    /// [`Category::Cancelled`]: see [`Failure::orchestration`](crate::Failure::orchestration).
    pub fn stopped_by(mut self, stop: &Stop) -> Self {
        self.stop = Some(stop.clone());
        self
    }

    /// Refuses what there is nothing to do about.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.text.trim().is_empty() {
            true => Err(Error::new(Category::InvalidRequest, "`task` is empty")
                .with_hint("say what is to be done")),
            false => Ok(()),
        }
    }
}
