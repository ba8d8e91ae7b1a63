//! The money of one attempt: set aside before it leaves, settled after it.

use tokio::time::timeout_at;

use crate::error::{Category, Error};
use crate::ledger::{Cap, Hold, HoldRequest, ReserveError, Scope};
use crate::model::{CostBasis, NanoUsd};
use crate::policy::Spending;

use super::prepare::PreparedCall;
use super::refusal::past_deadline;
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
        let Some(ledger) = context.ledger else { return Ok(Self::Uncounted) };
        let target = &call.planned.target;
        let spending = context.policy.spending();
        let Some(worst_case) = call.worst_case() else {
            return match spending.caps(&target.provider) {
                true => Err(unknown_price(call)),
                false => Ok(Self::Uncounted),
            };
        };
        let request = HoldRequest::new(target.clone(), context.task_class.clone(), worst_case);
        let caps = caps(spending);
        let reserved = ledger.reserve_one(context.month, request, &caps);
        match timeout_at(context.deadline.at, reserved).await {
            Ok(Ok(hold)) => Ok(Self::Held(hold)),
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
                Ok(Self::Unrecorded)
            }
            Err(_) => {
                let error = past_deadline(context.deadline, target);
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

fn unknown_price(call: &PreparedCall) -> Unbooked {
    let target = &call.planned.target;
    let message = format!("{target} has no known price, and a monthly cap is set");
    let error = Error::new(Category::PolicyBlocked, message).with_hint(format!(
        "add a row with `in` and `out` under providers.{}.models",
        target.provider
    ));
    Unbooked { error, ends_request: false }
}
