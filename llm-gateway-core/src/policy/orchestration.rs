//! The orchestrations of a policy (plan, execute, verify), and one of them resolved for a task.

use std::time::Duration;

use crate::error::{Category, Error};
use crate::model::{NanoUsd, PolicyText, StepRole, Target};

use super::plan::unknown_name;
use super::{PlannedTarget, Policy, Step, Workflow};

/// The roles and depths of the policy's orchestrations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orchestration {
    /// The planner, the model that plans; `None` = the policy names none.
    pub planner: Option<OrchestrationRole>,
    /// The worker, the model that does the work; `None` = the policy names none.
    pub worker: Option<OrchestrationRole>,
    /// The verifier, the model that judges the work; `None` = the policy names none.
    pub verifier: Option<OrchestrationRole>,
    /// The depths that can run, in the order of the file.
    pub depths: Vec<Depth>,
    /// The depths that the policy cannot run.
    pub absent: Vec<AbsentDepth>,
    /// The most that the worst case of an orchestration may cost; `None` = no bound.
    pub max_cost: Option<NanoUsd>,
    /// The longest time of an orchestration, over all its steps.
    pub deadline: Duration,
    /// The form in which the verifier is asked for its verdict.
    pub verdict: VerdictForm,
}

/// A model in a role of an orchestration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrchestrationRole {
    /// The target that plays the role.
    pub target: Target,
    /// The bound on output tokens of the role's calls; `None` = the bound of the model.
    pub max_tokens: Option<u64>,
    /// The policy's instruction for the role; `None` = the built-in one.
    pub instruction: Option<PolicyText>,
}

/// A depth of orchestration that the policy can run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// The name of the depth: `trivial`, `standard` or `complex`.
    pub name: String,
    /// The steps of an orchestration of the depth, and what each may see. The policy names a model
    /// for every role in it.
    pub workflow: Workflow,
    /// The most times that a refused artifact is worked on again.
    pub max_replans: u32,
}

/// A depth of orchestration that the policy cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AbsentDepth {
    /// The name of the depth: `trivial`, `standard` or `complex`.
    pub name: String,
    /// The role that the depth needs and the policy names no model for; `None` = the policy's table
    /// of depths leaves this one out.
    pub lacks: Option<StepRole>,
}

/// The form in which a verifier is asked for its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerdictForm {
    /// A verdict as a JSON object with a checklist.
    Structured,
    /// A verdict as the word `ACCEPT`, or `REVISE:` with reasons.
    Plain,
}

impl Orchestration {
    /// The depth of a task that names none. A policy may be unable to run it; see
    /// [`absent`](Self::absent).
    pub const DEFAULT_DEPTH: &str = "standard";

    /// Returns the model in `role`, if the policy names one.
    pub fn role(&self, role: StepRole) -> Option<&OrchestrationRole> {
        match role {
            StepRole::Planner => self.planner.as_ref(),
            StepRole::Worker => self.worker.as_ref(),
            StepRole::Verifier => self.verifier.as_ref(),
        }
    }
}

/// An orchestration of one depth, resolved for one task.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedOrchestration {
    /// The name of the depth: `trivial`, `standard` or `complex`.
    pub depth: String,
    /// The steps of the orchestration, and what each may see.
    pub workflow: Workflow,
    /// The steps of the orchestration in the order in which they run, each with the model that it
    /// asks.
    pub steps: Vec<PlannedStep>,
    /// The most times that a refused artifact is worked on again.
    pub max_replans: u32,
    /// The most that the worst case of the orchestration may cost; `None` = no bound.
    pub max_cost: Option<NanoUsd>,
    /// The longest time of the orchestration, over all its steps.
    pub deadline: Duration,
    /// The form in which the verifier is asked for its verdict.
    pub verdict: VerdictForm,
}

/// A step of an orchestration, and the model that it asks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedStep {
    /// The step: its name, its role and what it may see.
    pub step: Step,
    /// The target that the step asks, with the bound on output tokens.
    pub planned: PlannedTarget,
    /// The policy's instruction for the role; `None` = the built-in one.
    pub instruction: Option<PolicyText>,
}

impl PlannedStep {
    /// Returns the name of the step.
    pub(crate) fn name(&self) -> &str {
        &self.step.name
    }

    /// Returns the role of the step.
    pub(crate) fn role(&self) -> StepRole {
        self.step.role
    }

    /// Returns the target that the step asks.
    pub(crate) fn target(&self) -> &Target {
        &self.planned.target
    }
}

impl Policy {
    /// Resolves an orchestration of `depth`, or of [`Orchestration::DEFAULT_DEPTH`] for `None`.
    ///
    /// # Errors
    /// [`Category::InvalidRequest`] for a depth that the policy cannot run, and
    /// [`Category::PolicyInvalid`] for a policy that can run no orchestration.
    pub fn plan_orchestration(&self, depth: Option<&str>) -> Result<PlannedOrchestration, Error> {
        let orchestration = self.orchestration.as_ref().filter(|it| !it.depths.is_empty());
        let orchestration = orchestration.ok_or_else(|| {
            Error::new(
                Category::PolicyInvalid,
                "the policy describes no orchestration that can run",
            )
            .with_hint("add `orchestration.roles` with a worker and a verifier")
        })?;
        let wanted = depth.unwrap_or(Orchestration::DEFAULT_DEPTH);
        let found = orchestration.depths.iter().find(|depth| depth.name == wanted);
        let depth = found.ok_or_else(|| no_such_depth(wanted, orchestration))?;
        let step = |step: &Step| {
            let role = orchestration.role(step.role)?;
            let planned = self.planned(role.target.clone(), role.max_tokens);
            Some(PlannedStep { step: step.clone(), planned, instruction: role.instruction.clone() })
        };
        let steps: Option<Vec<_>> = depth.workflow.steps().iter().map(step).collect();
        Ok(PlannedOrchestration {
            depth: depth.name.clone(),
            workflow: depth.workflow.clone(),
            steps: steps.ok_or_else(|| {
                Error::new(Category::Internal, format!("nobody plays a role of `{wanted}`"))
            })?,
            max_replans: depth.max_replans,
            max_cost: orchestration.max_cost,
            deadline: orchestration.deadline,
            verdict: orchestration.verdict,
        })
    }
}

fn no_such_depth(wanted: &str, orchestration: &Orchestration) -> Error {
    let names: Vec<&str> = orchestration.depths.iter().map(|depth| depth.name.as_str()).collect();
    let Some(absent) = orchestration.absent.iter().find(|absent| absent.name == wanted) else {
        return unknown_name(Category::InvalidRequest, "depth", wanted, &names);
    };
    let others: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let others = others.join(" or ");
    let (message, mend) = match absent.lacks.map(StepRole::as_str) {
        Some(role) => (
            format!("depth `{wanted}` needs a {role}, and the policy names none"),
            format!("add orchestration.roles.{role}"),
        ),
        None => (
            format!("the policy's `depth` table has no `{wanted}`"),
            "add it to orchestration.depth".to_owned(),
        ),
    };
    Error::new(Category::InvalidRequest, message).with_hint(format!("{mend}, or ask for {others}"))
}
