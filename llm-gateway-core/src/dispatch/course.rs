//! Several prepared calls that run at the same time, each on its own: what a panel is made of.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::model::NanoUsd;
use crate::transport::{Exchange, Sequence};

use super::Context;
use super::attempt::Attempt;
use super::booking::{Booking, Unbooked};
use super::listening::recorder;
use super::prepare::{PreparedCall, WorstCase};
use super::refusal::Refusal;
use super::run::{Answered, run};

/// How one call went: its end, every try, and the bytes of each.
pub(crate) struct Course {
    pub(crate) result: Result<Answered, Refusal>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) exchanges: Vec<Exchange>,
    /// From the first wait to the end.
    pub(crate) latency: Duration,
}

impl Course {
    /// A call that was refused before anything left.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        let attempts = vec![Attempt::refused(&refusal.target, refusal.error.category())];
        let (exchanges, latency) = (Vec::new(), Duration::ZERO);
        Self { result: Err(refusal), attempts, exchanges, latency }
    }
}

/// Money that is set aside for the first try of a call. Dropped, it goes back.
pub(crate) struct Reservation<'a> {
    booking: Booking<'a>,
    /// How much; `None` = the price is unknown.
    amount: Option<NanoUsd>,
}

impl<'a> Reservation<'a> {
    /// Sets the rest aside where the call turned out to be dearer than it was thought to be.
    ///
    /// # Errors
    /// What the allowance or the ledger refuses. What was set aside then goes back.
    pub(crate) async fn raised(
        self,
        context: &Context<'a>,
        call: &PreparedCall,
    ) -> Result<Self, Error> {
        let WorstCase { target, amount } = call.worst_case();
        let (Some(needed), Some(there)) = (amount, self.amount) else { return Ok(self) };
        if needed <= there {
            return Ok(self);
        }
        let rest = WorstCase { target, amount: Some(needed.saturating_sub(there)) };
        let booking = self.booking.raised(context, &rest).await;
        let booking = booking.map_err(|Unbooked { error, .. }| error)?;
        Ok(Self { booking, amount })
    }
}

/// Sets the money of several calls aside, of all of them or of none.
///
/// # Errors
/// What the allowance or the ledger refuses, or what is wrong with the ledger.
pub(crate) async fn reserve<'a>(
    context: &Context<'a>,
    calls: &[WorstCase],
) -> Result<Vec<Reservation<'a>>, Error> {
    let booked = Booking::open_all(context, calls).await;
    let booked = booked.map_err(|Unbooked { error, .. }| error)?;
    let reservation =
        |(booking, call): (_, &WorstCase)| Reservation { booking, amount: call.amount };
    Ok(booked.into_iter().zip(calls).map(reservation).collect())
}

/// Runs one of several calls. There is no next target. Its moments are numbered by `sequence`;
/// without a reservation its first try sets its money aside itself.
pub(crate) async fn run_alone<'a>(
    context: &Context<'a>,
    call: PreparedCall,
    reserved: Option<Reservation<'a>>,
    sequence: Arc<Sequence>,
) -> Course {
    let (started, rules) = (Instant::now(), context.policy.preflight());
    let recorder = recorder(context.events, rules, &call.planned.target).with_sequence(sequence);
    let mut attempts = Vec::new();
    let result = run(context, call, reserved.map(|it| it.booking), &recorder, &mut attempts).await;
    let (exchanges, latency) = (recorder.exchanges(), started.elapsed());
    Course { result, attempts, exchanges, latency }
}
