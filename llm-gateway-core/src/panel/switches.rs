//! Decides whether the kill switches allow a panel as a whole, before anything is sent.

use crate::dispatch::{Context, PreparedCall, Reach, Refusal, switched_off};
use crate::error::Error;
use crate::model::NanoUsd;

/// Checks the sum of all members' estimates against the kill switches, and returns the members.
///
/// # Errors
/// [`PolicyBlocked`](crate::Category::PolicyBlocked) with the figures, or the error of a member that ends the request.
pub(super) fn check(
    context: &Context<'_>,
    mut prepared: Vec<Result<PreparedCall, Refusal>>,
) -> Result<Vec<Result<PreparedCall, Refusal>>, Error> {
    let ends = |call: &Result<PreparedCall, Refusal>| matches!(call, Err(it) if it.reach == Reach::Request);
    if let Some(index) = prepared.iter().position(ends)
        && let Err(refusal) = prepared.swap_remove(index)
    {
        return Err(refusal.error);
    }
    let calls = prepared.iter().filter_map(|call| call.as_ref().ok());
    let estimate = NanoUsd::total(calls.map(|call| call.preflight().estimated_max_cost_usd));
    let what = format_args!("the panel `{}`", context.task_class);
    match switched_off(what, context.policy.switches(), estimate) {
        Some(error) => Err(error),
        None => Ok(prepared),
    }
}
