//! Plan, execute, verify: as the policy describes it, and resolved for one task.

use std::time::Duration;

use crate::error::{Category, Error};
use crate::model::{NanoUsd, PolicyText, StepRole, Target};

use super::plan::unknown_name;
use super::{PlannedTarget, Policy, Step, Workflow};

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
    /// The depths that it cannot run.
    pub absent: Vec<AbsentDepth>,
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

/// What is run for a task of a certain depth.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// `trivial`, `standard` or `complex`.
    pub name: String,
    /// Its steps, and what each may see. Somebody plays every role in it.
    pub workflow: Workflow,
    /// How often a refused artifact is worked on again.
    pub max_replans: u32,
}

/// A depth that a policy cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AbsentDepth {
    /// `trivial`, `standard` or `complex`.
    pub name: String,
    /// The role that nobody plays; `None` = the table of depths leaves it out.
    pub lacks: Option<StepRole>,
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

impl Orchestration {
    /// The depth of a task whose caller names none. A policy may lack it: see
    /// [`absent`](Self::absent).
    pub const DEFAULT_DEPTH: &str = "standard";

    /// Who plays a role.
    pub fn role(&self, role: StepRole) -> Option<&OrchestrationRole> {
        match role {
            StepRole::Planner => self.planner.as_ref(),
            StepRole::Worker => self.worker.as_ref(),
            StepRole::Verifier => self.verifier.as_ref(),
        }
    }
}

/// An orchestration, resolved for one task.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedOrchestration {
    /// The depth that is run.
    pub depth: String,
    /// Its steps, and what each may see.
    pub workflow: Workflow,
    /// Its steps in their order, each with the model that it asks.
    pub steps: Vec<PlannedStep>,
    /// How often a refused artifact is worked on again.
    pub max_replans: u32,
    /// The bound on the worst case of the whole.
    pub max_cost: Option<NanoUsd>,
    /// One clock over all steps.
    pub deadline: Duration,
    /// How the verifier is asked for its verdict.
    pub verdict: VerdictForm,
}

/// A step, and the model that it asks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedStep {
    /// What it is and may see.
    pub step: Step,
    /// Who is asked, with the bound on output tokens.
    pub planned: PlannedTarget,
    /// The policy's own instruction, in place of the built-in one.
    pub instruction: Option<PolicyText>,
}

impl PlannedStep {
    /// What other steps and the trace call it.
    pub(crate) fn name(&self) -> &str {
        &self.step.name
    }

    /// What it is there for.
    pub(crate) fn role(&self) -> StepRole {
        self.step.role
    }

    /// Who is asked.
    pub(crate) fn target(&self) -> &Target {
        &self.planned.target
    }
}

impl Policy {
    /// Resolves an orchestration of `depth`, or of the standard one.
    ///
    /// # Errors
    /// [`Category::InvalidRequest`] for a depth that the policy does not have,
    /// [`Category::PolicyInvalid`] for a policy that describes no orchestration.
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
