//! What the gateway obeys: a policy with nothing left to check.
//!
//! [`crate::config`] compiles a file into these types, reporting every problem there is;
//! here everything named exists and every number is in bounds. All of it is pure: a
//! [`Policy`] and a request give a [`Plan`], a plan and a prompt give a [`Preflight`].

mod cascade;
mod foreseen;
mod orchestration;
mod plan;
mod preflight;
mod provider;
mod route;
mod spending;
mod workflow;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{ModelFacts, ProviderName, Target, TaskClass};

pub use cascade::{CascadePreflight, EscalationRate, Escalations};
pub(crate) use foreseen::ForeseenCall;
pub use orchestration::{
    AbsentDepth, Depth, Orchestration, OrchestrationRole, PlannedOrchestration, PlannedStep,
    VerdictForm,
};
pub use plan::{Plan, PlanRequest, PlanShape, PlannedPanel, PlannedTarget};
pub use preflight::{Preflight, PreflightAction, PreflightRules, Switches};
pub use provider::ProviderSpec;
pub use route::{Cascade, Enforce, Level, Panel, Route, RouteKind, Shape, Visibility};
pub use spending::Spending;
pub(crate) use workflow::BuiltInSteps;
pub use workflow::{Sight, Step, Workflow};

/// A compiled policy. Cheap to share: take one `Arc<Policy>` per request.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) version: String,
    pub(crate) source: String,
    pub(crate) digest: String,
    pub(crate) routes: Vec<Route>,
    pub(crate) providers: BTreeMap<ProviderName, ProviderSpec>,
    pub(crate) preflight: PreflightRules,
    pub(crate) switches: Switches,
    pub(crate) spending: Spending,
    pub(crate) reliability: Reliability,
    pub(crate) orchestration: Option<Orchestration>,
    pub(crate) receipts: Option<Receipts>,
    pub(crate) output: Output,
}

/// Deadlines, retries and the circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reliability {
    /// One clock over waits, retries and fallbacks of a request.
    pub deadline: Duration,
    /// Tries per target beyond the first.
    pub max_retries: u32,
    /// The first backoff; doubles with each retry.
    pub base_delay: Duration,
    /// The longest backoff of our own; a provider's Retry-After may be longer.
    pub max_delay: Duration,
    /// Consecutive provider-side failures that open the breaker.
    pub failure_threshold: u32,
    /// How long an open breaker refuses.
    pub cooldown: Duration,
}

/// Where receipts of panels and orchestrations are written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipts {
    /// The directory; relative paths start at the policy file.
    pub dir: std::path::PathBuf,
    /// Whether the recorded bytes are written beside each receipt.
    pub bundle: bool,
    /// How many are kept.
    pub keep: u32,
}

/// Bounds on what a caller gets back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The largest envelope, in characters.
    pub max_chars: usize,
    /// After this long a call hands off; zero = never.
    pub handoff_after: Duration,
}

impl Output {
    /// The largest envelope where nobody says: about 8 000 tokens, below what the common clients
    /// cut or spill to a file.
    pub const DEFAULT_MAX_CHARS: usize = 30_000;
}

impl Policy {
    /// The version that the file states.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where the policy came from: a path, or a name for one that is embedded or given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// SHA-256 over the file's bytes, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// All routes, in the file's order.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route of a task class.
    pub fn route(&self, task_class: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.task_class.as_str() == task_class)
    }

    /// All providers by name, the built-in ones included.
    pub fn providers(&self) -> &BTreeMap<ProviderName, ProviderSpec> {
        &self.providers
    }

    /// What is known about a target's model; `None` for a model without a row.
    pub fn facts(&self, target: &Target) -> Option<&Arc<ModelFacts>> {
        self.providers.get(&target.provider)?.model(target.model.as_str())
    }

    /// The rules that a request's price is held against.
    pub fn preflight(&self) -> &PreflightRules {
        &self.preflight
    }

    /// What the environment refuses, whatever the rest of the policy says.
    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    /// Where money is counted, and how much of it there is.
    pub fn spending(&self) -> &Spending {
        &self.spending
    }

    /// Deadlines, retries and the circuit breaker.
    pub fn reliability(&self) -> &Reliability {
        &self.reliability
    }

    /// How plan, execute, verify is run, where the file says so.
    pub fn orchestration(&self) -> Option<&Orchestration> {
        self.orchestration.as_ref()
    }

    /// Where receipts are written, where the file says so.
    pub fn receipts(&self) -> Option<&Receipts> {
        self.receipts.as_ref()
    }

    /// Bounds on what a caller gets back.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The names of all task classes.
    pub fn task_classes(&self) -> impl Iterator<Item = &TaskClass> {
        self.routes.iter().map(|route| &route.task_class)
    }
}
