//! Several prepared calls that run at the same time, each on its own: what a panel is made of.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::{Exchange, Sequence};

use super::Context;
use super::attempt::Attempt;
use super::booking::Booking;
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

/// Runs one of several calls. There is no next target. Its moments are numbered by `sequence`;
/// without a booking its first try sets its money aside itself.
pub(crate) async fn run_alone<'a>(
    context: &Context<'a>,
    call: PreparedCall,
    booking: Option<Booking<'a>>,
    sequence: Arc<Sequence>,
) -> Course {
    let (started, rules) = (Instant::now(), context.policy.preflight());
    let recorder = recorder(context.events, rules, &call.planned.target).with_sequence(sequence);
    let mut attempts = Vec::new();
    let result = run(context, call, booking, &recorder, &mut attempts).await;
    let (exchanges, latency) = (recorder.exchanges(), started.elapsed());
    Course { result, attempts, exchanges, latency }
}
