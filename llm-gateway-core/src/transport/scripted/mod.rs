//! The offline transport: answers in each wire format without a network.
//!
//! The transport takes the place of the network, so encoding, recording and decoding run as they do
//! online. It decides what a request is answered with: the next step of a script, or without one a
//! text that says it comes from offline, or a verdict or a plan if the request asks for one. The
//! same input gives the same bytes. [`request`] reads a request as the server of its API would,
//! [`roles`] makes up what the model says, [`response`] builds the response. How a server reads and
//! writes is in the file of its dialect: [`openai`], [`anthropic`], [`gemini`].

mod anthropic;
mod gemini;
mod openai;
mod play;
mod provider_script;
mod request;
mod response;
mod roles;
mod script;
mod server;
mod unfinished;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::play::play;
use self::script::{BegunStep, Script, ScriptStep};
use super::{Credential, HttpRequest, HttpResponse, SentMark, Transport, TransportError};
use crate::model::{ProviderName, SharedBytes};

use self::provider_script::ProviderScript;
pub use self::unfinished::UnfinishedScript;

/// The number of characters that count as one token, a usual estimate for English text. The
/// policy's `chars_per_token` has the same default.
const CHARS_PER_TOKEN: usize = 4;

/// A transport that answers requests without a network, from a script or with default answers.
///
/// Without a script it answers every request with a short text that names the model and quotes the
/// prompt, as a stream if one is asked for. A verifier's request is answered with an acceptance in
/// the form that it asks for, a planner's with a plan. Each builder method adds a step to the
/// script, and each call takes the next step; retries and repairs of a verdict are calls too. After
/// the last step it answers as without a script, so it accepts whatever a verifier is asked about;
/// [`strict`](Self::strict) makes such a call fail. A clone shares the script and the requests, so
/// a test can keep a handle.
///
/// ```
/// use http::HeaderMap;
/// use llm_gateway_core::transport::{HttpRequest, Scripted, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = Scripted::new().status(429).answer("at the second try");
/// let request = HttpRequest::post(
///     "https://api.openai.com/v1/chat/completions".to_owned(),
///     HeaderMap::new(),
///     r#"{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}"#,
/// );
/// assert_eq!(transport.send(&request, None).await?.status, 429);
/// assert_eq!(transport.send(&request, None).await?.status, 200);
/// assert_eq!(transport.requests(), [request.clone(), request]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Scripted(Arc<Mutex<Script>>);

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.lock();
        let mut shown = f.debug_struct("Scripted");
        shown.field("steps", &script.steps.len()).field("requests", &script.requests.len());
        shown.finish_non_exhaustive()
    }
}

impl Scripted {
    /// Creates a transport without a script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step to the script that answers with the whole of `text`, whatever the request's
    /// bound on output.
    #[must_use]
    pub fn answer(self, text: impl Into<String>) -> Self {
        self.then(ScriptStep::Answer(text.into()))
    }

    /// Adds a step to the script that answers a verifier's request with a refusal for `reason`, in
    /// the form that the request asks for. The refusal repeats the nonce of the request, which a
    /// test cannot know. Any other request is answered with the plain form.
    #[must_use]
    pub fn revise(self, reason: impl Into<String>) -> Self {
        self.then(ScriptStep::Revise(reason.into()))
    }

    /// Answers every call after the script's last step with status 400 and a message that says so,
    /// for tests that rely on their script.
    #[must_use]
    pub fn strict(self) -> Self {
        self.lock().is_strict = true;
        self
    }

    /// Adds a step to the script that answers 200 without any text.
    #[must_use]
    pub fn empty(self) -> Self {
        self.answer("")
    }

    /// Adds a step to the script that answers `status` with the error body that the request's API
    /// has for it. A number that is not an HTTP status answers 500, here and in [`raw`](Self::raw).
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.then(ScriptStep::Status { status, retry_after: None })
    }

    /// Adds a step to the script that answers `status` and asks to wait, in the place where the
    /// request's API does: in the error body of Gemini, else in the header `retry-after`, in whole
    /// seconds rounded up.
    #[must_use]
    pub fn status_with_retry_after(self, status: u16, retry_after: Duration) -> Self {
        self.then(ScriptStep::Status { status, retry_after: Some(retry_after) })
    }

    /// Adds a step to the script that answers exactly these bytes, without a content type.
    #[must_use]
    pub fn raw(self, status: u16, body: impl Into<SharedBytes>) -> Self {
        self.then(ScriptStep::Raw { status, body: body.into().into_bytes() })
    }

    /// Adds a step to the script that answers 200 with exactly these bytes as server-sent events,
    /// whether or not the request asks for a stream.
    #[must_use]
    pub fn events(self, body: impl Into<SharedBytes>) -> Self {
        self.then(ScriptStep::Events(body.into().into_bytes()))
    }

    /// Adds a step to the script that streams half of the default answer and then the error event
    /// that the request's API has for `status`. A request for a whole answer is answered as by
    /// [`status`](Self::status).
    #[must_use]
    pub fn error_event(self, status: u16) -> Self {
        self.then(ScriptStep::ErrorEvent(status))
    }

    /// Adds a step to the script that answers 401 with a body that holds the key that was sent, as
    /// careless servers do.
    #[must_use]
    pub fn echo_credential(self) -> Self {
        self.then(ScriptStep::EchoCredential)
    }

    /// Adds a step to the script that begins the default answer and breaks off half-way.
    #[must_use]
    pub fn cut(self) -> Self {
        self.then(ScriptStep::Cut)
    }

    /// Adds a step to the script that begins the default answer and falls silent half-way, for
    /// ever.
    #[must_use]
    pub fn stall(self) -> Self {
        self.then(ScriptStep::Stall)
    }

    /// Adds a step to the script that refuses the connection.
    #[must_use]
    pub fn refuse(self) -> Self {
        self.then(ScriptStep::Refuse)
    }

    /// Adds a step to the script whose connection is never made: it is not refused, and nothing is
    /// sent.
    #[must_use]
    pub fn unreachable(self) -> Self {
        self.then(ScriptStep::Unreachable)
    }

    /// Adds a step to the script for which this process has no descriptor left.
    #[must_use]
    pub fn out_of_resources(self) -> Self {
        self.then(ScriptStep::Exhausted)
    }

    /// Adds a step to the script that accepts the request and loses the connection before the head
    /// of a response.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(ScriptStep::Reset)
    }

    /// Adds a step to the script that never answers.
    #[must_use]
    pub fn hang(self) -> Self {
        self.then(ScriptStep::Hang)
    }

    /// Adds a wait on tokio's clock before the script's next step, in the same call.
    #[must_use]
    pub fn delay(self, wait: Duration) -> Self {
        self.then(ScriptStep::Delay(wait))
    }

    /// Returns the newest requests that were sent to the transport, at most 64, oldest first.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Answers the calls to `target`, written as `provider/model`, from `script` instead.
    ///
    /// The steps of a target are for it alone, so that what it answers does not depend on the order
    /// in which the members of a panel are asked. After the last of them a call is answered as by
    /// any script: with a default answer, or refused if one of the two scripts is
    /// [`strict`](Self::strict). Calls to all other targets take the steps of this script. A target
    /// that is named twice has the steps of both, in order.
    ///
    /// Targets are told apart by [`GatewayBuilder::scripted`](crate::GatewayBuilder::scripted),
    /// which refuses one that its policy does not have.
    ///
    /// ```
    /// use llm_gateway_core::{Gateway, Request, Scripted};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let policy = "
    /// defaults:
    ///   vote:
    ///     members:
    ///       - {provider: openai, model: gpt-6-luna}
    ///       - {provider: anthropic, model: claude-haiku-5-5}
    /// ";
    /// let script = Scripted::new()
    ///     .target("anthropic/claude-haiku-5-5", Scripted::new().answer("no"))
    ///     .target("openai/gpt-6-luna", Scripted::new().answer("yes"));
    /// let gateway = Gateway::for_tests(policy, script.clone())?;
    /// let panel = gateway.panel(Request::new("vote", "Is 91 prime?")).await?;
    /// let texts: Vec<_> = panel.answers().map(|answer| answer.text()).collect();
    /// assert_eq!(texts, ["yes", "no"]);
    /// script.finish()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn target(self, target: impl Into<String>, script: Scripted) -> Self {
        self.lock().targets.push((target.into(), script));
        self
    }

    /// Checks that the script was played to its end: that every step was used, and that no call
    /// was refused because none was left. It is the last line of a test.
    ///
    /// # Errors
    /// [`UnfinishedScript`] names, for each target, the steps that nobody asked for and the number
    /// of calls that found none, and what of the script could never be played.
    pub fn finish(&self) -> Result<(), UnfinishedScript> {
        UnfinishedScript::of(self)
    }

    /// Creates the transport of one provider, whose calls take the steps of its targets.
    pub(crate) fn for_provider(&self, provider: ProviderName) -> ProviderScript {
        ProviderScript { script: self.clone(), provider }
    }

    /// Returns what of the script could never be played, whatever was asked.
    pub(crate) fn faults(&self) -> Vec<String> {
        let (fault, targets) = {
            let script = self.lock();
            (script.fault(""), script.targets.clone())
        };
        let of_targets = targets.iter().flat_map(|(target, script)| {
            let script = script.lock();
            let nested = (!script.targets.is_empty())
                .then(|| format!("the script of {target} has targets of its own"));
            script.fault(&format!(" of {target}")).into_iter().chain(nested)
        });
        fault.into_iter().chain(of_targets).collect()
    }

    /// Returns the targets that have steps which were not used yet.
    pub(crate) fn waiting_targets(&self) -> Vec<String> {
        let targets = self.lock().targets.clone();
        let waiting = targets.into_iter().filter(|(_, script)| !script.lock().steps.is_empty());
        waiting.map(|(target, _)| target).collect()
    }

    /// Records a request, and returns the step for it: the next of its target's, else the next of
    /// all. `target` is empty where it is not known.
    fn begin(&self, request: &HttpRequest, target: &str) -> BegunStep {
        let faults = self.faults();
        let (own, is_strict) = {
            let mut script = self.lock();
            script.record(request);
            let of_target = script.targets.iter().filter(|(name, _)| name == target);
            (of_target.map(|(_, script)| script.clone()).collect::<Vec<_>>(), script.is_strict)
        };
        if let Some(fault) = faults.first() {
            return BegunStep {
                wait: Duration::ZERO,
                step: Some(ScriptStep::UsedUp(fault.clone())),
            };
        }
        let mut begun = match own.is_empty() {
            true => self.lock().take(),
            false => first_step(&own, request),
        };
        let refuses = is_strict || own.iter().any(|script| script.lock().is_strict);
        if begun.step.is_none() && refuses {
            begun.step = Some(ScriptStep::UsedUp(self.count_refused(target)));
        }
        begun
    }

    /// Counts a call for which no step is left, and returns the words for it.
    fn count_refused(&self, target: &str) -> String {
        let mut script = self.lock();
        let calls = script.refused.entry(target.to_owned()).or_default();
        *calls = calls.saturating_add(1);
        match target {
            "" => "the script has no further step".to_owned(),
            target => format!("the script has no further step for {target}"),
        }
    }

    fn then(self, step: ScriptStep) -> Self {
        self.lock().add(step);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        // Every write is a single push or pop, so a poisoned script is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.send_marked(request, credential, &SentMark::new()).await
    }

    async fn send_marked(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
        mark: &SentMark,
    ) -> Result<HttpResponse, TransportError> {
        play(self.begin(request, ""), request, credential, mark).await
    }

    fn needs_isolation(&self) -> bool {
        false
    }
}

/// Takes the next step of the first script that has one left.
fn first_step(scripts: &[Scripted], request: &HttpRequest) -> BegunStep {
    let mut wait = Duration::ZERO;
    for script in scripts {
        let mut script = script.lock();
        let begun = script.take();
        wait = wait.saturating_add(begun.wait);
        if begun.step.is_some() {
            script.record(request);
            return BegunStep { wait, ..begun };
        }
    }
    BegunStep { wait, step: None }
}

/// Estimates the number of tokens in a text of this many characters.
fn tokens(chars: usize) -> usize {
    chars.div_ceil(CHARS_PER_TOKEN)
}

#[cfg(test)]
mod tests;
