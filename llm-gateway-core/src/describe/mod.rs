//! What the gateway tells of itself: `llm_routing_info`, `llm-gateway info`, `check`.

mod keys;
mod orchestration;
mod task_class;

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::time::Instant;

use crate::model::{Dialect, ProviderName, TaskClass};
use crate::policy::{
    Enforce, Escalations, Level, Orchestration, Panel, Policy, ProviderSpec, Route, Shape,
};
use crate::reliability::{Breaker, Targets};
use crate::spend::SpendState;

pub use keys::KeyState;
pub(crate) use keys::Keys;
pub use orchestration::{
    DepthDescription, OrchestrationDescription, RoleDescription, RolesDescription,
};
pub use task_class::TaskClassDescription;
use task_class::task_class;

/// Task classes, providers and rules of the active policy. Names of key variables only,
/// never their values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// The version that the policy file states.
    pub version: String,
    /// Every task class, in the order of the file.
    pub task_classes: Vec<TaskClassDescription>,
    /// Every provider.
    pub providers: Vec<ProviderDescription>,
    /// The names of the panels.
    pub panels: Vec<String>,
    /// What each panel promises.
    pub visibility: BTreeMap<String, VisibilityDescription>,
    /// The depths that an orchestration may have.
    pub orchestration_depths: Vec<String>,
    /// Who plans, works and verifies, and which depths can run; absent where the policy
    /// describes no orchestration that can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orchestration: Option<OrchestrationDescription>,
    /// The circuit breaker of every target that the policy names or that is in trouble.
    pub circuit_breakers: BTreeMap<String, BreakerDescription>,
    /// What the current month has cost, where that was asked for: the rest is told without
    /// waiting for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend: Option<SpendState>,
    /// Where the policy came from.
    pub policy_file: String,
    /// SHA-256 over the policy file, in hex.
    pub policy_digest: String,
    /// The version of this program.
    pub gateway_version: &'static str,
    /// Present and true where answers are scripted and nothing leaves the machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// A provider as a caller sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProviderDescription {
    /// Its name in the policy.
    pub name: ProviderName,
    /// The wire format it speaks.
    pub kind: Dialect,
    /// Where it is reached.
    pub base_url: String,
    /// Whether its key is there.
    pub key: KeyState,
    /// The variable that holds its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_variable: Option<String>,
    /// The models that are known, without aliases.
    pub models: Vec<String>,
}

/// What a panel promises.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct VisibilityDescription {
    /// Always `blind`.
    pub mode: &'static str,
    /// Always `original_prompt_only`.
    pub members_see: &'static str,
    /// What happens when the promise cannot be certified.
    pub enforce: Enforce,
    /// The level that must be reached.
    pub require: Level,
    /// How many members must answer.
    pub quorum: usize,
}

/// The circuit breaker of one target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BreakerDescription {
    /// `closed`, `open` or `half_open`.
    pub state: &'static str,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Seconds until an open breaker lets a trial through.
    pub cooldown_remaining_s: f64,
}

impl BreakerDescription {
    fn of(breaker: Breaker, now: Instant) -> Self {
        Self {
            state: breaker.name(),
            consecutive_failures: breaker.consecutive_failures(),
            cooldown_remaining_s: breaker.cooldown_remaining(now).as_secs_f64(),
        }
    }
}

impl Description {
    pub(crate) fn of(
        policy: &Policy,
        keys: &Keys<'_>,
        targets: &Targets,
        realised: &dyn Fn(&TaskClass) -> Escalations,
    ) -> Self {
        let panels = policy.routes().iter().filter_map(|route| match &route.shape {
            Shape::Panel(panel) => Some((route.task_class.to_string(), panel)),
            Shape::Single(_) | Shape::Cascade(_) => None,
        });
        Self {
            version: policy.version().to_owned(),
            task_classes: policy
                .routes()
                .iter()
                .map(|route| task_class(policy, route, keys, realised))
                .collect(),
            providers: policy.providers().values().map(|spec| provider(spec, keys)).collect(),
            panels: panels.clone().map(|(name, _)| name).collect(),
            visibility: panels
                .map(|(name, panel)| (name, VisibilityDescription::of(panel)))
                .collect(),
            orchestration_depths: policy
                .orchestration()
                .map(|orchestration| orchestration.depths.iter().map(|d| d.name.clone()).collect())
                .unwrap_or_default(),
            orchestration: OrchestrationDescription::of(policy, keys),
            circuit_breakers: circuit_breakers(policy, targets),
            spend: None,
            policy_file: policy.source().to_owned(),
            policy_digest: policy.digest().to_owned(),
            gateway_version: env!("CARGO_PKG_VERSION"),
            offline: keys.offline,
        }
    }
}

impl VisibilityDescription {
    fn of(panel: &Panel) -> Self {
        Self {
            mode: "blind",
            members_see: "original_prompt_only",
            enforce: panel.visibility.enforce,
            require: panel.visibility.require,
            quorum: panel.quorum(),
        }
    }
}

fn circuit_breakers(policy: &Policy, targets: &Targets) -> BTreeMap<String, BreakerDescription> {
    let now = Instant::now();
    let routed = policy.routes().iter().flat_map(Route::targets);
    let roles = policy.orchestration().into_iter().flat_map(|orchestration| {
        let Orchestration { planner, worker, verifier, .. } = orchestration;
        [planner, worker, verifier].into_iter().flatten().map(|role| &role.target)
    });
    let healthy = routed.chain(roles).map(|target| (target.to_string(), Breaker::default()));
    let troubled = targets.breakers().into_iter();
    healthy
        .chain(troubled.map(|(target, breaker)| (target.to_string(), breaker)))
        .map(|(target, breaker)| (target, BreakerDescription::of(breaker, now)))
        .collect()
}

fn provider(spec: &ProviderSpec, keys: &Keys<'_>) -> ProviderDescription {
    ProviderDescription {
        name: spec.endpoint.provider.clone(),
        kind: spec.endpoint.dialect,
        base_url: spec.endpoint.base_url.clone(),
        key: keys.state(spec),
        key_variable: spec.endpoint.api_key_env.clone(),
        models: spec.model_ids().map(str::to_owned).collect(),
    }
}
