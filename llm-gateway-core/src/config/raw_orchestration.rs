//! The serde mirror of the key `orchestration` in `routing.yaml`, in which nothing is checked. An
//! editor shows the doc comments, so they speak to the person who edits the file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw_budget::RawBudget;

/// Plan, execute, verify: tasks that are planned, carried out and verified.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOrchestration {
    /// The model in each role.
    pub(super) roles: Option<RawRoles>,
    /// Instructions for the roles, in place of the built-in ones.
    pub(super) instructions: Option<RawInstructions>,
    /// The steps that each depth runs.
    pub(super) depth: Option<RawDepths>,
    /// The most that a whole orchestration may cost in the worst case, in US dollars. A task that
    /// could cost more is refused.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) max_usd: Option<f64>,
    /// The most that all orchestrations may cost together in a session, a day or a month.
    pub(super) budget: Option<RawBudget>,
    /// Seconds over all steps and rounds, after which an orchestration ends with what there is;
    /// default: 600.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) deadline_s: Option<f64>,
    /// How the verifier answers; default: `plain` if `instructions.verifier` is set, else
    /// `structured`.
    pub(super) verdict: Option<RawVerdict>,
}

/// The model in each role.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoles {
    /// The model that plans.
    pub(super) planner: Option<RawRole>,
    /// The model that does the work.
    pub(super) worker: Option<RawRole>,
    /// The model that judges the work, without having seen the plan.
    pub(super) verifier: Option<RawRole>,
}

/// A model in a role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRole {
    /// The provider that serves the model.
    pub(super) provider: String,
    /// The model, as its provider names it.
    pub(super) model: String,
    /// The bound on output tokens, reasoning included; default: the model's `max_output`, else
    /// 4096.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(super) max_tokens: Option<u64>,
}

/// Instructions for the roles, in place of the built-in ones.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInstructions {
    /// The instruction for the planner.
    pub(super) planner: Option<String>,
    /// The instruction for the worker.
    pub(super) worker: Option<String>,
    /// The instruction for the verifier.
    pub(super) verifier: Option<String>,
}

/// The steps that each depth runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDepths {
    /// The depth for tasks that need the least.
    pub(super) trivial: Option<RawDepth>,
    /// The depth that a task has if it names none.
    pub(super) standard: Option<RawDepth>,
    /// The depth for tasks that need the most.
    pub(super) complex: Option<RawDepth>,
}

/// The steps that one depth runs. The worker's step is always among them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDepth {
    /// Whether a plan is made first; default: false.
    pub(super) plan: Option<bool>,
    /// Whether the artifact is verified; default: false.
    pub(super) verify: Option<bool>,
    /// Whether a refused artifact is worked on again in a new round; default: false.
    pub(super) replan_on_fail: Option<bool>,
    /// How many new rounds there may be; default: 1.
    #[schemars(range(min = 0, max = 10))]
    pub(super) max_replans: Option<u32>,
}

/// The form in which a verdict is asked for.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawVerdict {
    /// The verifier answers in JSON, with a checklist.
    Structured,
    /// The verifier answers in plain words: `ACCEPT`, or `REVISE: reasons`.
    Plain,
}
