//! Decides whether the kill switches allow a panel as a whole, before anything is sent.

use crate::dispatch::{Context, PreparedCall, Reach, Refusal};
use crate::error::{BlockedBy, Error};
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
    let estimate = sum(calls.map(|call| call.preflight().estimated_max_cost_usd));
    match context.policy.switches().refuses_cost(estimate) {
        Some(why) => {
            let message = format!("the panel `{}` is refused: {why}", context.task_class);
            Err(Error::blocked(BlockedBy::Switch, message)
                .with_hint("take the variable out of the gateway's environment to allow the call"))
        }
        None => Ok(prepared),
    }
}

/// Returns the sum of the amounts, or `None` if one amount is unknown.
fn sum(mut amounts: impl Iterator<Item = Option<NanoUsd>>) -> Option<NanoUsd> {
    amounts.try_fold(NanoUsd::ZERO, |sum, amount| Some(sum.saturating_add(amount?)))
}
