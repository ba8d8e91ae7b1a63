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
mod request;
mod response;
mod roles;
mod server;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::StatusCode;

use self::request::ParsedRequest;
use self::response::ScriptedResponse;
use super::{
    Body, Credential, HttpRequest, HttpResponse, Phase, SentMark, Transport, TransportError,
};
use crate::model::SharedBytes;

/// The largest number of steps in a script. It is more than any test needs, and bounds a loop that
/// never stops.
const MAX_STEPS: usize = 1024;

/// The number of newest requests that [`Scripted::requests`] keeps. The memory of a server that
/// runs offline for days must not grow.
const MAX_REQUESTS: usize = 64;

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
pub struct Scripted(Arc<Mutex<ScriptState>>);

#[derive(Default)]
struct ScriptState {
    steps: VecDeque<ScriptStep>,
    requests: VecDeque<HttpRequest>,
    is_strict: bool,
}

enum ScriptStep {
    Answer(String),
    Revise(String),
    UsedUp,
    Status { status: u16, retry_after: Option<Duration> },
    Raw { status: u16, body: Bytes },
    Events(Bytes),
    ErrorEvent(u16),
    EchoCredential,
    Cut,
    Stall,
    Refuse,
    Unreachable,
    Exhausted,
    Reset,
    Hang,
    Delay(Duration),
}

impl ScriptStep {
    /// Returns whether a request is sent in this step.
    fn is_sent(&self) -> bool {
        !matches!(self, Self::Refuse | Self::Unreachable | Self::Exhausted)
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let mut shown = f.debug_struct("Scripted");
        shown.field("steps", &state.steps.len()).field("requests", &state.requests.len());
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

    /// Adds a step to the script. A step above [`MAX_STEPS`] is dropped.
    fn then(self, step: ScriptStep) -> Self {
        let mut state = self.lock();
        if state.steps.len() < MAX_STEPS {
            state.steps.push_back(step);
        }
        drop(state);
        self
    }

    /// Records a request, and returns the script's step for it and the wait before this step.
    fn begin(&self, request: &HttpRequest) -> (Duration, Option<ScriptStep>) {
        let mut state = self.lock();
        if state.requests.len() == MAX_REQUESTS {
            state.requests.pop_front();
        }
        state.requests.push_back(request.clone());
        let mut wait = Duration::ZERO;
        loop {
            match state.steps.pop_front() {
                Some(ScriptStep::Delay(more)) => wait = wait.saturating_add(more),
                None if state.is_strict => return (wait, Some(ScriptStep::UsedUp)),
                step => return (wait, step),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ScriptState> {
        // Every write is a single push or pop, so a poisoned state is still whole.
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
        let (wait, step) = self.begin(request);
        if step.as_ref().is_none_or(ScriptStep::is_sent) {
            mark.set();
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let asked = ParsedRequest::read(request);
        Ok(match step {
            None => whole(asked.default_answer()),
            Some(ScriptStep::Answer(text)) => whole(asked.answer(&text)),
            Some(ScriptStep::Revise(reason)) => whole(asked.answer(&asked.revision(&reason))),
            Some(ScriptStep::UsedUp) => whole(asked.used_up()),
            Some(ScriptStep::Status { status, retry_after }) => {
                whole(asked.error(status_code(status), retry_after))
            }
            Some(ScriptStep::Raw { status, body }) => {
                whole(ScriptedResponse::plain(status_code(status), body))
            }
            Some(ScriptStep::Events(body)) => whole(ScriptedResponse::events(vec![body])),
            Some(ScriptStep::ErrorEvent(status)) => whole(asked.broken_off(status_code(status))),
            Some(ScriptStep::EchoCredential) => {
                let header = credential.map(|sent| [sent.prefix, sent.secret.expose()].concat());
                whole(asked.refused_key(header.as_deref().unwrap_or("none")))
            }
            Some(ScriptStep::Cut) => {
                let broken = TransportError::new(Phase::Body, "connection closed");
                respond(asked.default_answer().first_half(), stream::iter([Err(broken)]))
            }
            Some(ScriptStep::Stall) => {
                respond(asked.default_answer().first_half(), stream::pending())
            }
            Some(ScriptStep::Refuse) => return broken(Phase::Connect, "connection refused"),
            Some(ScriptStep::Exhausted) => {
                return broken(Phase::OutOfResources, "too many open files");
            }
            Some(ScriptStep::Reset) => return broken(Phase::Send, "connection reset"),
            // A delay never arrives here, because `begin` turned it into the wait.
            Some(ScriptStep::Hang | ScriptStep::Unreachable | ScriptStep::Delay(_)) => {
                std::future::pending().await
            }
        })
    }
}

/// Estimates the number of tokens in a text of this many characters.
fn tokens(chars: usize) -> usize {
    chars.div_ceil(CHARS_PER_TOKEN)
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn broken(phase: Phase, message: &str) -> Result<HttpResponse, TransportError> {
    Err(TransportError::new(phase, message))
}

fn whole(response: ScriptedResponse) -> HttpResponse {
    respond(response, stream::empty())
}

/// Turns a scripted response into an HTTP response whose body ends with `then`.
fn respond(
    response: ScriptedResponse,
    then: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
) -> HttpResponse {
    let ScriptedResponse { status, headers, chunks } = response;
    let body = stream::iter(chunks.into_iter().map(Ok)).chain(then);
    HttpResponse { status, headers, body: Body::from_stream(body) }
}

#[cfg(test)]
mod tests;
