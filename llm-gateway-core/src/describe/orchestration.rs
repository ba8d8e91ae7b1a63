//! The part of a gateway's description about orchestrations: which model plays which role, and
//! which depths can run.

use serde::Serialize;

use crate::model::{ModelId, NanoUsd, ProviderName, StepRole};
use crate::policy::{Depth, Orchestration, OrchestrationRole, Policy, VerdictForm};

use super::Keys;

/// The orchestrations that the policy can run: their roles, bounds and depths.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OrchestrationDescription {
    /// The models that play the roles of orchestrations.
    pub roles: RolesDescription,
    /// The most that one orchestration may cost in US dollars, held before its first step; null
    /// where the policy sets no bound.
    pub max_usd: Option<NanoUsd>,
    /// The deadline of one orchestration, over all its steps, in seconds.
    pub deadline_s: f64,
    /// The form in which the verifier is asked for its verdict: `structured` or `plain`.
    pub verdict: &'static str,
    /// The depths that the policy can run, in the order of the file.
    pub depths: Vec<DepthDescription>,
}

/// The model in each role of an orchestration; `None` for a role that the policy leaves empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RolesDescription {
    /// The planner, the model that plans.
    pub planner: Option<RoleDescription>,
    /// The worker, the model that does the work.
    pub worker: Option<RoleDescription>,
    /// The verifier, the model that judges the work.
    pub verifier: Option<RoleDescription>,
}

/// A model in a role of an orchestration, and whether its key is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RoleDescription {
    /// The provider that serves the model.
    pub provider: ProviderName,
    /// The model, as its provider names it.
    pub model: ModelId,
    /// The environment variable of the model's key; absent unless that key is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_key: Option<String>,
}

/// A depth of orchestration, and whether it can run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DepthDescription {
    /// The name of the depth: `trivial`, `standard` or `complex`.
    pub name: String,
    /// The names of the depth's steps, in the order in which they run.
    pub steps: Vec<String>,
    /// The role of each step, in the order in which the steps run.
    #[serde(skip)]
    pub roles: Vec<StepRole>,
    /// The most times that a refused artifact is worked on again.
    pub max_replans: u32,
    /// Whether planner and worker can be asked. A verifier that cannot be asked makes the depth no
    /// less available; see `unverified_because`.
    pub available: bool,
    /// The advice on how to make the depth run; absent where it can run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable_because: Option<String>,
    /// The advice on how to keep the depth from ending as `unverified`; absent where its verifier
    /// can be asked, or it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unverified_because: Option<String>,
}

impl RolesDescription {
    /// Returns the model that plays `role`, if one does.
    pub fn role(&self, role: StepRole) -> Option<&RoleDescription> {
        match role {
            StepRole::Planner => self.planner.as_ref(),
            StepRole::Worker => self.worker.as_ref(),
            StepRole::Verifier => self.verifier.as_ref(),
        }
    }

    /// Returns every role that a model plays, with that model.
    pub fn played(&self) -> impl Iterator<Item = (StepRole, &RoleDescription)> {
        let roles = [StepRole::Planner, StepRole::Worker, StepRole::Verifier];
        roles.into_iter().filter_map(|role| Some((role, self.role(role)?)))
    }
}

impl OrchestrationDescription {
    /// Describes the policy's orchestrations, or returns `None` if no depth can run.
    pub(super) fn of(policy: &Policy, keys: &Keys<'_>) -> Option<Self> {
        let orchestration = policy.orchestration().filter(|it| !it.depths.is_empty())?;
        let played = |role: &Option<OrchestrationRole>| {
            role.as_ref().map(|role| RoleDescription {
                provider: role.target.provider.clone(),
                model: role.target.model.clone(),
                missing_key: keys.missing(policy, &role.target).first().map(|it| (*it).to_owned()),
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
                .map(|it| DepthDescription::of(it, &roles, policy.switches().way_on()))
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
    fn of(depth: &Depth, roles: &RolesDescription, switched_off: Option<String>) -> Self {
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
        let lacks = (!lacking.is_empty()).then(|| format!("set {}", lacking.join(" and ")));
        let unavailable_because = switched_off.or(lacks);
        Self {
            name: depth.name.clone(),
            steps: steps.iter().map(|step| step.name.clone()).collect(),
            roles: steps.iter().map(|step| step.role).collect(),
            max_replans: depth.max_replans,
            available: unavailable_because.is_none(),
            unavailable_because,
            unverified_because,
        }
    }
}
