//! Several prepared calls that run at the same time, each on its own: what a panel is made of.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::transport::{Exchange, Sequence};

use super::Context;
use super::attempt::Attempt;
use super::booking::{Booking, Unbooked};
use super::listening::recorder;
use super::prepare::PreparedCall;
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

/// Money that is set aside for the first try of a call.
pub(crate) struct Reservation<'a>(Booking<'a>);

/// Sets the money of several calls aside, of all of them or of none.
///
/// # Errors
/// What the allowance or the ledger refuses, or what is wrong with the ledger.
pub(crate) async fn reserve<'a>(
    context: &Context<'a>,
    calls: &[&PreparedCall],
) -> Result<Vec<Reservation<'a>>, Error> {
    let booked = Booking::open_all(context, calls).await;
    let booked = booked.map_err(|Unbooked { error, .. }| error)?;
    Ok(booked.into_iter().map(Reservation).collect())
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
    let result = run(context, call, reserved.map(|it| it.0), &recorder, &mut attempts).await;
    let (exchanges, latency) = (recorder.exchanges(), started.elapsed());
    Course { result, attempts, exchanges, latency }
}
