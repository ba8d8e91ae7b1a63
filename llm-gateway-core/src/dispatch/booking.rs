//! The money of one attempt: set aside before it leaves, settled after it.

use std::time::Duration;

use tokio::time::timeout_at;

use crate::error::{Category, Error};
use crate::ledger::{Cap, Hold, HoldRequest, Month, ReserveError, Scope, Unusable};
use crate::model::{CostBasis, NanoUsd};
use crate::policy::Spending;
use crate::reliability::Deadline;

use super::prepare::PreparedCall;
use super::refusal::out_of_time;
use super::{Context, cost};

/// What the ledger has of an attempt. Dropped before the first byte left, it gives the money
/// back; after that, it is settled at the whole hold.
pub(super) enum Booking {
    /// Money is set aside.
    Held(Hold),
    /// The price is unknown and no cap is set: nothing is set aside, and the call is counted.
    Unpriced(Hold),
    /// It should be, and the ledger cannot be used. No cap is set, so the call may go on.
    Unrecorded,
    /// Nothing is counted: there is no ledger.
    Uncounted,
}

/// What became of the money of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Booked {
    /// What it cost; `None` = unknown.
    pub(super) cost: Option<NanoUsd>,
    /// What was set aside for it.
    pub(super) reserved: Option<NanoUsd>,
    /// Whether the ledger has it; `None` where nothing is counted.
    pub(super) recorded: Option<bool>,
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
        let requests: Vec<_> = calls.iter().map(|call| hold_of(context, call)).collect();
        let (month, caps) = (Month::of(context.clock.now()), caps(spending));
        let reserved = ledger.reserve(month, &requests, &caps);
        match timeout_at(context.deadline.at, reserved).await {
            Ok(Ok(holds)) if holds.len() == requests.len() => {
                let booking = |(hold, call): (Hold, &&PreparedCall)| match call.worst_case() {
                    Some(_) => Self::Held(hold),
                    None => Self::Unpriced(hold),
                };
                Ok(holds.into_iter().zip(calls).map(booking).collect())
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
        if let Self::Held(hold) | Self::Unpriced(hold) = self {
            hold.sent();
        }
    }

    /// What is set aside.
    pub(super) fn reserved(&self) -> Option<NanoUsd> {
        match self {
            Self::Held(hold) => Some(hold.amount()),
            Self::Unpriced(_) | Self::Unrecorded | Self::Uncounted => None,
        }
    }

    /// Replaces the hold by what the attempt cost; what nobody knows is booked as nothing.
    pub(super) async fn settle(
        self,
        deadline: Deadline,
        cost: Option<NanoUsd>,
        basis: CostBasis,
    ) -> Booked {
        let reserved = self.reserved();
        let recorded = match self {
            Self::Held(hold) | Self::Unpriced(hold) => {
                Some(written(deadline, hold.settle(cost.unwrap_or_default(), basis)).await)
            }
            Self::Unrecorded => Some(false),
            Self::Uncounted => None,
        };
        Booked { cost, reserved, recorded }
    }

    /// Ends the hold of a failed attempt: at what was reported, at nothing where provably
    /// nothing was billed, else at the whole of it.
    pub(super) async fn fail(
        self,
        context: &Context<'_>,
        call: &PreparedCall,
        error: &Error,
    ) -> Booked {
        let deadline = context.deadline;
        let known = cost::of_failure(context.policy, call, error);
        let nothing_billed = known == Some(NanoUsd::ZERO) && error.usage().is_none();
        match self {
            Self::Held(hold) | Self::Unpriced(hold) if nothing_billed => {
                let (cost, reserved) = (known, Some(hold.amount()));
                Booked { cost, reserved, recorded: Some(written(deadline, hold.release()).await) }
            }
            // There is nothing to record.
            _ if nothing_billed => Booked { cost: known, reserved: None, recorded: None },
            booking => {
                let cost = known.or(booking.reserved());
                let basis = match (known, cost) {
                    (Some(_), _) => CostBasis::Exact,
                    (None, Some(_)) => CostBasis::Estimated,
                    (None, None) => CostBasis::Unknown,
                };
                booking.settle(deadline, cost, basis).await
            }
        }
    }
}

/// How long after the deadline the end of a hold may take to be written: a commit of a healthy
/// disk. It is on its way in any case, and counts at the hold until it is there.
const LAST_ENTRY: Duration = Duration::from_millis(500);

/// Whether the end of a hold was written while anybody could wait for it.
async fn written(deadline: Deadline, ending: impl Future<Output = Result<(), Unusable>>) -> bool {
    matches!(timeout_at(deadline.at + LAST_ENTRY, ending).await, Ok(Ok(())))
}

/// The caps of the policy in the words of the ledger, everything's first.
pub(crate) fn caps(spending: &Spending) -> Vec<Cap> {
    let total = spending.total_cap.map(|limit| Cap::new(Scope::Total, limit));
    let providers = spending.provider_caps.iter();
    let providers = providers.map(|(name, limit)| Cap::new(Scope::Provider(name.clone()), *limit));
    total.into_iter().chain(providers).collect()
}

/// What a call asks of the ledger: nothing where its price is unknown.
fn hold_of(context: &Context<'_>, call: &PreparedCall) -> HoldRequest {
    let (target, class) = (call.planned.target.clone(), context.task_class.clone());
    HoldRequest::new(target, class, call.worst_case().unwrap_or_default())
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
