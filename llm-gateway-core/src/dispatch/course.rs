//! A call that runs alone, without a next target, and its course. The members of a panel, the steps
//! of an orchestration and the strong model of a cascade run this way.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::credential::LeasedKey;
use crate::model::{Prompt, Sequence};
use crate::transport::Exchange;

use super::Context;
use super::attempt::Attempt;
use super::booking::Booking;
use super::listening::Outlets;
use super::prepare::PreparedCall;
use super::refusal::Refusal;
use super::run::{AnsweredAttempt, run};

/// The course of one call: its result, every attempt, and the bytes of each.
pub(crate) struct Course {
    pub(crate) result: Result<AnsweredAttempt, Refusal>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) exchanges: Vec<Exchange>,
    /// Time from the first wait to the end of the call.
    pub(crate) latency: Duration,
    /// The prompt that was asked; `None` if nothing was sent.
    pub(crate) prompt: Option<Prompt>,
    /// The keys of all attempts. While they are here, they are removed from what was recorded.
    _lent: Vec<LeasedKey>,
}

impl Course {
    /// Creates the course of a call that was refused before anything was sent.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        let attempts = vec![Attempt::refused(&refusal.target, refusal.error.category())];
        let (exchanges, latency) = (Vec::new(), Duration::ZERO);
        Self { result: Err(refusal), attempts, exchanges, latency, prompt: None, _lent: Vec::new() }
    }
}

/// Runs one call, without a next target. `sequence` numbers its moments. Without a `booking`, its
/// first attempt sets its own money aside.
pub(crate) async fn run_alone<'a>(
    context: &Context<'a>,
    call: PreparedCall,
    booking: Option<Booking<'a>>,
    sequence: Arc<Sequence>,
) -> Course {
    let (started, rules) = (Instant::now(), context.policy.preflight());
    // Nobody hears its text before it is whole: members must not see each other's, and what a step
    // wrote is not yet an answer.
    let outlets = Outlets::new(context.events, rules, &call.planned.target).numbered_by(sequence);
    let (mut attempts, prompt) = (Vec::new(), Some(call.prepared.call.prompt.clone()));
    let result = run(context, call, booking, &outlets, &mut attempts).await;
    let result = result.map_err(|refusal| outlets.refused(refusal));
    let (exchanges, latency) = (outlets.recorder.exchanges(), started.elapsed());
    Course { result, attempts, exchanges, latency, prompt, _lent: outlets.into_lent() }
}
