//! The second phase: a prepared call is tried.

use tokio::time::{Instant, timeout_at};

use crate::event::Event;
use crate::model::{Completion, Target};
use crate::policy::Preflight;
use crate::transport::Recorder;

use super::Context;
use super::attempt::Attempt;
use super::booking::{Booking, Unbooked};
use super::cost::{self, Cost};
use super::prepare::PreparedCall;
use super::refusal::{Refusal, past_deadline};

/// An answer, and how it came about.
pub(crate) struct Answered {
    pub(crate) target: Target,
    pub(crate) completion: Completion,
    pub(crate) cost: Cost,
    pub(crate) preflight: Preflight,
    /// Whether the ledger has it; `None` where nothing is counted.
    pub(crate) spend_recorded: Option<bool>,
}

/// Runs a prepared call. Today that is one attempt; retries will loop here, over the same
/// bytes, each with a hold of its own.
pub(super) async fn run(
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
