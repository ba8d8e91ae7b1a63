//! Tells a client how its call progresses, if the client asked for it with a progress token.
//!
//! The words are made in core; this module decides when they are told: at every change of step, and
//! whenever nothing was told for a while. Nothing here delays a result. `lines` drops what comes
//! after the end of its call, and what a client does not read.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use llm_gateway_core::front::Progress;
use llm_gateway_core::{Event, Events};
use rmcp::model::RequestId;
use tokio::sync::watch;
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

    /// Waits for `outcome`, and tells meanwhile of the progress of the run that is followed.
    pub(crate) async fn while_working<T>(
        &self,
        followed: &mut FollowedRun,
        outcome: impl Future<Output = T>,
    ) -> T {
        let mut outcome = pin!(outcome);
        let Some(teller) = &self.teller else {
            return tokio::select! {
                biased;
                outcome = &mut outcome => outcome,
                () = followed.follow() => outcome.await,
            };
        };
        let mut telling = Telling::of(followed);
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

    /// Waits for the result of a run that another call began, and tells meanwhile what happens in
    /// it: at every change of step, and whenever nothing was told for a while.
    pub(crate) async fn while_waiting<T>(
        &self,
        run: WaitedRun,
        result: impl Future<Output = T>,
    ) -> T {
        let Some(teller) = &self.teller else { return result.await };
        let (mut result, WaitedRun { began, mut progress }) = (pin!(result), run);
        // What the run did before is no news.
        progress.mark_unchanged();
        loop {
            tokio::select! {
                biased;
                result = &mut result => return result,
                Ok(()) = progress.changed() => {}
                () = sleep(LONGEST_SILENCE) => {}
            }
            let message = message(&progress.borrow_and_update(), began.elapsed());
            teller.tell(&self.call, &message);
        }
    }
}

/// A run whose events are read, for all who want to know what happens in it.
pub(crate) struct FollowedRun {
    events: Events,
    /// What happens now. Whoever watches it hears of each change of step.
    progress: watch::Sender<Progress>,
}

/// A run that another call began, and whose result is waited for.
pub(crate) struct WaitedRun {
    /// The moment at which the run began.
    pub(crate) began: Instant,
    /// What happens in the run.
    pub(crate) progress: watch::Receiver<Progress>,
}

impl FollowedRun {
    /// Follows the run whose `events` these are, from its beginning.
    pub(crate) fn of(events: Events) -> Self {
        Self { events, progress: watch::Sender::default() }
    }

    /// Returns what happens in the run, as it changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Reads the events of the run until there are no more.
    pub(crate) async fn follow(&mut self) {
        while let Some(event) = self.events.next().await {
            self.take(&event);
        }
    }

    /// Takes an event, and returns whether a step has changed by it.
    fn take(&self, event: &Event) -> bool {
        self.progress.send_if_modified(|progress| progress.take(event))
    }
}

/// The messages about the progress of a run, made from its events and the time.
struct Telling<'a> {
    followed: &'a mut FollowedRun,
    began: Instant,
    /// The time of the last message.
    last: Instant,
}

impl<'a> Telling<'a> {
    /// Creates the messages about a run that begins now.
    fn of(followed: &'a mut FollowedRun) -> Self {
        let now = Instant::now();
        Self { followed, began: now, last: now }
    }

    /// Waits for the next message: until a step changes, or nothing was told for long enough.
    ///
    /// # Cancel safety
    /// No message is lost if the future is dropped.
    async fn next(&mut self) -> String {
        loop {
            tokio::select! {
                biased;
                Some(event) = self.followed.events.next() => if self.followed.take(&event) {
                    return self.message();
                },
                () = sleep_until(self.last + LONGEST_SILENCE) => return self.message(),
            }
        }
    }

    /// Returns the next message about what has happened already; `None` if there is none.
    fn rest(&mut self) -> Option<String> {
        while let Some(Some(event)) = self.followed.events.next().now_or_never() {
            if self.followed.take(&event) {
                return Some(self.message());
            }
        }
        None
    }

    /// Returns the message about what happens now.
    fn message(&mut self) -> String {
        self.last = Instant::now();
        message(&self.followed.progress.borrow(), self.last - self.began)
    }
}

/// Returns the message about what happens now, `elapsed` after the beginning.
fn message(progress: &Progress, elapsed: Duration) -> String {
    let elapsed = format!(" · {} s", elapsed.as_secs());
    let line = progress.line(LONGEST_MESSAGE.saturating_sub(elapsed.chars().count()));
    line + &elapsed
}
