//! The way of every call: one chain of targets to one outcome.
//!
//! There are two phases. [`prepare()`] is pure: it checks the price against the policy and fixes
//! the bytes. [`run()`] does the rest, and its source shows the steps in the order in which they
//! happen. The order has a meaning, so it is not assembled from a stack of layers.
//!
//! This room decides whether an attempt may begin, whether it is tried again, and which target
//! comes next. The room `reliability` decides what a category of failure leads to.
//!
//! Dropping the future at any point closes the connection, and every guard returns what it holds.

mod advice;
mod allowance;
mod attempt;
mod attempt_failure;
mod booking;
mod cached;
mod caps_left;
mod context_floor;
mod cost;
mod course;
mod holds;
mod keys;
mod listening;
mod next_step;
mod partial_text;
mod prepare;
mod readiness;
mod reasons;
mod refusal;
mod run;
mod session;
mod taken;
mod time_share;
mod under_way;
mod until;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use crate::cache::AnswerCache;
use crate::clock::Clock;
use crate::credential::CredentialSource;
use crate::error::Category;
use crate::event::{Event, EventSender};
use crate::ledger::Ledger;
use crate::model::{Prompt, ProviderName, TaskClass};
use crate::observe::RunObserver;
use crate::policy::{PlannedTarget, Policy};
use crate::provider::Provider;
use crate::random::Random;
use crate::reliability::{BreakerRules, Deadline, Limiter, RetryRules, Targets};
use crate::stop::Stop;
use crate::stream::ContentSink;
use crate::transport::Scrubber;

use context_floor::ContextFloor;
use listening::Outlets;
use reasons::{most_informative, one_key_hint, shortest_wait};
use run::run;
use until::EndReason;

pub(crate) use advice::Advice;
pub(crate) use allowance::Allowance;
pub use attempt::{Attempt, AttemptOutcome};
pub(crate) use attempt::{all_recorded, total_basis, total_cost};
pub(crate) use booking::{Booking, reserve};
pub(crate) use caps_left::CapsLeft;
pub use cost::Cost;
pub(crate) use course::{Course, run_alone};
pub(crate) use holds::left_of;
pub use partial_text::PartialText;
pub(crate) use prepare::{PreparedCall, WorstCase, prepare};
pub(crate) use refusal::{Reach, Refusal, switched_off};
pub(crate) use run::AnsweredAttempt;
pub(crate) use session::Session;

/// The context of a call: the policy of the request, the ports, and the state that outlives a
/// request.
pub(crate) struct Context<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) providers: &'a BTreeMap<ProviderName, Arc<dyn Provider>>,
    /// The source of the keys; `None` if no key is needed, because answers are scripted.
    pub(crate) credentials: Option<&'a dyn CredentialSource>,
    pub(crate) events: &'a EventSender,
    /// The observer of the run, if the program has one.
    pub(crate) observer: Option<&'a RunObserver>,
    pub(crate) deadline: Deadline,
    /// Circuit breakers and retry budgets of the targets.
    pub(crate) targets: &'a Targets,
    /// One rate limiter for each provider.
    pub(crate) limiters: &'a BTreeMap<ProviderName, Arc<Limiter>>,
    pub(crate) random: &'a Random,
    /// The ledger; `None` if money is not counted. A hold belongs to the day in which it is made.
    pub(crate) ledger: Option<&'a dyn Ledger>,
    pub(crate) clock: &'a dyn Clock,
    /// What the calls under a cap per session have cost and hold since the gateway was built.
    pub(crate) session: &'a Session,
    /// What the caps of the day and the month leave, as far as this run has booked.
    pub(crate) caps_left: &'a CapsLeft,
    /// The most that all attempts may cost together, if the policy sets a limit. It applies without
    /// a ledger too.
    pub(crate) allowance: Option<&'a Allowance>,
    /// The handle by which the caller, or the gateway's shutdown, ends the request and keeps what
    /// exists.
    pub(crate) stop: &'a Stop,
    pub(crate) task_class: &'a TaskClass,
    /// The kind of request, by which a refusal words its advice.
    pub(crate) advice: Advice,
    /// Removes known keys from what is shown or kept of a call.
    pub(crate) scrubber: &'a Scrubber,
}

impl Context<'_> {
    /// Returns the policy's rules for retries.
    fn retry_rules(&self) -> RetryRules {
        let rules = self.policy.reliability();
        let (base_delay, max_delay) = (rules.base_delay, rules.max_delay);
        RetryRules { max_retries: rules.max_retries, base_delay, max_delay }
    }

    /// Returns the policy's rules for circuit breakers.
    fn breaker_rules(&self) -> BreakerRules {
        let rules = self.policy.reliability();
        BreakerRules { failure_threshold: rules.failure_threshold, cooldown: rules.cooldown }
    }
}

/// What only a task class of a single model may have. It stands beside the [`Context`], which
/// members of panels, steps of orchestrations and strong models have too, so that none of them can
/// reach it.
#[derive(Clone, Copy, Default)]
pub(crate) struct SingleOnly<'a> {
    /// Hears the text of the answer while it arrives; `None` if nobody does.
    pub(crate) content: Option<&'a ContentSink>,
    /// Keeps answers that need not be asked for again; `None` if nothing is kept.
    pub(crate) cache: Option<&'a dyn AnswerCache>,
}

/// Asks the targets of a chain in order until one answers. Every attempt is added to `attempts`.
///
/// # Errors
/// The error that says most about the chain; see [`most_informative`].
pub(crate) async fn dispatch(
    context: &Context<'_>,
    chain: &[PlannedTarget],
    prompt: &Prompt,
    single: SingleOnly<'_>,
    attempts: &mut Vec<Attempt>,
) -> Result<AnsweredAttempt, Refusal> {
    let mut refusals: Vec<Refusal> = Vec::new();
    let mut floor = ContextFloor::default();
    for (index, planned) in chain.iter().enumerate() {
        if !floor.allows(planned) {
            continue;
        }
        if let Some(refused) = refusals.last() {
            if context.is_stopped() {
                let error = context.unanswered_by(EndReason::Stopped, &planned.target);
                refusals.push(Refusal::new(planned.target.clone(), error, None));
                break;
            }
            let from = refused.target.clone();
            context.events.send(Event::Fallback { from, to: planned.target.clone() });
        }
        let later = chain.get(index + 1..).unwrap_or_default();
        let refusal = match ask(context, planned, later, prompt, single, attempts).await {
            Ok(answered) => return Ok(answered),
            Err(refusal) => refusal,
        };
        floor = floor.after(&refusal, planned, prompt);
        let goes_on = may_go_on(context, &refusal);
        refusals.push(refusal);
        if !goes_on {
            break;
        }
    }
    let any_key = one_key_hint(context.policy, &refusals);
    let shortest_wait = shortest_wait(context, &refusals);
    let partial = PartialText::best_of(refusals.iter_mut().filter_map(|it| it.partial.take()));
    let mut refusal = Refusal { partial, ..most_informative(refusals) };
    if let Some(hint) = any_key {
        refusal.error = refusal.error.with_hint(hint);
    }
    if let Some(wait) = shortest_wait {
        refusal.error = refusal.error.with_retry_after(wait);
    }
    Err(refusal)
}

/// Asks one target of a chain, which may leave time for the `later` ones.
async fn ask(
    context: &Context<'_>,
    planned: &PlannedTarget,
    later: &[PlannedTarget],
    prompt: &Prompt,
    single: SingleOnly<'_>,
    attempts: &mut Vec<Attempt>,
) -> Result<AnsweredAttempt, Refusal> {
    let call = prepare(context, planned, prompt).inspect_err(|refusal| {
        attempts.push(Attempt::refused(&planned.target, refusal.error.category()));
    })?;
    let has_next = later.iter().any(|next| context.is_ready(next, prompt));
    let call = PreparedCall { has_next, ..call };
    let outlets = Outlets::new(context.events, context.policy.preflight(), &planned.target);
    let outlets = outlets.with_content(single.content);
    if let Some(hit) = cached::cached(context, single.cache, &call).await {
        outlets.rest_of(context, &hit.completion).await;
        return Ok(hit);
    }
    let asked = single.cache.and_then(|cache| Some((cache, call.request()?.clone())));
    let answered = run(context, call, None, &outlets, attempts).await;
    let answered = answered.map_err(|refusal| outlets.refused(refusal))?;
    if let Some((cache, request)) = asked {
        cached::keep(context, cache, &request, &answered.completion).await;
    }
    Ok(answered)
}

/// Returns whether another target may be asked after a refusal. After a context that was too small
/// the chain goes on to the larger ones, if there are any.
fn may_go_on(context: &Context<'_>, refusal: &Refusal) -> bool {
    let is_too_long = refusal.error.category() == Category::ContextLength;
    refusal.reach == Reach::Target
        && (refusal.error.next_target() || is_too_long)
        && !context.deadline.has_passed(Instant::now())
}
