//! Holds the money for all calls of an orchestration before its first step, or refuses the
//! orchestration.
//!
//! The policy decides which calls there may be and what earlier outputs add to them. This module
//! builds the prompts of these calls as far as their texts exist, and checks the sum against the
//! limits.

use crate::dispatch::{Booking, Context, WorstCase, reserve, switched_off};
use crate::error::{BlockedBy, Error};
use crate::model::{Blind, Completion, NanoUsd, Prompt};
use crate::policy::{
    ForeseenCall, PlannedOrchestration, PlannedStep, PlannedTarget, Preflight, PreflightAction,
};

use super::prompt::{self, StepOutput, View};

/// The key that identifies an orchestration's call before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallKey {
    pub(super) round: u32,
    pub(super) step: String,
    /// Whether the call asks a verifier again for a verdict.
    pub(super) again: bool,
}

/// The bookings of an orchestration, one for each call that may be made.
pub(super) struct Bookings<'a>(Vec<(CallKey, Booking<'a>)>);

impl<'a> Bookings<'a> {
    /// Checks an orchestration against the kill switches, `block_usd`, `max_usd` and the caps, and
    /// holds the money for all its calls.
    ///
    /// # Errors
    /// [`PolicyBlocked`](crate::Category::PolicyBlocked) with the figures, or [`Ledger`](crate::Category::Ledger).
    pub(super) async fn set_aside(
        context: &Context<'a>,
        orchestration: &PlannedOrchestration,
        task: &Prompt<Blind>,
    ) -> Result<Self, Error> {
        let calls = projected(context, orchestration, task)?;
        check(context, &calls)?;
        let worst_cases: Vec<_> = calls.iter().map(|call| call.worst_case.clone()).collect();
        let bookings = reserve(context, &worst_cases).await?;
        Ok(Self(calls.into_iter().map(|call| call.key).zip(bookings).collect()))
    }

    /// Removes and returns the booking of a call; `None` if the call was not foreseen.
    pub(super) fn take(&mut self, key: &CallKey) -> Option<Booking<'a>> {
        let index = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.swap_remove(index).1)
    }
}

/// A call that an orchestration may make, with the most that it may cost.
struct ProjectedCall {
    key: CallKey,
    preflight: Preflight,
    worst_case: WorstCase,
}

/// Returns every call that an orchestration may make, with the most that each may cost.
fn projected(
    context: &Context<'_>,
    orchestration: &PlannedOrchestration,
    task: &Prompt<Blind>,
) -> Result<Vec<ProjectedCall>, Error> {
    let outputs: Vec<StepOutput> = (1..).zip(&orchestration.steps).map(empty_output).collect();
    let nothing = Completion::text("").model_text();
    let project = |call: ForeseenCall<'_>| {
        let reasons = (call.round > 1).then_some(&nothing);
        let view = View { task, outputs: &outputs, reasons };
        let ask = match call.again {
            true => prompt::ask_again(orchestration.verdict),
            false => prompt::ask(orchestration.verdict),
        };
        let shown = prompt::build(&orchestration.workflow, call.step, view, Some(ask), || 0)?;
        let tokens = orchestration.tokens_of_earlier_outputs(call);
        let step = call.step.name().to_owned();
        let key = CallKey { round: call.round, step, again: call.again };
        Ok(projection(context, &call.step.planned, &shown.prompt, tokens, key))
    };
    orchestration.foreseen_calls().map(project).collect()
}

/// Returns the output of a step that has not run: an empty text.
fn empty_output((position, step): (u32, &PlannedStep)) -> StepOutput {
    let (step, role) = (step.name().to_owned(), step.role());
    StepOutput { step, role, position, text: Completion::text("").model_text() }
}

/// Returns a call with the most that it may cost, if earlier outputs add `tokens_to_come` to its
/// prompt.
fn projection(
    context: &Context<'_>,
    planned: &PlannedTarget,
    prompt: &Prompt,
    tokens_to_come: u64,
    key: CallKey,
) -> ProjectedCall {
    let rules = context.policy.preflight();
    let estimated = rules.estimated_tokens(prompt.characters()).saturating_add(tokens_to_come);
    let preflight = rules.estimate_of(estimated, planned.max_tokens, planned.facts.as_deref());
    let bound = prompt.token_bound().saturating_add(tokens_to_come);
    ProjectedCall { key, preflight, worst_case: WorstCase::of(planned, bound) }
}

/// Checks an orchestration's price against the kill switches, and each call's against `block_usd`.
/// Every call is checked first, because the earlier steps would be paid for in vain if a later one
/// were refused.
fn check(context: &Context<'_>, calls: &[ProjectedCall]) -> Result<(), Error> {
    let total = NanoUsd::total(calls.iter().map(|call| call.preflight.estimated_max_cost_usd));
    if let Some(error) = switched_off("the orchestration", context.policy.switches(), total) {
        return Err(error);
    }
    let blocked = calls.iter().find(|call| call.preflight.action == PreflightAction::Block);
    match blocked {
        Some(ProjectedCall { key, preflight, worst_case }) => {
            let (step, target) = (&key.step, &worst_case.target);
            let why = preflight.reason.as_deref().unwrap_or("the price is too high");
            let message = format!("step `{step}` at {target} is refused: {why}");
            let hint = context.advice.below_block(None);
            Err(Error::blocked(BlockedBy::Price, message).with_hint(hint))
        }
        None => Ok(()),
    }
}
