//! What a caller wants done.

use crate::error::{Category, Error};

/// A task to be planned, worked on and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a task does nothing until a gateway is handed it"]
pub struct Task {
    pub(crate) text: String,
    pub(crate) depth: Option<String>,
}

impl Task {
    /// A task of the standard depth: worked on, then verified.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), depth: None }
    }

    /// How deep it is worked on: `trivial`, `standard` or `complex`, as the policy has them.
    pub fn depth(mut self, depth: impl Into<String>) -> Self {
        self.depth = Some(depth.into());
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
