//! Tells a client how its call progresses, if the client asked for it with a progress token.
//!
//! The words are made in core; this module decides when they are told: at every change of step, and
//! whenever nothing was told for a while. Nothing here delays a result. `lines` drops what comes
//! after the end of its call, and what a client does not read.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use llm_gateway_core::Events;
use llm_gateway_core::front::Progress;
use rmcp::model::RequestId;
use tokio::time::{Instant, sleep, sleep_until};

use crate::lines::Teller;

/// The longest time for which nothing is told while models work.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// The largest number of characters of a message.
const LONGEST_MESSAGE: usize = 200;

/// The reporter of one call's progress.
pub(crate) struct Reporter {
    call: RequestId,
    /// The way to tell the client; `None` if it did not ask to be told.
    teller: Option<Teller>,
}

impl Reporter {
    /// Creates the reporter of a call.
    pub(crate) fn of(call: &RequestId, teller: &Teller) -> Self {
        let teller = teller.is_wanted(call).then(|| teller.clone());
        Self { call: call.clone(), teller }
    }

    /// Returns whether the client is told of the progress of this call.
    pub(crate) fn is_telling(&self) -> bool {
        self.teller.is_some()
    }

    /// Waits for `outcome`, and tells meanwhile of the progress of the run whose `events` these are.
    pub(crate) async fn while_working<T>(
        &self,
        events: Events,
        outcome: impl Future<Output = T>,
    ) -> T {
        let Some(teller) = &self.teller else { return outcome.await };
        let (mut outcome, mut telling) = (pin!(outcome), Telling::of(events));
        let outcome = loop {
            tokio::select! {
                // A result that is there is never held up by what led to it.
                biased;
                outcome = &mut outcome => break outcome,
                message = telling.next() => teller.tell(&self.call, &message),
            }
        };
        while let Some(message) = telling.rest() {
            teller.tell(&self.call, &message);
        }
        outcome
    }

    /// Waits for the result of a run for `task_class` that another call began, and tells meanwhile
    /// that it is waited for.
    pub(crate) async fn while_waiting<T>(
        &self,
        task_class: &str,
        result: impl Future<Output = T>,
    ) -> T {
        let Some(teller) = &self.teller else { return result.await };
        let (mut result, began) = (pin!(result), Instant::now());
        loop {
            tokio::select! {
                biased;
                result = &mut result => return result,
                () = sleep(LONGEST_SILENCE) => {
                    let seconds = began.elapsed().as_secs();
                    let message = format!("waiting for the result of {task_class} · {seconds} s");
                    teller.tell(&self.call, &message);
                }
            }
        }
    }
}

/// The messages about the progress of a run, made from its events and the time.
struct Telling {
    events: Events,
    progress: Progress,
    began: Instant,
    /// The time of the last message.
    last: Instant,
}

impl Telling {
    /// Creates the messages about a run that begins now.
    fn of(events: Events) -> Self {
        let now = Instant::now();
        Self { events, progress: Progress::default(), began: now, last: now }
    }

    /// Waits for the next message: until a step changes, or nothing was told for long enough.
    ///
    /// # Cancel safety
    /// No message is lost if the future is dropped.
    async fn next(&mut self) -> String {
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.next() => if self.progress.take(&event) {
                    return self.message();
                },
                () = sleep_until(self.last + LONGEST_SILENCE) => return self.message(),
            }
        }
    }

    /// Returns the next message about what has happened already; `None` if there is none.
    fn rest(&mut self) -> Option<String> {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            if self.progress.take(&event) {
                return Some(self.message());
            }
        }
        None
    }

    /// Returns the message about what happens now.
    fn message(&mut self) -> String {
        self.last = Instant::now();
        message(&self.progress, self.last - self.began)
    }
}

/// Returns the message about what happens now, `elapsed` after the beginning.
fn message(progress: &Progress, elapsed: Duration) -> String {
    let elapsed = format!(" · {} s", elapsed.as_secs());
    let line = progress.line(LONGEST_MESSAGE.saturating_sub(elapsed.chars().count()));
    line + &elapsed
}
