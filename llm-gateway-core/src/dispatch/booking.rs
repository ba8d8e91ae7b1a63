//! The money of one attempt: set aside before it leaves, settled after it.

use tokio::time::timeout_at;

use crate::error::{Category, Error};
use crate::ledger::{Cap, Hold, HoldRequest, ReserveError, Scope};
use crate::model::{CostBasis, NanoUsd};
use crate::policy::Spending;

use super::prepare::PreparedCall;
use super::refusal::out_of_time;
use super::{Context, cost};

/// What the ledger has of an attempt. Dropped before the first byte left, it gives the money
/// back; after that, it is settled at the whole hold.
pub(super) enum Booking {
    /// Money is set aside.
    Held(Hold),
    /// It should be, and the ledger cannot be used. No cap is set, so the call may go on.
    Unrecorded,
    /// Nothing is counted: there is no ledger, or no price.
    Uncounted,
}

/// Why nothing was set aside.
pub(super) struct Unbooked {
    pub(super) error: Error,
    /// No other target can have the money either.
    pub(super) ends_request: bool,
}

impl Booking {
    /// Sets the worst case of a call aside.
    pub(super) async fn open(context: &Context<'_>, call: &PreparedCall) -> Result<Self, Unbooked> {
        let mut bookings = Self::open_all(context, &[call]).await?;
        Ok(bookings.pop().unwrap_or(Self::Uncounted))
    }

    /// Sets the worst cases of several calls aside, of all of them or of none. Gives one
    /// booking per call, in their order.
    pub(super) async fn open_all(
        context: &Context<'_>,
        calls: &[&PreparedCall],
    ) -> Result<Vec<Self>, Unbooked> {
        let Some(ledger) = context.ledger else {
            return Ok(calls.iter().map(|_| Self::Uncounted).collect());
        };
        let spending = context.policy.spending();
        let capped = |call: &&&PreparedCall| spending.caps(&call.planned.target.provider);
        if let Some(call) = calls.iter().find(|call| call.worst_case().is_none() && capped(call)) {
            return Err(unknown_price(call));
        }
        let requests: Vec<_> = calls.iter().filter_map(|call| hold_of(context, call)).collect();
        let caps = caps(spending);
        let reserved = ledger.reserve(context.month, &requests, &caps);
        match timeout_at(context.deadline.at, reserved).await {
            Ok(Ok(holds)) if holds.len() == requests.len() => {
                let mut holds = holds.into_iter();
                // A call without a price asked for nothing, and has no hold.
                let mut booking = |call: &&PreparedCall| {
                    let hold = call.worst_case().and_then(|_| holds.next());
                    hold.map_or(Self::Uncounted, Self::Held)
                };
                Ok(calls.iter().map(&mut booking).collect())
            }
            Ok(Ok(holds)) => {
                let (given, asked) = (holds.len(), requests.len());
                let message = format!("the ledger gave {given} holds for {asked} calls");
                Err(Unbooked { error: Error::new(Category::Ledger, message), ends_request: true })
            }
            Ok(Err(ReserveError::Refused(refused))) => {
                let ends_request = refused.scope == Scope::Total;
                Err(Unbooked { error: refused.into(), ends_request })
            }
            // Under a cap no call is made without a hold.
            Ok(Err(ReserveError::Unusable(unusable))) if spending.is_capped() => {
                Err(Unbooked { error: unusable.into(), ends_request: true })
            }
            Ok(Err(ReserveError::Unusable(unusable))) => {
                tracing::warn!(%unusable, "what is spent is not recorded");
                Ok(calls.iter().map(|_| Self::Unrecorded).collect())
            }
            Err(_) => {
                let error = out_of_time(context.deadline, "the ledger");
                Err(Unbooked { error, ends_request: true })
            }
        }
    }

    /// The first byte is about to leave.
    pub(super) fn sent(&mut self) {
        if let Self::Held(hold) = self {
            hold.sent();
        }
    }

    /// What is set aside.
    pub(super) fn amount(&self) -> Option<NanoUsd> {
        match self {
            Self::Held(hold) => Some(hold.amount()),
            Self::Unrecorded | Self::Uncounted => None,
        }
    }

    /// Replaces the hold by what the attempt cost. Gives whether that was recorded; `None`
    /// where nothing is counted.
    pub(super) async fn settle(self, cost: NanoUsd, basis: CostBasis) -> Option<bool> {
        match self {
            Self::Held(hold) => Some(hold.settle(cost, basis).await.is_ok()),
            Self::Unrecorded => Some(false),
            Self::Uncounted => None,
        }
    }

    /// Ends the hold of a failed attempt: at what was reported, at nothing where provably
    /// nothing was billed, else at the whole of it. Gives what it cost, if anybody knows.
    pub(super) async fn fail(
        self,
        context: &Context<'_>,
        call: &PreparedCall,
        error: &Error,
    ) -> Option<NanoUsd> {
        let known = cost::of_failure(context.policy, call, error);
        let cost = known.or(self.amount());
        let nothing_billed = known == Some(NanoUsd::ZERO) && error.usage().is_none();
        match self {
            Self::Held(hold) if nothing_billed => drop(hold.release().await),
            Self::Held(hold) => {
                let basis = if known.is_some() { CostBasis::Exact } else { CostBasis::Estimated };
                drop(hold.settle(cost.unwrap_or_default(), basis).await);
            }
            Self::Unrecorded | Self::Uncounted => {}
        }
        cost
    }
}

/// The caps of the policy in the words of the ledger, everything's first.
pub(crate) fn caps(spending: &Spending) -> Vec<Cap> {
    let total = spending.total_cap.map(|limit| Cap::new(Scope::Total, limit));
    let providers = spending.provider_caps.iter();
    let providers = providers.map(|(name, limit)| Cap::new(Scope::Provider(name.clone()), *limit));
    total.into_iter().chain(providers).collect()
}

/// What a call asks of the ledger; `None` where its price is unknown.
fn hold_of(context: &Context<'_>, call: &PreparedCall) -> Option<HoldRequest> {
    let (target, class) = (call.planned.target.clone(), context.task_class.clone());
    Some(HoldRequest::new(target, class, call.worst_case()?))
}

fn unknown_price(call: &PreparedCall) -> Unbooked {
    let target = &call.planned.target;
    let message = format!("{target} has no known price, and a monthly cap is set");
    let error = Error::new(Category::PolicyBlocked, message).with_hint(format!(
        "add a row with `in` and `out` under providers.{}.models",
        target.provider
    ));
    Unbooked { error, ends_request: false }
}
