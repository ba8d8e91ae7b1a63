//! Plan, execute, verify, as the policy describes it. Parsed and checked; run later.

use std::time::Duration;

use crate::model::{NanoUsd, PolicyText, Target};

/// Who plans, works and verifies, and how deep.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orchestration {
    /// Who plans.
    pub planner: Option<OrchestrationRole>,
    /// Who does the work.
    pub worker: Option<OrchestrationRole>,
    /// Who judges it.
    pub verifier: Option<OrchestrationRole>,
    /// What each depth runs, in the file's order.
    pub depths: Vec<Depth>,
    /// The bound on an orchestration's worst case.
    pub max_cost: Option<NanoUsd>,
    /// One clock over all its steps.
    pub deadline: Duration,
    /// How the verifier is asked for its verdict.
    pub verdict: VerdictForm,
}

/// A model in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrchestrationRole {
    /// Who plays it.
    pub target: Target,
    /// The bound on output tokens.
    pub max_tokens: Option<u64>,
    /// The policy's own instruction, in place of the built-in one.
    pub instruction: Option<PolicyText>,
}

/// Which steps a depth runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// `trivial`, `standard` or `complex`.
    pub name: String,
    /// Whether a plan is made first.
    pub plan: bool,
    /// Whether the artifact is verified.
    pub verify: bool,
    /// How often a refused artifact is planned anew.
    pub max_replans: u32,
}

/// How a verdict is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerdictForm {
    /// Structured output with a checklist.
    Structured,
    /// The plain words `ACCEPT` or `REVISE: reasons`.
    Plain,
}
