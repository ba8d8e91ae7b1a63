//! The booking: the money of one attempt, set aside before the attempt is sent and settled after
//! it.
//!
//! A booking has three parts: the amount that the attempt took out of the request's allowance, what
//! it took out of the session, and its hold at the ledger. The first and the last may be absent.
//! Beside the hold, the booking keeps the guard by which the run knows what its caps leave. The
//! cost of an attempt is computed in [`cost`].

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{Category, Error};
use crate::ledger::{Day, UnusableLedger};
use crate::model::{CostBasis, NanoUsd};

use super::allowance::AllowanceHold;
use super::caps_left::CapsShare;
use super::holds::{
    BookingError, LedgerHold, allowance_holds, hold_requests, ledger_holds, session_holds,
    session_turn,
};
use super::prepare::{PreparedCall, WorstCase};
use super::session::SessionHold;
use super::taken::TakenAmount;
use super::{Context, cost};

/// The money of one attempt, at the ledger, in the session and in the allowance of the request. A
/// booking that is dropped before the first byte is sent returns the money; one that is dropped
/// later counts at its worst case.
pub(crate) struct Booking<'a> {
    /// The day in which, and in whose month, the cost counts.
    day: Day,
    /// Amount that is set aside; `None` if the price is unknown.
    worst_case: Option<NanoUsd>,
    in_session: SessionHold<'a>,
    under_caps: TakenAmount<CapsShare<'a>>,
    /// The hold in the request's allowance; `None` if the policy does not limit what the calls of
    /// the request cost together.
    in_allowance: Option<AllowanceHold<'a>>,
    /// The hold at the ledger. It comes last because fields are dropped in their order, and
    /// [`settle`](Self::settle) says why the ledger hears last.
    at_ledger: LedgerHold,
}

/// The settlement of an attempt's money.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settlement {
    /// Cost of the attempt; `None` if it is unknown.
    pub(super) cost: Option<NanoUsd>,
    /// The basis of the cost: how certain it is.
    pub(super) basis: CostBasis,
    /// Amount that was set aside for the attempt, if its money is counted.
    pub(super) reserved: Option<NanoUsd>,
    /// Whether the ledger has written the cost; `None` if money is not counted.
    pub(super) recorded: Option<bool>,
}

impl<'a> Booking<'a> {
    /// Sets aside the worst case of a call.
    pub(super) async fn open(
        context: &Context<'a>,
        call: &WorstCase,
    ) -> Result<Self, BookingError> {
        let mut bookings = Self::open_all(context, std::slice::from_ref(call)).await?;
        let message = "nothing was set aside for a call";
        bookings.pop().ok_or_else(|| BookingError::ending(Error::new(Category::Internal, message)))
    }

    /// Sets aside the worst cases of several calls, of all of them or of none, and returns one
    /// booking for each, in the same order.
    pub(super) async fn open_all(
        context: &Context<'a>,
        calls: &[WorstCase],
    ) -> Result<Vec<Self>, BookingError> {
        Self::open_in(Day::of(context.clock.now()), context, calls).await
    }

    /// Sets aside the worst cases of several calls on `day`.
    async fn open_in(
        day: Day,
        context: &Context<'a>,
        calls: &[WorstCase],
    ) -> Result<Vec<Self>, BookingError> {
        if context.policy.spending().is_capped() {
            calls.iter().for_each(|call| context.caps_left.ask(&call.target));
        }
        // Allowance and session come first, because they answer at once. If the ledger then
        // refuses, what was taken is put back.
        let in_allowance = allowance_holds(context, calls)?;
        let requests = hold_requests(context, calls)?;
        let _turn = session_turn(context).await?;
        let in_session = session_holds(day, context, &requests).await?;
        let at_ledger = ledger_holds(day, context, calls, &requests).await?;
        let parts = at_ledger.into_iter().zip(in_session).zip(in_allowance);
        let booking =
            |((((at_ledger, under_caps), in_session), in_allowance), call): (_, &WorstCase)| Self {
                day,
                worst_case: call.amount,
                at_ledger,
                under_caps,
                in_session,
                in_allowance,
            };
        Ok(parts.zip(calls).map(booking).collect())
    }

    /// Sets aside the rest of the money for a call that turned out more expensive than it was
    /// estimated.
    ///
    /// The rest is for the same attempt. The rest counts in the day of this booking, so the caps of
    /// that day and of its month must have room for it.
    ///
    /// # Errors
    /// Fails if the allowance, the session or the ledger refuses; all money is then returned.
    pub(crate) async fn raised(
        self,
        context: &Context<'a>,
        call: &PreparedCall,
    ) -> Result<Self, Error> {
        let WorstCase { target, amount } = call.worst_case();
        let (Some(needed), Some(there)) = (amount, self.worst_case) else { return Ok(self) };
        if needed <= there {
            return Ok(self);
        }
        let rest = WorstCase { target, amount: Some(needed.saturating_sub(there)) };
        let more = Self::open_in(self.day, context, std::slice::from_ref(&rest)).await;
        let more = more.map_err(|BookingError { error, .. }| error)?;
        Ok(Self { worst_case: amount, ..more.into_iter().fold(self, Self::joined) })
    }

    /// Joins this booking with `more`, which is for the same attempt. The two end as one.
    fn joined(self, more: Self) -> Self {
        let in_allowance = match (self.in_allowance, more.in_allowance) {
            (Some(hold), Some(more)) => Some(hold.joined(more)),
            (hold, more) => hold.or(more),
        };
        let at_ledger = match (self.at_ledger, more.at_ledger) {
            (LedgerHold::Held(hold), LedgerHold::Held(more)) => LedgerHold::Held(hold.joined(more)),
            (hold, _) => hold,
        };
        Self {
            day: self.day,
            worst_case: self.worst_case,
            at_ledger,
            under_caps: self.under_caps.joined(more.under_caps),
            in_session: self.in_session.joined(more.in_session),
            in_allowance,
        }
    }

    /// Marks the attempt as sent: the first byte of its request is about to leave.
    pub(super) fn sent(&mut self) {
        if let Some(hold) = &mut self.in_allowance {
            hold.sent();
        }
        self.in_session.sent();
        self.under_caps.sent();
        if let LedgerHold::Held(hold) | LedgerHold::Unpriced(hold) = &mut self.at_ledger {
            hold.sent();
        }
    }

    /// Returns the amount that is set aside at the ledger or, without one, under a cap of the
    /// session.
    pub(super) fn reserved(&self) -> Option<NanoUsd> {
        match &self.at_ledger {
            LedgerHold::Held(hold) => Some(hold.amount()),
            LedgerHold::Unpriced(_) => None,
            LedgerHold::Unrecorded | LedgerHold::Uncounted => self.in_session.capped_amount(),
        }
    }

    /// Replaces the hold by the cost of the attempt. An unknown cost is booked as zero.
    pub(super) async fn settle(
        self,
        context: &Context<'_>,
        cost: Option<NanoUsd>,
        basis: CostBasis,
    ) -> Settlement {
        let reserved = self.reserved();
        let Self { at_ledger, under_caps, in_session, in_allowance, .. } = self;
        in_session.settle(cost.unwrap_or_default());
        // Before the ledger hears of it: a reservation that another attempt of the run makes
        // meanwhile then shows too little left, never too much.
        under_caps.settle(cost.unwrap_or_default());
        // An estimate does not bound the cost. What was taken out of the allowance then stays
        // taken, which is what a dropped hold does.
        let is_certain = matches!(basis, CostBasis::Exact | CostBasis::Free);
        if let (Some(hold), Some(cost), true) = (in_allowance, cost, is_certain) {
            hold.settle(cost);
        }
        let recorded = match at_ledger {
            LedgerHold::Held(hold) | LedgerHold::Unpriced(hold) => {
                Some(written(context, hold.settle(cost.unwrap_or_default(), basis)).await)
            }
            LedgerHold::Unrecorded => Some(false),
            LedgerHold::Uncounted => None,
        };
        Settlement { cost, basis, reserved, recorded }
    }

    /// Ends the hold of a failed attempt: at the cost that the provider reported, at zero if
    /// certainly nothing was billed, else at its whole amount.
    pub(super) async fn fail(
        self,
        context: &Context<'_>,
        call: &PreparedCall,
        error: &Error,
    ) -> Settlement {
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

    /// Returns all of the money that was set aside, because nothing was billed.
    async fn release(self, context: &Context<'_>) -> Settlement {
        let Self { at_ledger, under_caps, in_session, in_allowance, .. } = self;
        in_session.settle(NanoUsd::ZERO);
        under_caps.settle(NanoUsd::ZERO);
        if let Some(hold) = in_allowance {
            hold.settle(NanoUsd::ZERO);
        }
        let (reserved, recorded) = match at_ledger {
            LedgerHold::Held(hold) | LedgerHold::Unpriced(hold) => {
                (Some(hold.amount()), Some(written(context, hold.release()).await))
            }
            // There is nothing to write.
            LedgerHold::Unrecorded | LedgerHold::Uncounted => (None, None),
        };
        Settlement { cost: Some(NanoUsd::ZERO), basis: CostBasis::Free, reserved, recorded }
    }
}

/// Sets aside the worst cases of several calls, of all of them or of none, and returns one booking
/// for each, in the same order.
///
/// # Errors
/// The refusal of the allowance, the session or the ledger, or the problem of a ledger that cannot
/// be used.
pub(crate) async fn reserve<'a>(
    context: &Context<'a>,
    calls: &[WorstCase],
) -> Result<Vec<Booking<'a>>, Error> {
    let bookings = Booking::open_all(context, calls).await;
    bookings.map_err(|BookingError { error, .. }| error)
}

/// The longest time for which a request waits, after its deadline or a stop, for the end of a hold
/// to be written. A healthy disk commits within this time. The end is written in any case, and
/// counts at its hold until then.
const LAST_ENTRY: Duration = Duration::from_millis(500);

/// The longest time for which a ready answer waits for the end of its hold to be written. After
/// that the answer is returned as not recorded yet, and is booked later; until then it counts at
/// its hold.
const BOOKS_WAIT: Duration = Duration::from_secs(2);

/// Returns whether the end of a hold was written within the time that the request can wait.
async fn written(
    context: &Context<'_>,
    ending: impl Future<Output = Result<(), UnusableLedger>>,
) -> bool {
    let given_up = async {
        context.stop.stopped().await;
        sleep(LAST_ENTRY).await;
    };
    let until = (context.deadline.at + LAST_ENTRY).min(Instant::now() + BOOKS_WAIT);
    tokio::select! {
        biased;
        written = timeout_at(until, ending) => matches!(written, Ok(Ok(()))),
        () = given_up => false,
    }
}

#[cfg(test)]
mod tests;
