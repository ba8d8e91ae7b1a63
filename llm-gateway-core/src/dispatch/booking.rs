//! The money of one attempt: set aside before it leaves, settled after it.

use std::time::Duration;

use tokio::time::{sleep, timeout_at};

use crate::error::{Category, Error};
use crate::ledger::{Cap, Hold, HoldRequest, Month, ReserveError, Scope, Unusable};
use crate::model::{CostBasis, NanoUsd};
use crate::policy::Spending;

use super::allowance::Share;
use super::prepare::{PreparedCall, WorstCase};
use super::reasons::outspent;
use super::{Context, cost};

/// The money of one attempt, at the ledger and in the allowance of the request. Dropped before the
/// first byte left, it gives the money back; after that, it counts at its worst case.
pub(super) struct Booking<'a> {
    /// In which all of it is counted.
    month: Month,
    entry: Entry,
    /// `None` = what the calls of the request cost together is not bounded.
    share: Option<Share<'a>>,
}

/// What the ledger has of an attempt.
enum Entry {
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
    /// It is the request's own allowance that has no room.
    pub(super) is_outspent: bool,
}

impl Unbooked {
    fn new(error: impl Into<Error>) -> Self {
        Self { error: error.into(), ends_request: false, is_outspent: false }
    }

    fn ending(error: impl Into<Error>) -> Self {
        Self { ends_request: true, ..Self::new(error) }
    }
}

impl<'a> Booking<'a> {
    /// Sets the worst case of a call aside.
    pub(super) async fn open(context: &Context<'a>, call: &WorstCase) -> Result<Self, Unbooked> {
        let mut bookings = Self::open_all(context, std::slice::from_ref(call)).await?;
        let message = "nothing was set aside for a call";
        bookings.pop().ok_or_else(|| Unbooked::ending(Error::new(Category::Internal, message)))
    }

    /// Sets the worst cases of several calls aside, of all of them or of none. Gives one
    /// booking per call, in their order.
    pub(super) async fn open_all(
        context: &Context<'a>,
        calls: &[WorstCase],
    ) -> Result<Vec<Self>, Unbooked> {
        Self::open_in(Month::of(context.clock.now()), context, calls).await
    }

    async fn open_in(
        month: Month,
        context: &Context<'a>,
        calls: &[WorstCase],
    ) -> Result<Vec<Self>, Unbooked> {
        // First, because it waits for nobody; what the ledger then refuses goes back.
        let shares = shares(context, calls)?;
        let entries = entries(month, context, calls).await?;
        let booking = |(entry, share)| Self { month, entry, share };
        Ok(entries.into_iter().zip(shares).map(booking).collect())
    }

    /// Sets `rest` aside too, for the same attempt, which ends as one: it is booked in the month of
    /// the first, so it is that month's caps which must have room for it.
    pub(super) async fn raised(
        self,
        context: &Context<'a>,
        rest: &WorstCase,
    ) -> Result<Self, Unbooked> {
        let more = Self::open_in(self.month, context, std::slice::from_ref(rest)).await?;
        Ok(more.into_iter().fold(self, Self::joined))
    }

    fn joined(self, more: Self) -> Self {
        let share = match (self.share, more.share) {
            (Some(share), Some(more)) => Some(share.joined(more)),
            (share, more) => share.or(more),
        };
        let entry = match (self.entry, more.entry) {
            (Entry::Held(hold), Entry::Held(more)) => Entry::Held(hold.joined(more)),
            (entry, _) => entry,
        };
        Self { month: self.month, entry, share }
    }

    /// The first byte is about to leave.
    pub(super) fn sent(&mut self) {
        if let Some(share) = &mut self.share {
            share.sent();
        }
        if let Entry::Held(hold) | Entry::Unpriced(hold) = &mut self.entry {
            hold.sent();
        }
    }

    /// What the ledger has set aside.
    pub(super) fn reserved(&self) -> Option<NanoUsd> {
        match &self.entry {
            Entry::Held(hold) => Some(hold.amount()),
            Entry::Unpriced(_) | Entry::Unrecorded | Entry::Uncounted => None,
        }
    }

    /// Replaces the hold by what the attempt cost; what nobody knows is booked as nothing.
    pub(super) async fn settle(
        self,
        context: &Context<'_>,
        cost: Option<NanoUsd>,
        basis: CostBasis,
    ) -> Booked {
        let reserved = self.reserved();
        let Self { entry, share, .. } = self;
        // An estimate is no bound: what was taken then stays taken, as `Share` does by itself.
        let is_certain = matches!(basis, CostBasis::Exact | CostBasis::Free);
        if let (Some(share), Some(cost), true) = (share, cost, is_certain) {
            share.settle(cost);
        }
        let recorded = match entry {
            Entry::Held(hold) | Entry::Unpriced(hold) => {
                Some(written(context, hold.settle(cost.unwrap_or_default(), basis)).await)
            }
            Entry::Unrecorded => Some(false),
            Entry::Uncounted => None,
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
        let known = cost::of_failure(context.policy, call, error);
        if known == Some(NanoUsd::ZERO) && error.usage().is_none() {
            return self.release(context).await;
        }
        let cost = known.or(self.reserved());
        let basis = match (known, cost) {
            (Some(_), _) => CostBasis::Exact,
            (None, Some(_)) => CostBasis::Estimated,
            (None, None) => CostBasis::Unknown,
        };
        self.settle(context, cost, basis).await
    }

    /// Gives everything back: nothing was billed.
    async fn release(self, context: &Context<'_>) -> Booked {
        let Self { entry, share, .. } = self;
        if let Some(share) = share {
            share.settle(NanoUsd::ZERO);
        }
        let (reserved, recorded) = match entry {
            Entry::Held(hold) | Entry::Unpriced(hold) => {
                (Some(hold.amount()), Some(written(context, hold.release()).await))
            }
            // There is nothing to record.
            Entry::Unrecorded | Entry::Uncounted => (None, None),
        };
        Booked { cost: Some(NanoUsd::ZERO), reserved, recorded }
    }
}

/// Takes the worst cases out of the allowance, if there is one: under it no call is made whose
/// price is unknown.
fn shares<'a>(
    context: &Context<'a>,
    calls: &[WorstCase],
) -> Result<Vec<Option<Share<'a>>>, Unbooked> {
    let Some(allowance) = context.allowance else {
        return Ok(calls.iter().map(|_| None).collect());
    };
    let mut worst_cases = Vec::with_capacity(calls.len());
    for call in calls {
        let unknown = || Unbooked::new(unknown_price(call, &format!("a {}", allowance.key())));
        worst_cases.push(call.amount.ok_or_else(unknown)?);
    }
    let shares = allowance.take(&worst_cases).map_err(|shortage| {
        let error = outspent(context, allowance, shortage);
        Unbooked { is_outspent: true, ..Unbooked::new(error) }
    })?;
    Ok(shares.into_iter().map(Some).collect())
}

/// Sets the worst cases aside at the ledger, if there is one.
async fn entries(
    month: Month,
    context: &Context<'_>,
    calls: &[WorstCase],
) -> Result<Vec<Entry>, Unbooked> {
    let Some(ledger) = context.ledger else {
        return Ok(calls.iter().map(|_| Entry::Uncounted).collect());
    };
    let spending = context.policy.spending();
    let capped = |call: &&WorstCase| spending.caps(&call.target.provider);
    if let Some(call) = calls.iter().find(|call| call.amount.is_none() && capped(call)) {
        return Err(Unbooked::new(unknown_price(call, "a monthly cap")));
    }
    let requests: Vec<_> = calls.iter().map(|call| hold_of(context, call)).collect();
    let caps = caps(spending);
    let reserved = ledger.reserve(month, &requests, &caps);
    match context.in_time(reserved).await {
        Ok(Ok(holds)) if holds.len() == requests.len() => {
            let entry = |(hold, call): (Hold, &WorstCase)| match call.amount {
                Some(_) => Entry::Held(hold),
                None => Entry::Unpriced(hold),
            };
            Ok(holds.into_iter().zip(calls).map(entry).collect())
        }
        Ok(Ok(holds)) => {
            let (given, asked) = (holds.len(), requests.len());
            let message = format!("the ledger gave {given} holds for {asked} calls");
            Err(Unbooked::ending(Error::new(Category::Ledger, message)))
        }
        Ok(Err(ReserveError::Refused(refused))) => {
            let ends_request = refused.scope == Scope::Total;
            let error = Error::from(refused).with_hint(context.advice.below_cap());
            Err(Unbooked { ends_request, ..Unbooked::new(error) })
        }
        // Under a cap no call is made without a hold.
        Ok(Err(ReserveError::Unusable(unusable))) if spending.is_capped() => {
            Err(Unbooked::ending(unusable))
        }
        Ok(Err(ReserveError::Unusable(unusable))) => {
            tracing::warn!(%unusable, "what is spent is not recorded");
            Ok(calls.iter().map(|_| Entry::Unrecorded).collect())
        }
        Err(over) => Err(Unbooked::ending(context.unanswered(over, "the ledger"))),
    }
}

/// How long after the deadline, or after a stop, the end of a hold may take to be written: a
/// commit of a healthy disk. It is on its way in any case, and counts at the hold until it is
/// there.
const LAST_ENTRY: Duration = Duration::from_millis(500);

/// Whether the end of a hold was written while anybody could wait for it.
async fn written(
    context: &Context<'_>,
    ending: impl Future<Output = Result<(), Unusable>>,
) -> bool {
    let given_up = async {
        context.stopped().await;
        sleep(LAST_ENTRY).await;
    };
    tokio::select! {
        biased;
        written = timeout_at(context.deadline.at + LAST_ENTRY, ending) => matches!(written, Ok(Ok(()))),
        () = given_up => false,
    }
}

/// The caps of the policy in the words of the ledger, everything's first.
pub(crate) fn caps(spending: &Spending) -> Vec<Cap> {
    let total = spending.total_cap.map(|limit| Cap::new(Scope::Total, limit));
    let providers = spending.provider_caps.iter();
    let providers = providers.map(|(name, limit)| Cap::new(Scope::Provider(name.clone()), *limit));
    total.into_iter().chain(providers).collect()
}

/// What a call asks of the ledger: nothing where its price is unknown.
fn hold_of(context: &Context<'_>, call: &WorstCase) -> HoldRequest {
    let (target, class) = (call.target.clone(), context.task_class.clone());
    HoldRequest::new(target, class, call.amount.unwrap_or_default())
}

/// A call that nobody can bound, where there is `a_bound`.
fn unknown_price(call: &WorstCase, a_bound: &str) -> Error {
    let target = &call.target;
    let message = format!("{target} has no known price, and {a_bound} is set");
    Error::new(Category::PolicyBlocked, message).with_hint(format!(
        "add a row with `in` and `out` under providers.{}.models",
        target.provider
    ))
}
