//! The parts that models play in an orchestration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a step of an orchestration is there for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepRole {
    /// Says how the task is to be done, and does not do it.
    Planner,
    /// Does it: what it gives is the artifact.
    Worker,
    /// Judges the artifact by the task.
    Verifier,
}

impl StepRole {
    /// `planner`, `worker` or `verifier`, as in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Worker => "worker",
            Self::Verifier => "verifier",
        }
    }
}
