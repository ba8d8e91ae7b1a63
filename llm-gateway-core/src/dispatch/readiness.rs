//! Decides whether a target is ready, that is, could be asked now. Time is reserved only for ready
//! targets.

use tokio::time::Instant;

use crate::model::Prompt;
use crate::policy::{PlannedTarget, PreflightAction};

use super::Context;

impl Context<'_> {
    /// Returns whether a target could be asked now: its circuit breaker lets a call through, its
    /// key and the variables of its headers are set, and neither the price check, a switch nor an
    /// unknown price refuses the call.
    pub(super) fn is_ready(&self, planned: &PlannedTarget, prompt: &Prompt) -> bool {
        let is_let_in = self.targets.refusal(&planned.target, Instant::now()).is_none();
        is_let_in && self.has_variables(planned) && self.is_affordable(planned, prompt)
    }

    fn has_variables(&self, planned: &PlannedTarget) -> bool {
        let provider = &planned.target.provider;
        let spec = self.policy.providers().get(provider);
        match (spec, self.credentials) {
            (Some(spec), Some(credentials)) => {
                let variables = spec.endpoint.variables();
                variables.iter().all(|variable| credentials.has(provider, variable))
            }
            _ => true,
        }
    }

    fn is_affordable(&self, planned: &PlannedTarget, prompt: &Prompt) -> bool {
        let facts = planned.facts.as_deref();
        let preflight = self.policy.preflight().estimate(prompt, planned.max_tokens, facts);
        let is_priced = facts.is_some_and(|facts| facts.prices.is_some());
        let mut caps = self.policy.spending().caps_on(&planned.target.provider, self.task_class);
        let is_bounded = self.allowance.is_some() || caps.next().is_some();
        preflight.action != PreflightAction::Block
            && self.policy.switches().refuses(&preflight).is_none()
            && (is_priced || !is_bounded)
    }
}
