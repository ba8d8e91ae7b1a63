//! The compiled policy: routes, limits and rules with nothing left to check.
//!
//! [`config`](crate::config) compiles a file into these types and reports every problem, so here
//! every name exists and every number is within its bounds. This module is pure. A [`Policy`]
//! resolves a request into a [`Plan`]: which targets are asked, in which order, with which bound
//! on output and which deadline. Its [`PreflightRules`] estimate the price of a call before
//! anything is sent. Sending, retrying and counting money are not decided here.
//!
//! ```
//! use llm_gateway_core::Gateway;
//! use llm_gateway_core::policy::{PlanRequest, PlanShape, PreflightAction};
//! use llm_gateway_core::prompt::{Message, Prompt};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let yaml = "
//! defaults:
//!   summarize: {provider: openai, model: gpt-6-luna, max_tokens: 500}
//! fallback:
//!   summarize: [{provider: gemini, model: gemini-3.8-flash}]
//! ";
//! let gateway = Gateway::builder().policy_yaml(yaml).offline().build()?;
//! let policy = gateway.policy()?;
//!
//! // The plan says who would be asked, before anybody is.
//! let plan = policy.plan(PlanRequest::new("summarize"))?;
//! let PlanShape::Single(chain) = &plan.shape else { panic!("one model answers") };
//! let targets: Vec<String> = chain.iter().map(|planned| planned.target.to_string()).collect();
//! assert_eq!(targets, ["openai/gpt-6-luna", "gemini/gemini-3.8-flash"]);
//!
//! // Preflight says what the first of them can cost.
//! let prompt = Prompt::from_messages([Message::user("Summarize the plot of Hamlet.")]);
//! let facts = chain[0].facts.as_deref();
//! let preflight = policy.preflight().estimate(&prompt, chain[0].max_tokens, facts);
//! assert_eq!(preflight.action, PreflightAction::Ok);
//! # Ok(())
//! # }
//! ```

mod caps;
mod cascade;
mod families;
mod faults;
mod foreseen;
mod orchestration;
mod output;
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

pub use caps::Caps;
pub use cascade::{CascadePreflight, EscalationRate, Escalations};
pub(crate) use families::ModelNames;
#[doc(hidden)]
pub use faults::{GivenQuestion, empty_prompt, empty_task, question_faults};
pub(crate) use foreseen::ForeseenCall;
pub use orchestration::{
    AbsentDepth, Depth, Orchestration, OrchestrationRole, PlannedOrchestration, PlannedStep,
    VerdictForm,
};
pub use output::{Detail, HandOff, Output};
pub use plan::{Plan, PlanRequest, PlanShape, PlannedPanel, PlannedTarget};
pub use preflight::{Preflight, PreflightAction, PreflightRules, Switches};
pub(crate) use provider::Listing;
pub use provider::{BaseUrlFrom, ProviderSpec};
pub use route::{Agree, Cascade, Enforce, Level, Panel, Route, RouteKind, Shape, Visibility};
pub(crate) use spending::{CAP_PREFIX, cap_variable, price_hint, variable_part};
pub use spending::{ORCHESTRATE, Spending};
pub(crate) use workflow::BuiltInSteps;
pub use workflow::{Sight, Step, Workflow};

/// A compiled policy. [`Gateway::policy`](crate::Gateway::policy) returns the one in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) version: String,
    pub(crate) source: String,
    /// The path of the user's own policy, where nothing is.
    pub(crate) absent: Option<std::path::PathBuf>,
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

/// The rules for deadlines, retries and the circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reliability {
    /// The deadline: the longest time of a request, waits, retries and fallbacks included.
    pub deadline: Duration,
    /// The most attempts at a target after the first one.
    pub max_retries: u32,
    /// The bound on the backoff before the first retry. It doubles with each retry.
    pub base_delay: Duration,
    /// The longest backoff that the gateway chooses. A provider may ask for a longer one.
    pub max_delay: Duration,
    /// The number of failures in a row that open the circuit breaker of a target.
    pub failure_threshold: u32,
    /// The time for which an open circuit breaker refuses calls.
    pub cooldown: Duration,
}

/// The rules for writing receipts of panels, cascades and orchestrations to disk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipts {
    /// The directory that receipts are written to. A relative path in a policy file starts at the
    /// directory of that file.
    pub dir: std::path::PathBuf,
    /// Whether the recorded bytes behind each receipt are written beside it.
    pub bundle: bool,
    /// The number of receipts that are kept. Older ones are deleted.
    pub keep: u32,
}

impl Policy {
    /// Returns the version that the policy file states.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the source of the policy: a path, or a name for one that is embedded or given as
    /// text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the SHA-256 of the policy file's bytes, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the routes of all task classes, in the order of the file.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Returns the route of a task class, if the policy has one of this name.
    pub fn route(&self, task_class: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.task_class.as_str() == task_class)
    }

    /// Returns all providers of the policy by name, the built-in ones included.
    pub fn providers(&self) -> &BTreeMap<ProviderName, ProviderSpec> {
        &self.providers
    }

    /// Returns the known facts about a target's model, or `None` for a model without a row.
    pub fn facts(&self, target: &Target) -> Option<&Arc<ModelFacts>> {
        self.providers.get(&target.provider)?.model(target.model.as_str())
    }

    /// Returns the rules of the price check.
    pub fn preflight(&self) -> &PreflightRules {
        &self.preflight
    }

    /// Returns the switches of the environment, which refuse calls whatever the file says.
    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    /// Returns the spending rules: where money is counted, and the caps.
    pub fn spending(&self) -> &Spending {
        &self.spending
    }

    /// Returns the rules for deadlines, retries and the circuit breaker.
    pub fn reliability(&self) -> &Reliability {
        &self.reliability
    }

    /// Returns the longest time that any request or task may take: the longest deadline of a task
    /// class or of orchestrations.
    pub fn longest_deadline(&self) -> Duration {
        let of_routes = self.routes.iter().filter_map(|route| route.deadline);
        let of_tasks = self.orchestration.iter().map(|orchestration| orchestration.deadline);
        let is_default_used = self.routes.iter().any(|route| route.deadline.is_none());
        let default = is_default_used.then_some(self.reliability.deadline);
        of_routes.chain(of_tasks).chain(default).max().unwrap_or_default()
    }

    /// Returns the roles and depths of orchestrations, if the file has any.
    pub fn orchestration(&self) -> Option<&Orchestration> {
        self.orchestration.as_ref()
    }

    /// Returns the rules for writing receipts, if the file asks for receipts.
    pub fn receipts(&self) -> Option<&Receipts> {
        self.receipts.as_ref()
    }

    /// Returns the rules for output: the largest envelope, and the hand-off of requests.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Returns the names of all task classes, in the order of the file.
    pub fn task_classes(&self) -> impl Iterator<Item = &TaskClass> {
        self.routes.iter().map(|route| &route.task_class)
    }
}
