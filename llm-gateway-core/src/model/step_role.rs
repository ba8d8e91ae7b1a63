//! The roles of the steps of an orchestration.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The role of a step of an orchestration.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepRole {
    /// The planner writes how the task is to be done, and does not do it.
    Planner,
    /// The worker does the task. Its answer is the artifact.
    Worker,
    /// The verifier judges the artifact against the task.
    Verifier,
}

impl StepRole {
    /// Returns the name that the role has in the policy: `planner`, `worker` or `verifier`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Worker => "worker",
            Self::Verifier => "verifier",
        }
    }
}

impl fmt::Display for StepRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
