//! A provider of the embedding program, under the rules of every provider.
//!
//! [`OwnProvider`] stands between the gateway and a provider that it does not know. It bounds the
//! time of an attempt by the policy, decides whether an answer is one, and turns a panic into the
//! failure of this attempt alone. What was recorded or said after an attempt has ended is ignored.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use super::dialect::{is_no_answer, without_text, without_thinking};
use super::http::in_provider_time;
use super::late::{INTERRUPTED_HINT, late};
use super::relay::{HeardText, relay};
use super::{Call, Prepared, Provider, SendContext};
use crate::error::{Category, Error};
use crate::isolation::{Interrupted, caught, isolated};
use crate::model::{Capability, Completion, Endpoint, ModelId, OutputPart, Target};
use crate::transport::{CallProgress, Recorder};

/// A provider that the embedding program brings, with what the policy says of it.
pub(crate) struct OwnProvider {
    provider: Arc<dyn Provider>,
    endpoint: Endpoint,
}

impl OwnProvider {
    /// Puts a provider under the rules of its entry in the policy.
    pub(crate) fn new(provider: Arc<dyn Provider>, endpoint: Endpoint) -> Self {
        Self { provider, endpoint }
    }

    fn target(&self, model: &ModelId) -> Target {
        Target::new(self.endpoint.provider.clone(), model.clone())
    }

    /// Creates the error of code of the provider that came to no end in `step`.
    fn interrupted(&self, how: Interrupted, step: &str, model: &ModelId) -> Error {
        let message = format!("{} {how} in `{step}`", self.endpoint.provider);
        let error = Error::new(Category::Internal, message).with_target(self.target(model));
        // The same would happen again, so only another target is asked.
        error.with_lasting_cause().with_hint(INTERRUPTED_HINT)
    }

    /// Sends a call once, and passes on what is heard of its answer.
    async fn exchange(
        &self,
        prepared: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        let (recorder, _attempt) = context.recorder().for_attempt();
        let (relay, heard) = relay();
        let (provider, sent) = (Arc::clone(&self.provider), prepared.clone());
        let relayed = context.detached(relay);
        let work = async move {
            let context = relayed.recorded_by(&recorder);
            provider.send_with(&sent, &context).await
        };
        let answered = passing_on(heard, context, isolated(work)).await;
        let step = "send";
        answered.unwrap_or_else(|how| Err(self.interrupted(how, step, &prepared.call.model)))
    }

    /// Returns an answer that can be used, or the error of one that cannot, as a built-in provider
    /// does.
    fn usable(&self, mut answer: Completion, call: &Call, heard: u64) -> Result<Completion, Error> {
        let text = answer.joined_text();
        let mut seen = text.as_str();
        // What a reader has heard already is not taken back.
        if call.capabilities.contains(&Capability::ThinkTags) && heard == 0 {
            seen = without_thinking(&text);
        }
        if is_no_answer(seen) {
            return Err(self.unusable(answer, call));
        }
        if seen.len() < text.len() {
            answer.parts = vec![OutputPart::Text(seen.to_owned())];
        }
        Ok(answer)
    }

    /// Creates the error of an answer without any text.
    fn unusable(&self, answer: Completion, call: &Call) -> Error {
        let reasoning = answer.usage.map_or(0, |usage| usage.reasoning);
        let (category, what, hint) = without_text(answer.finish_reason, reasoning, call.max_tokens);
        let message = format!("{} {what}", self.endpoint.provider);
        let error = Error::new(category, message).with_target(self.target(&call.model));
        // The provider has answered, so even a filtered answer is no refusal.
        let error = error.with_possible_bill();
        let error = hint.into_iter().fold(error, Error::with_hint);
        let error = answer.usage.into_iter().fold(error, Error::with_usage);
        answer.model.into_iter().fold(error, Error::with_answered_by)
    }
}

#[async_trait]
impl Provider for OwnProvider {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        let model = call.model.clone();
        let prepared = caught(|| self.provider.prepare(call));
        let interrupted = |how| Err(self.interrupted(how, "prepare", &model).with_nothing_sent());
        prepared.unwrap_or_else(interrupted)
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        self.send_with(prepared, &SendContext::new(recorder)).await
    }

    async fn send_with(
        &self,
        prepared: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        let Endpoint { timeout, idle_timeout, .. } = self.endpoint;
        let (progress, call) = (context.progress(), &prepared.call);
        let by = Instant::now() + timeout;
        let sent = unless_silent(idle_timeout, progress, self.exchange(prepared, context));
        let late = |what, setting, limit| late(self.target(&call.model), what, setting, limit);
        let answer = match in_provider_time(by, progress, sent).await {
            Ok(Ok(answered)) => answered?,
            Ok(Err(Silence)) if idle_timeout < timeout => {
                return Err(late("reported nothing", "idle_timeout_s", idle_timeout));
            }
            Ok(Err(Silence)) | Err(_) => {
                return Err(late("did not finish", "timeout_s", timeout));
            }
        };
        self.usable(answer, call, context.chars())
    }
}

/// The error of an attempt that showed no sign of work for too long.
struct Silence;

/// Waits for `work`, until its provider has been silent for `longest`.
async fn unless_silent<T>(
    longest: Duration,
    progress: &CallProgress,
    work: impl Future<Output = T>,
) -> Result<T, Silence> {
    let mut work = pin!(work);
    let began = Instant::now();
    loop {
        let by = progress.last_sign().unwrap_or(began).max(began) + longest;
        match timeout_at(by, &mut work).await {
            Ok(done) => return Ok(done),
            Err(_) if progress.last_sign().is_some_and(|sign| sign + longest > by) => {}
            Err(_) => return Err(Silence),
        }
    }
}

/// Waits for `work`, and passes on the text that it hears meanwhile.
async fn passing_on<T>(
    mut heard: Receiver<HeardText>,
    context: &SendContext<'_>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            Some(HeardText { text, passed_on }) = heard.recv() => {
                context.heard(&text).await;
                // Whoever said it may have gone on.
                passed_on.send(()).ok();
            }
            done = &mut work => return done,
        }
    }
}
