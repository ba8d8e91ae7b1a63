//! The first phase of a call: its price is checked against the policy, and its bytes are fixed.
//! This module is pure.

use std::sync::Arc;

use crate::error::{BlockedBy, Category, Error};
use crate::model::{Capability, NanoUsd, Prompt, Target};
use crate::policy::{PlannedTarget, Preflight, PreflightAction};
use crate::provider::{Call, Prepared, Provider};
use crate::transport::HttpRequest;

use super::Context;
use super::refusal::{Reach, Refusal, switched_off};

/// A call whose price was allowed and whose bytes are fixed.
pub(crate) struct PreparedCall {
    pub(super) planned: PlannedTarget,
    pub(super) prepared: Prepared,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) preflight: Preflight,
    /// Whether another target, which needs some of the time, may be asked after this one.
    pub(super) has_next: bool,
}

/// The most that one attempt at a target can cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorstCase {
    /// Target that the attempt asks.
    pub(crate) target: Target,
    /// Amount that the attempt can cost; `None` if the price is unknown.
    pub(crate) amount: Option<NanoUsd>,
}

impl WorstCase {
    /// Returns the most that a call of at most `input_tokens` can cost.
    pub(crate) fn of(planned: &PlannedTarget, input_tokens: u64) -> Self {
        Self { target: planned.target.clone(), amount: planned.worst_case(input_tokens) }
    }
}

impl PreparedCall {
    /// Returns the most that one attempt can cost.
    pub(crate) fn worst_case(&self) -> WorstCase {
        WorstCase::of(&self.planned, self.prepared.call.prompt.token_bound())
    }

    /// Returns the estimate that was checked against the policy.
    pub(crate) fn preflight(&self) -> &Preflight {
        &self.preflight
    }

    /// Returns the request that will be sent, if the provider can show it.
    pub(crate) fn request(&self) -> Option<&HttpRequest> {
        self.prepared.request.as_ref()
    }

    /// Fixes the bytes of the call once more, for a server that refused their form. Returns whether
    /// they differ now: the same bytes would be refused again.
    pub(super) fn prepare_anew(&mut self) -> bool {
        match self.provider.prepare(self.prepared.call.clone()) {
            Ok(prepared) if prepared.request != self.prepared.request => {
                self.prepared = prepared;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Converts the call into its refusal.
    pub(crate) fn refused(self, error: Error, reach: Reach) -> Refusal {
        let (target, preflight) = (self.planned.target, Some(Box::new(self.preflight)));
        let error = error.with_target(target.clone());
        Refusal { reach, ..Refusal::new(target, error, preflight) }
    }

    /// Returns the most tokens that one attempt can take, input and output together.
    pub(super) fn tokens(&self) -> u64 {
        let call = &self.prepared.call;
        call.prompt.token_bound().saturating_add(call.max_tokens)
    }
}

/// Checks the price of a call against the policy and fixes its bytes. Nothing is sent.
///
/// # Errors
/// [`Refusal`] by a kill switch, by `block_usd`, or by the provider that cannot encode the call.
pub(crate) fn prepare(
    context: &Context<'_>,
    planned: &PlannedTarget,
    prompt: &Prompt,
) -> Result<PreparedCall, Refusal> {
    let target = &planned.target;
    let facts = planned.facts.as_deref();
    let preflight = context.policy.preflight().estimate(prompt, planned.max_tokens, facts);
    let refuse = |error: Error| {
        let preflight = Some(Box::new(preflight.clone()));
        Refusal::new(target.clone(), error.with_target(target.clone()), preflight)
    };
    let (switches, cost) = (context.policy.switches(), preflight.estimated_max_cost_usd);
    if let Some(error) = switched_off(target, switches, cost) {
        return Err(Refusal { reach: Reach::Request, ..refuse(error) });
    }
    if let Some(error) = beyond_context(planned, prompt) {
        return Err(refuse(error));
    }
    if preflight.action == PreflightAction::Block {
        return Err(refuse(too_expensive(context, planned, &preflight)));
    }
    let provider = context.providers.get(&target.provider).ok_or_else(|| {
        let message = format!("no adapter serves the provider `{}`", target.provider);
        refuse(Error::new(Category::Internal, message))
    })?;
    let call = Call {
        model: target.model.clone(),
        prompt: prompt.clone(),
        max_tokens: planned.max_tokens,
        capabilities: capabilities(context, planned),
    };
    let prepared = provider.prepare(call).map_err(refuse)?;
    Ok(PreparedCall {
        planned: planned.clone(),
        prepared,
        provider: Arc::clone(provider),
        preflight,
        has_next: false,
    })
}

/// Returns the error of a prompt that cannot fit the model's context, by the lower bound on its
/// tokens. A prompt that may fit is left to the provider, which counts exactly.
fn beyond_context(planned: &PlannedTarget, prompt: &Prompt) -> Option<Error> {
    let context = planned.facts.as_deref()?.context?;
    // No prompt has more tokens than its bound, so the words of most need not be counted.
    if prompt.token_bound() <= context {
        return None;
    }
    let fewest = prompt.fewest_tokens();
    (fewest > context).then(|| {
        let target = &planned.target;
        let message =
            format!("{target} takes {context} tokens, and the prompt is {fewest} words or more");
        Error::new(Category::ContextLength, message).with_nothing_sent()
    })
}

/// Returns what the model can do and what its API requires.
fn capabilities(context: &Context<'_>, planned: &PlannedTarget) -> Vec<Capability> {
    let spec = context.policy.providers().get(&planned.target.provider);
    match (&planned.facts, spec) {
        (Some(facts), _) => facts.capabilities.clone(),
        (None, Some(spec)) => spec.capabilities(planned.target.model.as_str()),
        (None, None) => Vec::new(),
    }
}

/// Creates the error of a call that is too expensive, with the limit on its output that would be
/// allowed.
fn too_expensive(context: &Context<'_>, planned: &PlannedTarget, preflight: &Preflight) -> Error {
    let reason = preflight.reason.as_deref().unwrap_or("the price is too high");
    let message = format!("{} is refused: {reason}", planned.target);
    let (rules, facts) = (context.policy.preflight(), planned.facts.as_deref());
    let fits = rules.fitting_output(preflight.tokens_in_estimated, facts).filter(|fits| *fits > 0);
    Error::blocked(BlockedBy::Price, message).with_hint(context.advice.below_block(fits))
}
