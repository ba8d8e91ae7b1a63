//! One chain of targets to one outcome: the way that every call takes.
//!
//! Two phases. [`prepare`] is pure: it holds the price against the policy and fixes the
//! bytes. [`run`] does the rest, and its steps stand in the order in which they happen;
//! that order is meaning, so there is no stack of layers to put it together from.
//!
//! Dropping the future at any point closes the connection and leaves nothing behind.

mod attempt;
mod booking;
mod cost;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::{Category, Error};
use crate::event::{Event, EventSender};
use crate::ledger::{Ledger, Month};
use crate::model::{Completion, NanoUsd, Prompt, ProviderName, Target, TaskClass};
use crate::policy::{PlannedTarget, Policy, Preflight, PreflightAction};
use crate::provider::{Call, Prepared, Provider};
use crate::reliability::Meaning;
use crate::transport::Recorder;

use booking::{Booking, Unbooked};

pub use attempt::{Attempt, AttemptOutcome};
pub use cost::Cost;

/// What dispatch works with: one policy, taken at the door, and what outlives a request.
pub(crate) struct Context<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) providers: &'a BTreeMap<ProviderName, Arc<dyn Provider>>,
    pub(crate) events: &'a EventSender,
    pub(crate) deadline: Deadline,
    /// Where money is counted, if it is, and in which month.
    pub(crate) ledger: Option<&'a dyn Ledger>,
    pub(crate) month: Month,
    pub(crate) task_class: &'a TaskClass,
}

/// When a request must have answered, and how long it was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) given: Duration,
}

/// A call whose price has passed and whose bytes are fixed.
pub(crate) struct PreparedCall {
    planned: PlannedTarget,
    prepared: Prepared,
    provider: Arc<dyn Provider>,
    preflight: Preflight,
}

impl PreparedCall {
    /// The most that one attempt can cost; `None` = the price is unknown.
    fn worst_case(&self) -> Option<NanoUsd> {
        let prices = self.planned.facts.as_ref()?.prices.as_ref()?;
        let call = &self.prepared.call;
        Some(prices.worst_case(call.prompt.token_bound(), call.max_tokens))
    }

    fn refused(self, error: Error, ends_request: bool) -> Refusal {
        let preflight = Some(Box::new(self.preflight));
        Refusal { target: self.planned.target, error, preflight, ends_request }
    }
}

/// An answer, and how it came about.
pub(crate) struct Answered {
    pub(crate) target: Target,
    pub(crate) completion: Completion,
    pub(crate) cost: Cost,
    pub(crate) preflight: Preflight,
    /// Whether the ledger has it; `None` where nothing is counted.
    pub(crate) spend_recorded: Option<bool>,
}

/// Asks the targets of a chain in order until one answers. Every try lands in `attempts`.
///
/// # Errors
/// The most telling error of the chain; see [`most_telling`].
pub(crate) async fn dispatch(
    context: &Context<'_>,
    chain: &[PlannedTarget],
    prompt: &Prompt,
    attempts: &mut Vec<Attempt>,
) -> Result<Answered, Refusal> {
    let mut refusals: Vec<Refusal> = Vec::new();
    for planned in chain {
        if let Some(refused) = refusals.last() {
            let from = refused.target.clone();
            context.events.send(Event::Fallback { from, to: planned.target.clone() });
        }
        let refusal = match prepare(context, planned, prompt) {
            Ok(call) => match run(context, call, attempts).await {
                Ok(answered) => return Ok(answered),
                Err(refusal) => refusal,
            },
            Err(refusal) => {
                attempts.push(Attempt::refused(&planned.target, refusal.error.category()));
                refusal
            }
        };
        let goes_on = !refusal.ends_request
            && Meaning::of(refusal.error.category()).next_target
            && Instant::now() < context.deadline.at;
        refusals.push(refusal);
        if !goes_on {
            break;
        }
    }
    let any_key = any_key_will_do(context.policy, &refusals);
    let mut refusal = most_telling(refusals);
    if let Some(hint) = any_key {
        refusal.error = refusal.error.with_hint(hint);
    }
    Err(refusal)
}

/// Why a target gave no answer.
pub(crate) struct Refusal {
    pub(crate) target: Target,
    pub(crate) error: Error,
    pub(crate) preflight: Option<Box<Preflight>>,
    /// No other target may be asked: a kill switch is on.
    ends_request: bool,
}

/// Holds the price against the policy and fixes the bytes. Pure: nothing leaves.
fn prepare(
    context: &Context<'_>,
    planned: &PlannedTarget,
    prompt: &Prompt,
) -> Result<PreparedCall, Refusal> {
    let target = &planned.target;
    let facts = planned.facts.as_deref();
    let preflight = context.policy.preflight().estimate(prompt, planned.max_tokens, facts);
    let refuse = |error: Error| Refusal {
        target: target.clone(),
        error: error.with_target(target.clone()),
        preflight: Some(Box::new(preflight.clone())),
        ends_request: false,
    };
    if let Some(why) = context.policy.switches().refuses(&preflight) {
        let message = format!("{target} is refused: {why}");
        let error = Error::new(Category::PolicyBlocked, message)
            .with_hint("take the variable out of the gateway's environment to allow the call");
        return Err(Refusal { ends_request: true, ..refuse(error) });
    }
    if preflight.action == PreflightAction::Block {
        return Err(refuse(too_dear(context.policy, planned, &preflight)));
    }
    let provider = context.providers.get(&target.provider).ok_or_else(|| {
        let message = format!("no adapter serves the provider `{}`", target.provider);
        refuse(Error::new(Category::Internal, message))
    })?;
    let call = Call {
        model: target.model.clone(),
        prompt: prompt.clone(),
        max_tokens: planned.max_tokens,
        capabilities: facts.map(|facts| facts.capabilities.clone()).unwrap_or_default(),
    };
    let prepared = provider.prepare(call).map_err(refuse)?;
    Ok(PreparedCall {
        planned: planned.clone(),
        prepared,
        provider: Arc::clone(provider),
        preflight,
    })
}

/// Runs a prepared call. Today that is one attempt; retries will loop here, over the same
/// bytes, each with a hold of its own.
async fn run(
    context: &Context<'_>,
    call: PreparedCall,
    attempts: &mut Vec<Attempt>,
) -> Result<Answered, Refusal> {
    let recorder = Recorder::new();
    let target = &call.planned.target;
    // Limiter and breaker permit are taken here, before the hold, each as a guard that gives
    // itself back when this future is dropped.
    let mut booking = match Booking::open(context, &call).await {
        Ok(booking) => booking,
        Err(Unbooked { error, ends_request }) => {
            attempts.push(Attempt::refused(target, error.category()));
            return Err(call.refused(error, ends_request));
        }
    };
    context.events.send(Event::Attempt { target: target.clone(), number: attempts.len() + 1 });
    let started = Instant::now();
    booking.sent();
    let sent = call.provider.send(&call.prepared, &recorder);
    let result = match timeout_at(context.deadline.at, sent).await {
        Ok(result) => result,
        Err(_) => Err(past_deadline(context.deadline, target)),
    };
    // Classified already, at decode: from here on only the category decides.
    let latency = started.elapsed();
    match result {
        Ok(completion) => {
            let cost = cost::of(context.policy, &call, &completion, booking.amount());
            let spend_recorded = booking.settle(cost.amount.unwrap_or_default(), cost.basis).await;
            let status = recorder.last_status();
            attempts.push(Attempt::answered(target, latency, status, cost.amount));
            let (target, preflight) = (target.clone(), call.preflight);
            Ok(Answered { target, completion, cost, preflight, spend_recorded })
        }
        Err(error) => {
            let cost = booking.fail(context, &call, &error).await;
            attempts.push(Attempt::failed(target, latency, &error, cost));
            Err(call.refused(error, false))
        }
    }
}

/// The hint of a chain in which no target has its key: any one of them would do.
fn any_key_will_do(policy: &Policy, refusals: &[Refusal]) -> Option<String> {
    let no_key = |refusal: &Refusal| refusal.error.category() == Category::MissingKey;
    if refusals.len() < 2 || !refusals.iter().all(no_key) {
        return None;
    }
    let variable = |refusal: &Refusal| {
        policy.providers().get(&refusal.target.provider)?.endpoint.api_key_env.as_deref()
    };
    let variables: Vec<_> = refusals.iter().filter_map(variable).collect();
    Some(format!("one key is enough: set {}", variables.join(" or ")))
}

/// The error that says most about a chain that gave no answer: the last one in which a
/// provider was really asked, else the first. That a fallback has no key says little when
/// the model before it was down.
fn most_telling(mut refusals: Vec<Refusal>) -> Refusal {
    let asked = |refusal: &Refusal| {
        !matches!(
            refusal.error.category(),
            Category::MissingKey | Category::PolicyBlocked | Category::BreakerOpen
        )
    };
    let index = refusals.iter().rposition(asked).unwrap_or(0);
    refusals.swap_remove(index)
}

fn past_deadline(deadline: Deadline, target: &Target) -> Error {
    let seconds = deadline.given.as_secs_f64();
    Error::new(
        Category::Timeout,
        format!("{target} had not answered at the deadline of {seconds} s"),
    )
    .with_target(target.clone())
    .with_hint("raise `deadline_s` of the task class, or of `reliability`, in the policy")
}

/// The refusal of preflight, with the bound that would pass.
fn too_dear(policy: &Policy, planned: &PlannedTarget, preflight: &Preflight) -> Error {
    let reason = preflight.reason.as_deref().unwrap_or("the price is too high");
    let error =
        Error::new(Category::PolicyBlocked, format!("{} is refused: {reason}", planned.target));
    match policy.preflight().fitting_output(preflight.tokens_in_estimated, planned.facts.as_deref())
    {
        Some(fits) if fits > 0 => error.with_hint(format!("ask with max_tokens of at most {fits}")),
        _ => error.with_hint("shorten the prompt, name a cheaper task class, or raise block_usd"),
    }
}
