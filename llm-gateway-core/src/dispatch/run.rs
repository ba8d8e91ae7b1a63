//! The second phase of a call: attempts are made until one is answered, or another would be
//! useless.
//!
//! The source shows the steps of an attempt in the order in which they happen. Each attempt sends
//! the same bytes and has a hold of its own. Everything that must be returned whatever happens (the
//! permits of limiter and breaker, the booking) is a guard, so the future may be dropped at any
//! point.

use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::credential::AttemptLeases;
use crate::error::Error;
use crate::event::Event;
use crate::model::{Completion, Target, Usage};
use crate::observe::Observation;
use crate::policy::Preflight;
use crate::reliability::{BreakerPermit, LimiterPermit};

use super::Context;
use super::attempt::Attempt;
use super::attempt_failure::AttemptFailure;
use super::booking::Booking;
use super::cost::{self, Cost};
use super::keys::TriedKeys;
use super::listening::Outlets;
use super::next_step::{NextStep, next_step};
use super::prepare::PreparedCall;
use super::reasons::{breaker_open, limit_exceeded};
use super::refusal::{Reach, Refusal};
use super::time_share::{AttemptEnded, CutReason, TimeShare};
use super::under_way::UnderWay;

/// An answer, with its cost and its price check.
pub(crate) struct AnsweredAttempt {
    pub(crate) target: Target,
    pub(crate) completion: Completion,
    pub(crate) cost: Cost,
    pub(crate) preflight: Preflight,
}

/// Makes attempts until one is answered, or another would be useless. Every attempt is added to
/// `attempts`, and its bytes and its text to `outlets`. The first attempt uses `booking` if its
/// money is set aside already.
pub(super) async fn run<'a>(
    context: &Context<'a>,
    mut call: PreparedCall,
    mut booking: Option<Booking<'a>>,
    outlets: &Outlets<'_>,
    attempts: &mut Vec<Attempt>,
) -> Result<AnsweredAttempt, Refusal> {
    let target = &call.planned.target.clone();
    let (mut retries, mut waited, mut last) = (0, Duration::ZERO, None);
    let (mut share, mut keys) = (TimeShare::new(call.has_next), TriedKeys::default());
    let mut is_anew = false;
    loop {
        let entered = begin(context, &call, share, booking.take(), waited).await;
        if retries == 0 && !is_anew && entered.guards.is_ok() {
            context.targets.first_try(target, Instant::now());
        }
        let failure = match attempt(context, &call, share, entered, outlets, &keys, attempts).await
        {
            Ok(answered) => {
                outlets.rest_of(context, &answered.completion).await;
                return Ok(answered);
            }
            Err(failure) => failure.of_retry(last),
        };
        if outlets.is_committed() {
            return Err(call.refused(failure.error, Reach::Request));
        }
        if !is_anew && failure.error.refuses_form() && call.prepare_anew() {
            (is_anew, waited, last) = (true, Duration::ZERO, Some(failure.error));
            continue;
        }
        share.failed(context.deadline, Instant::now());
        waited = match next_step(context, target, share, &failure, retries) {
            NextStep::SameAgain { wait } => match pause(context, target, wait).await {
                Ok(()) => wait,
                Err(error) => return Err(call.refused(error, Reach::Target)),
            },
            NextStep::OtherKey { id } => {
                keys.choose(id, failure.key);
                Duration::ZERO
            }
            NextStep::NextTarget => return Err(call.refused(failure.error, failure.reach)),
        };
        (retries, last) = (retries + 1, Some(failure.error));
    }
}

/// Waits before the same target is asked again.
///
/// # Errors
/// The error of a request that was stopped meanwhile.
async fn pause(context: &Context<'_>, target: &Target, wait: Duration) -> Result<(), Error> {
    context.events.send(Event::Waiting { target: target.clone(), wait });
    let waited = context.unless_stopped(sleep(wait)).await;
    waited.map_err(|ended| context.unanswered_by(ended, target))
}

/// Makes one attempt.
async fn attempt(
    context: &Context<'_>,
    call: &PreparedCall,
    share: TimeShare,
    entered: EnteredAttempt<'_>,
    outlets: &Outlets<'_>,
    keys: &TriedKeys,
    attempts: &mut Vec<Attempt>,
) -> Result<AnsweredAttempt, AttemptFailure> {
    let target = &call.planned.target;
    let EnteredAttempt { waited, guards } = entered;
    let Guards { limiter_permit, breaker_permit, mut booking } = guards.inspect_err(|failure| {
        let category = failure.error.category();
        attempts.push(Attempt::refused(target, category).after(waited));
    })?;

    let number = attempts.iter().filter(|tried| tried.target == *target).count() + 1;
    context.events.send(Event::Attempt { target: target.clone(), number });
    let sent = send(context, call, share, &mut booking, outlets, keys).await;
    let SentAttempt { result, latency, at: sent_at, is_informative, key } = sent;
    let failed = result.as_ref().err();
    let other_key = failed.and_then(|error| keys.other(context, target, error, key.as_deref()));
    match is_informative {
        true => report(breaker_permit, &result, other_key.as_deref()),
        false => drop(breaker_permit),
    }
    drop(limiter_permit);

    match result {
        Ok(completion) => {
            let cost = cost::of(context.policy, call, &completion, booking.reserved());
            let settlement = booking.settle(context, cost.amount, cost.basis).await;
            let tried = Attempt::answered(target, latency, outlets.recorder.last_status());
            let tried = tried.after(waited).sent_at(sent_at).booked(settlement);
            log(context, attempts, tried, completion.usage);
            let (target, preflight) = (target.clone(), call.preflight.clone());
            Ok(AnsweredAttempt { target, completion, cost, preflight })
        }
        Err(error) => {
            let settlement = booking.fail(context, call, &error).await;
            let tried = Attempt::failed(target, latency, &error);
            let tried = tried.after(waited).sent_at(sent_at).booked(settlement);
            log(context, attempts, tried, error.usage().copied());
            Err(AttemptFailure { key, other_key, ..AttemptFailure::after(error) })
        }
    }
}

/// The result of a request that was sent.
struct SentAttempt {
    result: Result<Completion, Error>,
    latency: Duration,
    /// The recorder's number of the moment at which the request was sent; `None` if nothing was
    /// sent.
    at: Option<u64>,
    /// Whether the result shows anything about the provider.
    is_informative: bool,
    /// The id of the key that was leased for the attempt, if one was.
    key: Option<String>,
}

/// Sends the request of an attempt, and waits for its answer until the attempt must end.
async fn send(
    context: &Context<'_>,
    call: &PreparedCall,
    share: TimeShare,
    booking: &mut Booking<'_>,
    outlets: &Outlets<'_>,
    keys: &TriedKeys,
) -> SentAttempt {
    let target = &call.planned.target;
    let Outlets { recorder, progress, .. } = outlets;
    let (started, before) = (Instant::now(), recorder.last_sent());
    let waited_before = progress.waited_here();
    let mut leases = context.credentials.map(|source| AttemptLeases::new(source, target));
    let answered = {
        let _watched = UnderWay::new(booking, progress);
        let sent = async {
            let sending = keys.lease(context, target, outlets, leases.as_mut()).await;
            call.provider.send_with(&call.prepared, &sending).await
        };
        share.in_time(context, progress, sent).await
    };
    let latency = started.elapsed();
    let is_informative = match answered {
        Ok(_) => true,
        Err(ended) => {
            // What this process waited for is not the provider's time.
            let waited = progress.waited_here().saturating_sub(waited_before);
            let took = latency.saturating_sub(waited);
            was_given_time(context, target, ended, took)
        }
    };
    // Errors were classified when they were decoded; from here on only the category decides.
    let result = answered.unwrap_or_else(|ended| Err(context.ended_attempt(ended, target)));
    let result = result.map_err(|error| match progress.may_have_sent() {
        true => error,
        false => error.with_nothing_sent(),
    });
    let at = recorder.last_sent().filter(|sent| Some(*sent) != before);
    let key = leases.as_ref().and_then(|leases| leases.id(context.key_variable(target)?));
    let key = key.map(str::to_owned);
    if let Some(leases) = leases {
        leases.ended(&result);
    }
    SentAttempt { result, latency, at, is_informative, key }
}

/// Adds an attempt to the log, and tells the observer of it. Warns if it cost more than was set
/// aside for it.
fn log(context: &Context<'_>, attempts: &mut Vec<Attempt>, attempt: Attempt, usage: Option<Usage>) {
    if let Some(observer) = context.observer {
        observer.tell(Observation::AttemptEnded(&attempt.end(usage)));
    }
    if attempt.is_above_hold() {
        let Attempt { target, cost, reserved, .. } = &attempt;
        tracing::warn!(%target, ?cost, ?reserved, "a call cost more than was set aside for it");
    }
    attempts.push(attempt);
}

/// The start of an attempt: its guards, or the failure to get them, and the time waited for them.
struct EnteredAttempt<'a> {
    guards: Result<Guards<'a>, AttemptFailure>,
    /// Time waited, including the wait before a retry.
    waited: Duration,
}

/// The guards that an attempt holds while it is under way.
struct Guards<'a> {
    limiter_permit: Option<LimiterPermit>,
    breaker_permit: BreakerPermit,
    booking: Booking<'a>,
}

/// Waits for everything that an attempt needs before its first byte is sent.
async fn begin<'a>(
    context: &Context<'a>,
    call: &PreparedCall,
    share: TimeShare,
    booking: Option<Booking<'a>>,
    waited: Duration,
) -> EnteredAttempt<'a> {
    let queued = Instant::now();
    let guards = acquire(context, call, share, booking).await;
    EnteredAttempt { guards, waited: waited + queued.elapsed() }
}

/// Acquires the limiter's permit, the breaker's permit and the booking, in this order.
async fn acquire<'a>(
    context: &Context<'a>,
    call: &PreparedCall,
    share: TimeShare,
    booking: Option<Booking<'a>>,
) -> Result<Guards<'a>, AttemptFailure> {
    let target = &call.planned.target;
    let refused = |wait| AttemptFailure::before(breaker_open(context, target, wait));
    let unanswered = |ended| AttemptFailure::before(context.unanswered_by(ended, target));
    // The breaker is looked at first, so that a call that it refuses neither waits in line nor uses
    // up a rate.
    if let Some(wait) = context.targets.refusal(target, Instant::now()) {
        return Err(refused(wait));
    }
    let limiter_permit = match context.limiters.get(&target.provider) {
        Some(limiter) => {
            let until = share.for_room(context.deadline, Instant::now());
            let admitted = told_if_queued(context, target, limiter.admit(call.tokens(), until));
            let admitted = context.unless_stopped(admitted).await.map_err(unanswered)?;
            Some(
                admitted
                    .map_err(|why| AttemptFailure::before(limit_exceeded(context, call, why)))?,
            )
        }
        None => None,
    };
    let rules = context.breaker_rules();
    let breaker_permit = context.targets.admit(target, rules, Instant::now()).map_err(refused)?;
    let booking = match booking {
        Some(booking) => booking,
        None => {
            Booking::open(context, &call.worst_case()).await.map_err(AttemptFailure::unbooked)?
        }
    };
    match context.ended(Instant::now()) {
        Some(ended) => Err(unanswered(ended)),
        None => Ok(Guards { limiter_permit, breaker_permit, booking }),
    }
}

/// Waits until a limiter lets a call in. A call that must wait in line for it is told of.
async fn told_if_queued<T>(
    context: &Context<'_>,
    target: &Target,
    admitted: impl Future<Output = T>,
) -> T {
    let mut admitted = pin!(admitted);
    tokio::select! {
        biased;
        admitted = &mut admitted => return admitted,
        () = ready(()) => {}
    }
    context.events.send(Event::Queued { target: target.clone() });
    admitted.await
}

/// Reports the end of an attempt to the breaker. A failure that shows nothing about the provider
/// only returns the permit, and so does one that is about the key while there is an `other_key`.
fn report(permit: BreakerPermit, result: &Result<Completion, Error>, other_key: Option<&str>) {
    let now = Instant::now();
    match result {
        Ok(_) => permit.succeeded(now),
        Err(error) if error.counts_for_breaker() && other_key.is_none() => {
            permit.failed(error.retry_after(), now);
        }
        Err(_) => drop(permit),
    }
}

/// The shortest time after which a connect that is cut off counts against the provider. Even a far
/// host answers within two or three round trips.
const FAIR_CONNECT: Duration = Duration::from_secs(1);

/// Returns whether an attempt that the request's own time limit cut off had lasted long enough to
/// count against the provider: half of the silence that the policy allows it, or time enough to
/// connect. A caller in a hurry must not open the breaker of a slow model for everybody.
fn was_given_time(
    context: &Context<'_>,
    target: &Target,
    ended: AttemptEnded,
    took: Duration,
) -> bool {
    if let AttemptEnded::Attempt(CutReason::Unconnected { .. }) = ended {
        return took >= FAIR_CONNECT;
    }
    let spec = context.policy.providers().get(&target.provider);
    spec.is_none_or(|spec| took >= spec.endpoint.idle_timeout / 2)
}
