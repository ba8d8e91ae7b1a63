//! What the gateway tells of plan, execute, verify: who plays which role, and which depths can
//! run.

use serde::Serialize;

use crate::model::{ModelId, NanoUsd, ProviderName, StepRole};
use crate::policy::{Depth, Orchestration, OrchestrationRole, Policy, VerdictForm};

use super::Keys;

/// Plan, execute, verify as a caller sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OrchestrationDescription {
    /// Who plays which role.
    pub roles: RolesDescription,
    /// The most that an orchestration may cost, set aside before its first step.
    pub max_usd: Option<NanoUsd>,
    /// One clock over all its steps, in seconds.
    pub deadline_s: f64,
    /// How a verdict is asked for: `structured` or `plain`.
    pub verdict: &'static str,
    /// How deep a task can be worked on, in the file's order.
    pub depths: Vec<DepthDescription>,
}

/// Who plays which role, where somebody does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RolesDescription {
    /// Who plans.
    pub planner: Option<RoleDescription>,
    /// Who does the work.
    pub worker: Option<RoleDescription>,
    /// Who judges it.
    pub verifier: Option<RoleDescription>,
}

/// A model in a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RoleDescription {
    /// Whose model it is.
    pub provider: ProviderName,
    /// The model.
    pub model: ModelId,
    /// The variable whose key is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_key: Option<String>,
}

/// A depth, and whether it can run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DepthDescription {
    /// `trivial`, `standard` or `complex`.
    pub name: String,
    /// What is done, in order.
    pub steps: Vec<String>,
    /// Who does each of them.
    #[serde(skip)]
    pub roles: Vec<StepRole>,
    /// How often a refused artifact is worked on again.
    pub max_replans: u32,
    /// Whether planner and worker can be asked. A verifier who cannot is told of in
    /// `unverified_because`.
    pub available: bool,
    /// Why it cannot run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable_because: Option<String>,
    /// Why it would end as `unverified`: the work is done, and nobody can judge it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unverified_because: Option<String>,
}

impl RolesDescription {
    /// Who plays a role.
    pub fn role(&self, role: StepRole) -> Option<&RoleDescription> {
        match role {
            StepRole::Planner => self.planner.as_ref(),
            StepRole::Worker => self.worker.as_ref(),
            StepRole::Verifier => self.verifier.as_ref(),
        }
    }

    /// Every role that somebody plays, and who does.
    pub fn played(&self) -> impl Iterator<Item = (StepRole, &RoleDescription)> {
        let roles = [StepRole::Planner, StepRole::Worker, StepRole::Verifier];
        roles.into_iter().filter_map(|role| Some((role, self.role(role)?)))
    }
}

impl OrchestrationDescription {
    /// Tells of an orchestration that has a depth which can run.
    pub(super) fn of(policy: &Policy, keys: &Keys<'_>) -> Option<Self> {
        let orchestration = policy.orchestration().filter(|it| !it.depths.is_empty())?;
        let played = |role: &Option<OrchestrationRole>| {
            role.as_ref().map(|role| RoleDescription {
                provider: role.target.provider.clone(),
                model: role.target.model.clone(),
                missing_key: keys.missing(policy, &role.target).map(str::to_owned),
            })
        };
        let Orchestration { planner, worker, verifier, .. } = orchestration;
        let roles = RolesDescription {
            planner: played(planner),
            worker: played(worker),
            verifier: played(verifier),
        };
        Some(Self {
            depths: orchestration
                .depths
                .iter()
                .map(|it| DepthDescription::of(it, &roles))
                .collect(),
            roles,
            max_usd: orchestration.max_cost,
            deadline_s: orchestration.deadline.as_secs_f64(),
            verdict: match orchestration.verdict {
                VerdictForm::Structured => "structured",
                VerdictForm::Plain => "plain",
            },
        })
    }
}

impl DepthDescription {
    fn of(depth: &Depth, roles: &RolesDescription) -> Self {
        let steps = depth.workflow.steps();
        let mut lacking: Vec<&str> = Vec::new();
        let mut unverified_because = None;
        for step in steps {
            let key = roles.role(step.role).and_then(|role| role.missing_key.as_deref());
            match (key, step.role) {
                (Some(key), StepRole::Verifier) => {
                    unverified_because = Some(format!("set {key}"));
                }
                (Some(key), _) if !lacking.contains(&key) => lacking.push(key),
                _ => {}
            }
        }
        Self {
            name: depth.name.clone(),
            steps: steps.iter().map(|step| step.name.clone()).collect(),
            roles: steps.iter().map(|step| step.role).collect(),
            max_replans: depth.max_replans,
            available: lacking.is_empty(),
            unavailable_because: (!lacking.is_empty())
                .then(|| format!("set {}", lacking.join(" and "))),
            unverified_because,
        }
    }
}
