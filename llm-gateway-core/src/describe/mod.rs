//! The description of a gateway, as [`Gateway::describe`](crate::Gateway::describe) returns it, and
//! as the tool `llm_routing_info` and `llm-gateway info` show it.
//!
//! A [`Description`] lists the task classes, providers, panels and orchestration depths of the
//! policy in force, and says for each whether it can run now and, if not, which key is missing.
//! It is put together without waiting for anything: no provider and no ledger is asked. It names
//! the variables of keys, never a key.
//!
//! ```
//! use llm_gateway_core::Gateway;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder().offline().build()?;
//! for class in gateway.describe()?.task_classes {
//!     println!("{}: {}", class.name, if class.available { "can run" } else { "cannot run" });
//! }
//! # Ok(())
//! # }
//! ```

mod keys;
mod network;
mod orchestration;
mod policy_error;
mod task_class;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use tokio::time::Instant;

use crate::config::PolicyProblems;
use crate::model::{Dialect, ProviderHeader, ProviderName, Target, TaskClass};
use crate::network::Network;
use crate::policy::{
    BaseUrlFrom, Enforce, Escalations, Level, Listing, Orchestration, Panel, Policy, ProviderSpec,
    Route, Shape, Switches,
};
use crate::reliability::{Breaker, Targets};
use crate::spend::SpendState;

pub use keys::KeyState;
pub(crate) use keys::Keys;
pub use network::{CertificatesDescription, ProxiesDescription, ProxyDescription};
pub use orchestration::{
    DepthDescription, OrchestrationDescription, RoleDescription, RolesDescription,
};
pub use policy_error::PolicyErrorDescription;
pub use task_class::TaskClassDescription;
use task_class::task_class;

/// The description of a gateway: the task classes, providers and rules of its policy. It holds the
/// names of key variables, never their values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// The switches that refuse calls whatever the policy says.
    pub switches: Switches,
    /// The version that the policy file states.
    pub version: String,
    /// Every task class, in the order of the policy file.
    pub task_classes: Vec<TaskClassDescription>,
    /// Every provider of the policy, in the order of their names.
    pub providers: Vec<ProviderDescription>,
    /// The names of the task classes that are panels.
    pub panels: Vec<String>,
    /// The promise of each panel about its members' independence, by the name of its task class.
    pub visibility: BTreeMap<String, VisibilityDescription>,
    /// The depths of orchestration that the policy can run.
    pub orchestration_depths: Vec<String>,
    /// The roles and depths of orchestrations; absent where the policy can run none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orchestration: Option<OrchestrationDescription>,
    /// The circuit breaker of every target that the policy names, and of every other target whose
    /// breaker has counted a failure.
    pub circuit_breakers: BTreeMap<String, BreakerDescription>,
    /// The spending report of the current month; absent unless the caller asked for it, because a
    /// ledger may have to be waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend: Option<SpendState>,
    /// The proxies for requests to other machines; absent if no variable names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxiesDescription>,
    /// The certificates that variables name in place of the system's; absent where they name none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificatesDescription>,
    /// The source of the policy: a path, or a name for a policy that is embedded or given as text.
    pub policy_file: String,
    /// The path where the user's own policy would be read; set if nothing is there and the built-in
    /// policy is in force.
    #[serde(skip)]
    pub absent_policy: Option<PathBuf>,
    /// The SHA-256 digest of the policy file's bytes, in hex.
    pub policy_digest: String,
    /// The problem of a newer policy, because of which the one before it is still in force; absent
    /// where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_error: Option<PolicyErrorDescription>,
    /// The version of the gateway.
    pub gateway_version: &'static str,
    /// Whether answers are scripted and nothing leaves the machine. Serialised only when true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// A provider of the policy, and whether its key is set.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProviderDescription {
    /// The provider's name in the policy.
    pub name: ProviderName,
    /// The wire format that the provider speaks.
    pub kind: Dialect,
    /// The URL that paths of the API are appended to.
    pub base_url: String,
    /// Where the base URL comes from: a variable, the policy, or the built-in default.
    pub base_url_from: BaseUrlFrom,
    /// Whether the provider's key is set.
    pub key: KeyState,
    /// The environment variable that holds the provider's key; absent for a provider without a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_variable: Option<String>,
    /// The variables that the provider's headers name; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub header_variables: Vec<String>,
    /// The variables that the provider needs and that are not set. Each task class lists its own.
    #[serde(skip)]
    pub missing_keys: Vec<String>,
    /// The ids of the provider's known models, without aliases.
    pub models: Vec<String>,
}

/// The promise of a panel about its members' independence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct VisibilityDescription {
    /// The way in which members are asked: always `blind`.
    pub mode: &'static str,
    /// The texts that members are shown: always `original_prompt_only`.
    pub members_see: &'static str,
    /// The consequence of a panel that cannot be certified.
    pub enforce: Enforce,
    /// The level of independence that the panel has to reach.
    pub require: Level,
    /// The quorum: the number of members that have to answer.
    pub quorum: usize,
}

/// The state and counts of one target's circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BreakerDescription {
    /// The state of the circuit breaker: `closed`, `open` or `half_open`.
    pub state: &'static str,
    /// The number of the target's failures since its last success.
    pub consecutive_failures: u32,
    /// The time in seconds until an open circuit breaker lets a trial request through.
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
            switches: *policy.switches(),
            version: policy.version().to_owned(),
            task_classes: policy
                .routes()
                .iter()
                .map(|route| task_class(policy, route, keys, realised))
                .collect(),
            providers: listed(policy, keys).map(|spec| provider(spec, keys)).collect(),
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
            proxy: None,
            certificates: Vec::new(),
            policy_file: policy.source().to_owned(),
            absent_policy: policy.absent.clone(),
            policy_digest: policy.digest().to_owned(),
            policy_error: None,
            gateway_version: env!("CARGO_PKG_VERSION"),
            offline: keys.offline,
        }
    }
}

impl Description {
    /// Adds the settings of the network, if requests go over one.
    pub(crate) fn over(self, network: Option<&Network>) -> Self {
        let proxy = network.and_then(ProxiesDescription::of);
        let certificates = network.map(CertificatesDescription::all).unwrap_or_default();
        Self { proxy, certificates, ..self }
    }

    /// Adds the problems of a newer policy, which could not take the place of this one.
    pub(crate) fn after_refusing(self, newer: Option<&PolicyProblems>) -> Self {
        Self { policy_error: newer.and_then(PolicyErrorDescription::of), ..self }
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
    let healthy = targets_of(policy).map(|target| (target.to_string(), Breaker::default()));
    let troubled = targets.breakers().into_iter();
    healthy
        .chain(troubled.map(|(target, breaker)| (target.to_string(), breaker)))
        .map(|(target, breaker)| (target, BreakerDescription::of(breaker, now)))
        .collect()
}

/// Returns every target of task classes and roles.
fn targets_of(policy: &Policy) -> impl Iterator<Item = &Target> {
    let routed = policy.routes().iter().flat_map(Route::targets);
    let roles = policy.orchestration().into_iter().flat_map(|orchestration| {
        let Orchestration { planner, worker, verifier, .. } = orchestration;
        [planner, worker, verifier].into_iter().flatten().map(|role| &role.target)
    });
    routed.chain(roles)
}

/// Returns the providers that a description lists: those that the policy names, and the built-in
/// ones that are always shown or whose key is set.
fn listed<'p>(policy: &'p Policy, keys: &Keys<'_>) -> impl Iterator<Item = &'p ProviderSpec> {
    policy.providers().values().filter(move |spec| match spec.listing {
        Listing::Always => true,
        Listing::WithKey => {
            let name = &spec.endpoint.provider;
            keys.has_key(spec) || targets_of(policy).any(|target| target.provider == *name)
        }
    })
}

fn provider(spec: &ProviderSpec, keys: &Keys<'_>) -> ProviderDescription {
    let headers = spec.endpoint.headers.iter();
    let header_variables = headers.flat_map(ProviderHeader::variables).map(str::to_owned);
    ProviderDescription {
        name: spec.endpoint.provider.clone(),
        kind: spec.endpoint.dialect,
        base_url: spec.endpoint.base_url.clone(),
        base_url_from: spec.base_url_from,
        key: keys.state(spec),
        key_variable: spec.endpoint.api_key_env.clone(),
        header_variables: header_variables.collect(),
        missing_keys: keys.lacking(spec).into_iter().map(str::to_owned).collect(),
        models: spec.model_ids().map(str::to_owned).collect(),
    }
}
