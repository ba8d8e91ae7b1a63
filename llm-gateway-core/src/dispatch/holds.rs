//! The holds of attempts before they are sent: in the allowance of the request, in the session and
//! at the ledger. Each sets money aside for all attempts that it is given, or for none.

use tokio::sync::MutexGuard;

use crate::error::{BlockedBy, Category, Error};
use crate::ledger::{
    Cap, CapRefusal, Day, Hold, HoldRequest, Ledger, Per, PeriodSpend, ReserveError, Reserved,
    Scope, ScopeTotal, SpendBy, asked,
};
use crate::model::NanoUsd;
use crate::policy::price_hint;

use super::Context;
use super::allowance::AllowanceHold;
use super::caps_left::CapsShare;
use super::prepare::WorstCase;
use super::reasons::{allowance_exceeded, cap_exceeded};
use super::refusal::Reach;
use super::session::SessionHold;
use super::taken::TakenAmount;

/// The hold of an attempt at the ledger.
pub(super) enum LedgerHold {
    /// The worst case is set aside.
    Held(Hold),
    /// Nothing is set aside, because the price is unknown and no cap is set. The call is counted.
    Unpriced(Hold),
    /// Nothing is set aside, because the ledger cannot be used. No cap is set, so the call may go
    /// on.
    Unrecorded,
    /// Nothing is set aside, because there is no ledger.
    Uncounted,
}

/// The error of money that could not be set aside.
pub(super) struct BookingError {
    pub(super) error: Error,
    /// The targets for which the refusal holds.
    pub(super) reach: Reach,
    /// Whether the allowance of the request refused, and not the session or the ledger.
    pub(super) is_outspent: bool,
}

impl BookingError {
    /// Creates the error of money that is refused to one target; another target may still be asked.
    pub(super) fn new(error: impl Into<Error>) -> Self {
        Self { error: error.into(), reach: Reach::Target, is_outspent: false }
    }

    /// Creates the error of money that is refused to the whole request.
    pub(super) fn ending(error: impl Into<Error>) -> Self {
        Self { reach: Reach::Request, ..Self::new(error) }
    }
}

impl BookingError {
    /// Adds to the refusal by a cap of the day or the month that the session has no room either:
    /// who waits, or raises that cap, must not be refused again.
    fn and_by_session(self, session: &CapRefusal) -> Self {
        let hint = self.error.hint().unwrap_or_default();
        let hint =
            format!("{hint}; start a new process too, because the {} has no room", session.cap);
        Self { error: self.error.with_hint(hint), ..self }
    }
}

/// Takes the worst cases out of the allowance, if there is one. With an allowance, a call whose
/// price is unknown is refused.
pub(super) fn allowance_holds<'a>(
    context: &Context<'a>,
    calls: &[WorstCase],
) -> Result<Vec<Option<AllowanceHold<'a>>>, BookingError> {
    let Some(allowance) = context.allowance else {
        return Ok(calls.iter().map(|_| None).collect());
    };
    let mut worst_cases = Vec::with_capacity(calls.len());
    for call in calls {
        let unknown = || BookingError::new(unknown_price(call, &format!("a {}", allowance.key())));
        worst_cases.push(call.amount.ok_or_else(unknown)?);
    }
    let holds = allowance.take(&worst_cases).map_err(|shortage| {
        let error = allowance_exceeded(context, allowance, shortage);
        BookingError { is_outspent: true, ..BookingError::new(error) }
    })?;
    Ok(holds.into_iter().map(Some).collect())
}

/// Returns the hold request of each call: for zero if its price is unknown.
///
/// # Errors
/// The refusal of a call that a cap limits and whose price is unknown.
pub(super) fn hold_requests(
    context: &Context<'_>,
    calls: &[WorstCase],
) -> Result<Vec<HoldRequest>, BookingError> {
    let (spending, class) = (context.policy.spending(), context.task_class);
    let request = |call: &WorstCase| {
        let target = call.target.clone();
        if call.amount.is_none()
            && let Some(cap) = spending.caps_on(&target.provider, class).next()
        {
            return Err(BookingError::new(unknown_price(call, &format!("a {cap}"))));
        }
        Ok(HoldRequest::new(target, class.clone(), call.amount.unwrap_or_default()))
    };
    calls.iter().map(request).collect()
}

/// Waits for the turn of a reservation that a cap of the session and one of the ledger limit, and
/// returns its guard. Other reservations need none.
pub(super) async fn session_turn<'a>(
    context: &Context<'a>,
) -> Result<Option<MutexGuard<'a, ()>>, BookingError> {
    let spending = context.policy.spending();
    if spending.session_caps().is_empty() || !spending.needs_ledger() {
        return Ok(None);
    }
    let turn = context.in_time(context.session.turn()).await;
    turn.map(Some).map_err(|ended| BookingError::ending(context.unanswered(ended, "the ledger")))
}

/// Takes the worst cases out of the session.
pub(super) async fn session_holds<'a>(
    day: Day,
    context: &Context<'a>,
    requests: &[HoldRequest],
) -> Result<Vec<SessionHold<'a>>, BookingError> {
    let caps = context.policy.spending().session_caps();
    match context.session.take(requests, caps) {
        Ok(holds) => Ok(holds),
        Err(refused) => {
            // Who begins a new session, as told, must not be refused again. Every refusal by a day
            // or a month lasts longer than that of a session.
            let lasting = lasting_refusals(day, context, requests).await;
            Err(match CapRefusal::longest(lasting) {
                Some(lasting) => capped(context, lasting).and_by_session(&refused),
                None => capped(context, refused),
            })
        }
    }
}

/// Returns the amount that `cap` still allows; `None` if the ledger cannot be read in time.
pub(crate) async fn left_of(context: &Context<'_>, cap: &Cap) -> Option<NanoUsd> {
    if cap.per == Per::Session {
        return Some(context.session.left(cap));
    }
    spent_on(Day::of(context.clock.now()), context).await?.left(cap)
}

/// Returns what `day` and its month have cost. Returns `None` if there is no ledger, or if it
/// cannot be read in time.
async fn spent_on(day: Day, context: &Context<'_>) -> Option<PeriodSpend> {
    let spent = context.ledger?.spent(day.into(), SpendBy::Provider);
    context.in_time(spent).await.ok()?.ok()
}

/// Returns the refusals of the calls by caps of the day and the month, as far as the ledger can be
/// read in time. Nothing is set aside.
async fn lasting_refusals(
    day: Day,
    context: &Context<'_>,
    requests: &[HoldRequest],
) -> Vec<CapRefusal> {
    let spending = context.policy.spending();
    if !spending.needs_ledger() {
        return Vec::new();
    }
    let Some(spent) = spent_on(day, context).await else { return Vec::new() };
    let asked = asked(requests);
    let check = |cap: &Cap| cap.check(&spent.total_for(cap)?, *asked.get(&cap.scope)?).err();
    spending.ledger_caps().iter().filter_map(check).collect()
}

/// Sets aside the worst cases at the ledger, if there is one. Each hold comes with the guard by
/// which the run knows what its caps leave.
pub(super) async fn ledger_holds<'a>(
    day: Day,
    context: &Context<'a>,
    calls: &[WorstCase],
    requests: &[HoldRequest],
) -> Result<Vec<(LedgerHold, TakenAmount<CapsShare<'a>>)>, BookingError> {
    let caps = context.policy.spending().ledger_caps();
    let (holds, totals) = match context.ledger {
        Some(ledger) => held_by(ledger, day, context, calls, requests).await?,
        None => (calls.iter().map(|_| LedgerHold::Uncounted).collect(), Vec::new()),
    };
    let shares = context.caps_left.reserved(day, caps, &totals, requests);
    Ok(holds.into_iter().zip(shares).collect())
}

/// Sets aside the worst cases at `ledger`, and returns the totals that the caps limit with the
/// holds.
async fn held_by(
    ledger: &dyn Ledger,
    day: Day,
    context: &Context<'_>,
    calls: &[WorstCase],
    requests: &[HoldRequest],
) -> Result<(Vec<LedgerHold>, Vec<ScopeTotal>), BookingError> {
    let caps = context.policy.spending().ledger_caps();
    let reserved = ledger.reserve(day, requests, caps);
    match context.in_time(reserved).await {
        Ok(Ok(Reserved { holds, totals })) if holds.len() == requests.len() => {
            let held = |(hold, call): (Hold, &WorstCase)| match call.amount {
                Some(_) => LedgerHold::Held(hold),
                None => LedgerHold::Unpriced(hold),
            };
            Ok((holds.into_iter().zip(calls).map(held).collect(), totals))
        }
        Ok(Ok(Reserved { holds, .. })) => {
            let (given, asked) = (holds.len(), requests.len());
            let message = format!("the ledger gave {given} holds for {asked} calls");
            Err(BookingError::ending(Error::new(Category::Ledger, message)))
        }
        Ok(Err(ReserveError::Refused(refused))) => Err(capped(context, refused)),
        // With a cap no call is made without a hold.
        Ok(Err(ReserveError::Unusable(unusable))) if !caps.is_empty() => {
            Err(BookingError::ending(unusable))
        }
        Ok(Err(ReserveError::Unusable(unusable))) => {
            tracing::warn!(%unusable, "what is spent is not recorded");
            Ok((calls.iter().map(|_| LedgerHold::Unrecorded).collect(), Vec::new()))
        }
        Err(ended) => Err(BookingError::ending(context.unanswered(ended, "the ledger"))),
    }
}

/// Creates the error of calls that a cap refuses. Only a cap on everything ends the request: a call
/// to another provider, or a cheaper one, may have room under the others.
fn capped(context: &Context<'_>, refused: CapRefusal) -> BookingError {
    context.caps_left.refused(context.policy.spending().ledger_caps(), &refused);
    let reach = match refused.cap.scope {
        Scope::Total => Reach::Request,
        Scope::Provider(_) | Scope::Class(_) => Reach::Target,
    };
    BookingError { reach, ..BookingError::new(cap_exceeded(context, refused)) }
}

/// Creates the error of a call without a known price, where the limit `a_bound` is set.
fn unknown_price(call: &WorstCase, a_bound: &str) -> Error {
    let target = &call.target;
    let message = format!("{target} has no known price, and {a_bound} is set");
    Error::blocked(BlockedBy::Price, message).with_hint(price_hint(&target.provider))
}
