//! The outlets of a call: where its bytes, its progress and its text go while it is under way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::credential::LeasedKey;
use crate::event::{Event, EventSender};
use crate::model::{Completion, Sequence, Target};
use crate::policy::PreflightRules;
use crate::provider::SendContext;
use crate::stream::ContentSink;
use crate::transport::{CallProgress, Recorder, TextOf};

use super::Context;
use super::partial_text::PartialText;
use super::refusal::Refusal;

/// The outlets of one call, which all its attempts share.
pub(super) struct Outlets<'a> {
    /// Keeps the bytes of each attempt.
    pub(super) recorder: Recorder,
    /// Shows how far the newest attempt has come.
    pub(super) progress: Arc<CallProgress>,
    /// Hears the text of the answer while it arrives; `None` if nobody does.
    content: Option<&'a ContentSink>,
    /// The keys of all attempts so far. An answer to an earlier attempt's key may still come.
    lent: Mutex<Vec<LeasedKey>>,
}

impl<'a> Outlets<'a> {
    /// Creates the outlets of one call at `target`, whose length is reported to `events`, at most
    /// once a second.
    pub(super) fn new(events: &EventSender, rules: &PreflightRules, target: &Target) -> Self {
        let progress = Arc::new(progress(events, rules, target));
        Self { recorder: Recorder::new(), progress, content: None, lent: Mutex::default() }
    }

    /// Numbers the moments of the call by a sequence that other calls share.
    pub(super) fn numbered_by(self, sequence: Arc<Sequence>) -> Self {
        Self { recorder: self.recorder.with_sequence(sequence), ..self }
    }

    /// Passes on the text of the answer to `content`.
    pub(super) fn with_content(self, content: Option<&'a ContentSink>) -> Self {
        Self { content, ..self }
    }

    /// Begins the next attempt, and returns its context. What was leased for it stays known for as
    /// long as the call and what it recorded.
    pub(super) fn begin(&self, leased: &[LeasedKey]) -> SendContext<'_> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(leased);
        self.progress.begin_unmarked();
        let context = SendContext::new(&self.recorder).with_progress(Arc::clone(&self.progress));
        let context = context.with_leases(leased);
        match self.content {
            Some(content) => context.with_content(content),
            None => context,
        }
    }

    /// Returns the keys that were leased for all attempts.
    pub(super) fn into_lent(self) -> Vec<LeasedKey> {
        self.lent.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether text was passed on, so that no other answer may follow: two answers must not
    /// be joined to one.
    pub(super) fn is_committed(&self) -> bool {
        self.content.is_some_and(ContentSink::has_begun)
    }

    /// Adds what the target had written to its refusal, with which the call ends.
    pub(super) fn refused(&self, refusal: Refusal) -> Refusal {
        let is_committed = self.is_committed();
        let of = if is_committed { TextOf::Newest } else { TextOf::Longest };
        let partial = self.progress.take_text(of).map(|text| {
            let target = refusal.target.clone();
            PartialText { target, text, is_committed }
        });
        Refusal { partial, ..refusal }
    }

    /// Passes on what is left of an answer. A reader that stops reading keeps no answer from its
    /// caller for longer than the request lasts.
    pub(super) async fn rest_of(&self, context: &Context<'_>, answer: &Completion) {
        if let Some(content) = self.content {
            context.in_time(content.rest_of(&answer.joined_text())).await.ok();
        }
    }
}

/// Returns the progress of one call, which reports the length of the answer.
fn progress(events: &EventSender, rules: &PreflightRules, target: &Target) -> CallProgress {
    let (events, rules, target) = (events.clone(), rules.clone(), target.clone());
    let (began, told) = (Instant::now(), AtomicU64::new(0));
    CallProgress::new().with_listener(move |chars| {
        let second = began.elapsed().as_secs();
        if told.fetch_max(second, Ordering::Relaxed) < second {
            let tokens = rules.estimated_tokens(usize::try_from(chars).unwrap_or(usize::MAX));
            let (target, characters) = (target.clone(), chars);
            events.send_if_idle(Event::Writing { target, tokens, characters });
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event;
    use crate::model::{ModelId, ProviderName};

    #[tokio::test(start_paused = true)]
    async fn growth_is_told_once_a_second_and_never_in_place_of_a_step() {
        let (sender, mut events) = event::channel(None);
        let target = Target::new(ProviderName::new("openai").unwrap(), ModelId::new("m").unwrap());
        let progress = progress(&sender, &PreflightRules::default(), &target);
        for second in 0..3 {
            progress.grown_to(100 * second + 4);
            progress.grown_to(100 * second + 8);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        for _ in 0..4_100 {
            sender.send(Event::Waiting { target: target.clone(), wait: Duration::ZERO });
        }
        progress.grown_to(1_000);
        drop(sender.ends_here());
        let (mut told, mut steps, mut left_out) = (Vec::new(), 0, 0);
        while let Some(event) = events.next().await {
            match event {
                Event::Writing { tokens, characters, .. } => told.push((tokens, characters)),
                Event::LeftOut { events } => left_out += events,
                _ => steps += 1,
            }
        }
        assert_eq!(told, [(26, 104), (51, 204)]);
        assert_eq!((steps, left_out), (4_100, 1));
    }
}
