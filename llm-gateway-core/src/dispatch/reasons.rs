//! The errors of targets that give no answer, and the choice of the most informative one.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{BlockedBy, Category, Error};
use crate::ledger::{CapRefusal, Per};
use crate::model::Target;
use crate::policy::Policy;
use crate::reliability::Overload;

use super::Context;
use super::allowance::{Allowance, Shortage};
use super::prepare::PreparedCall;
use super::refusal::Refusal;

/// Writes a time in seconds, to the millisecond.
pub(super) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

/// Returns the hint for a chain in which every target lacks its key: setting one of the keys is
/// enough.
pub(super) fn one_key_hint(policy: &Policy, refusals: &[Refusal]) -> Option<String> {
    let no_key = |refusal: &Refusal| refusal.error.category() == Category::MissingKey;
    if refusals.len() < 2 || !refusals.iter().all(no_key) {
        return None;
    }
    let variable = |refusal: &Refusal| {
        let endpoint = &policy.providers().get(&refusal.target.provider)?.endpoint;
        Some(endpoint.variables().join(" and ")).filter(|variables| !variables.is_empty())
    };
    // Two providers can have one variable, which is named once.
    let mut variables: Vec<String> = Vec::new();
    for named in refusals.iter().filter_map(variable) {
        if !variables.contains(&named) {
            variables.push(named);
        }
    }
    Some(format!("one key is enough: set {}", variables.join(" or ")))
}

/// Returns the refusal that explains best why a chain has no answer: the last one by a provider
/// that was asked, else the first. The missing key of a fallback explains little if the model
/// before it was down.
pub(super) fn most_informative(mut refusals: Vec<Refusal>) -> Refusal {
    let asked = |refusal: &Refusal| {
        !matches!(
            refusal.error.category(),
            Category::MissingKey | Category::PolicyBlocked | Category::BreakerOpen
        )
    };
    let index = refusals.iter().rposition(asked).unwrap_or(0);
    refusals.swap_remove(index)
}

/// Returns the shortest time after which one of the refused targets may be asked again: after the
/// time that the provider asked to wait, and not before its breaker lets a call through.
pub(super) fn shortest_wait(context: &Context<'_>, refusals: &[Refusal]) -> Option<Duration> {
    let now = Instant::now();
    let back = |refusal: &Refusal| {
        refusal.error.retry_after().max(context.targets.refusal(&refusal.target, now))
    };
    refusals.iter().filter_map(back).min()
}

/// Creates the error of a request whose deadline passed before `who` answered.
pub(super) fn deadline_passed(context: &Context<'_>, who: &str) -> Error {
    let seconds = context.deadline.given.as_secs_f64();
    let message = format!("{who} had not answered at the deadline of {seconds} s");
    let hint = match context.deadline.is_callers {
        true => "set a longer `deadline`, or leave it to the policy",
        false => context.advice.more_time(),
    };
    Error::new(Category::Timeout, message).with_hint(hint)
}

/// Creates the error of a call for which the allowance of the request has no room.
pub(super) fn allowance_exceeded(
    context: &Context<'_>,
    allowance: &Allowance,
    shortage: Shortage,
) -> Error {
    let class = context.task_class;
    let (key, limit) = (allowance.key(), allowance.limit());
    let Shortage { asked, left } = shortage;
    let message = match left == limit {
        true => format!("`{class}` may cost up to {asked}, above its {key} of {limit}"),
        false => format!(
            "`{class}` may cost another {asked}, and of its {key} of {limit} only {left} is left"
        ),
    };
    Error::blocked(BlockedBy::MaxUsd, message).with_hint(context.advice.below(key))
}

/// Creates the error of calls for which a cap has no room, with the setting that would make some.
pub(super) fn cap_exceeded(context: &Context<'_>, refused: CapRefusal) -> Error {
    let setting = context.policy.spending().setting_of(&refused.cap);
    let advice = match refused.resets_at() {
        _ if refused.is_above_limit() => {
            context.advice.below_cap(&setting, Some("name a cheaper model in the policy"))
        }
        // What a session holds no command can show, because a command is a session of its own.
        None => context.advice.below_cap(&setting, Some("start a new process")),
        Some(moment) => {
            let day = if refused.cap.per == Per::Day { " --day" } else { "" };
            let look = format!("see `llm-gateway spend{day}` for what is held");
            let look = refused.has_calls_under_way().then_some(look);
            let ways = context.advice.below_cap(&setting, look.as_deref());
            format!("wait until {moment}, {ways}")
        }
    };
    let advice = match refused.fits_without_calls_under_way() {
        true => format!("wait until calls under way have ended, or {advice}"),
        false => advice,
    };
    let hint = refused.hint(&advice);
    Error::from(refused).with_hint(hint)
}

/// Creates the error of a target whose circuit breaker is open for another `wait`.
pub(super) fn breaker_open(context: &Context<'_>, target: &Target, wait: Duration) -> Error {
    let failures = context.targets.breaker(target).consecutive_failures();
    let message = format!(
        "{target} is not asked now: it failed {failures} times in a row, and its circuit breaker is open"
    );
    let seconds = wait.as_secs_f64().ceil();
    Error::new(Category::BreakerOpen, message)
        .with_target(target.clone())
        .with_retry_after(wait)
        .with_nothing_sent()
        .with_unfinished_hint(format!("try again in {seconds} s"))
}

/// Creates the error of a call for which the policy's limits on the provider leave no room.
pub(super) fn limit_exceeded(context: &Context<'_>, call: &PreparedCall, why: Overload) -> Error {
    let target = &call.planned.target;
    let provider = &target.provider;
    let limits = format!("providers.{provider}.limits");
    let error = |message| {
        let error = Error::new(Category::RateLimit, message).with_nothing_sent();
        error.with_target(target.clone())
    };
    match why {
        Overload::TooLarge { limit } => {
            let tokens = call.tokens();
            error(format!("{target} may take up to {tokens} tokens for this, and {limits} allows {limit} in a minute"))
                .with_hint(context.advice.below_rate())
        }
        Overload::TooLate { wait } => {
            let given = context.deadline.given.as_secs_f64();
            let error = error(format!("{limits} leaves no room within the deadline of {given} s"))
                .with_unfinished_hint("try again later, raise the limit");
            match wait {
                Some(wait) => error.with_retry_after(wait),
                None => error,
            }
        }
    }
}
