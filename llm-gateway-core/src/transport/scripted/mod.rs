//! The offline transport: answers in each wire format without a network.
//!
//! It stands where the real transport stands, so encode, recorder and decode run as they
//! do online. It decides what comes back: the next step of a script, else an answer that
//! says it is one from offline, or a verdict or a plan where one is asked for. The same input
//! gives the same bytes. [`request`] reads a request as an API's server would, [`roles`] says what
//! the model would say, [`response`] builds what the server answers. How a server reads and writes
//! is its dialect's file: [`openai`], [`anthropic`], [`gemini`].

mod anthropic;
mod gemini;
mod openai;
mod request;
mod response;
mod roles;
mod server;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::StatusCode;

use self::request::ParsedRequest;
use self::response::ScriptedResponse;
use super::{Body, Credential, HttpRequest, HttpResponse, Phase, Transport, TransportError};
use crate::model::SharedBytes;

/// A script longer than any test's; it bounds a loop that forgot to stop.
const MAX_STEPS: usize = 1024;

/// Requests kept for [`Scripted::requests`], the newest; a server that runs offline for
/// days must not grow.
const MAX_REQUESTS: usize = 64;

/// The rule of thumb for English text; the contract's `chars_per_token` defaults to it too.
const CHARS_PER_TOKEN: usize = 4;

/// A transport that answers by itself, offline.
///
/// Without a script it answers every request with a short text that names the model and
/// quotes the prompt, as a stream where one is asked for. A verifier's request it accepts, in
/// the form asked for, and a planner's gets a plan. Each builder method adds a step; each call
/// takes the next one, retries and repairs of a verdict too. After the last step it answers as
/// without a script, which accepts whatever a verifier is asked about; [`strict`](Self::strict)
/// refuses such a call. A clone shares script and requests, so a test can keep a handle.
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
    Reset,
    Hang,
    Delay(Duration),
}

impl Scripted {
    /// A transport without a script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers with `text`, in full, whatever the request's bound on output.
    #[must_use]
    pub fn answer(self, text: impl Into<String>) -> Self {
        self.then(ScriptStep::Answer(text.into()))
    }

    /// Answers a verifier's request with a refusal that gives `reason`, in the form that is asked
    /// for; it repeats the nonce, which nobody knows beforehand. Any other request is answered
    /// with the plain form.
    #[must_use]
    pub fn revise(self, reason: impl Into<String>) -> Self {
        self.then(ScriptStep::Revise(reason.into()))
    }

    /// Refuses every call after the last step, with status 400 and words that say so, for tests
    /// that count on their script.
    #[must_use]
    pub fn strict(self) -> Self {
        self.lock().is_strict = true;
        self
    }

    /// Answers 200 with no text in it.
    #[must_use]
    pub fn empty(self) -> Self {
        self.answer("")
    }

    /// Answers `status` with the error body that the asked API has for it. A number that is
    /// no HTTP status answers 500, here and in [`raw`](Self::raw).
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.then(ScriptStep::Status { status, retry_after: None })
    }

    /// Answers `status` and asks to wait, in the place where the asked API does: Gemini's
    /// error body, else the header `retry-after`, in whole seconds rounded up.
    #[must_use]
    pub fn status_with_retry_after(self, status: u16, retry_after: Duration) -> Self {
        self.then(ScriptStep::Status { status, retry_after: Some(retry_after) })
    }

    /// Answers exactly these bytes, of no stated type.
    #[must_use]
    pub fn raw(self, status: u16, body: impl Into<SharedBytes>) -> Self {
        self.then(ScriptStep::Raw { status, body: body.into().into_bytes() })
    }

    /// Answers 200 with exactly these bytes as server-sent events, whether or not a stream was
    /// asked for.
    #[must_use]
    pub fn events(self, body: impl Into<SharedBytes>) -> Self {
        self.then(ScriptStep::Events(body.into().into_bytes()))
    }

    /// Begins to stream the default answer and ends half-way with the error event that the
    /// asked API has for a status. Where no stream was asked for, the same as
    /// [`status`](Self::status).
    #[must_use]
    pub fn error_event(self, status: u16) -> Self {
        self.then(ScriptStep::ErrorEvent(status))
    }

    /// Answers 401 with a body that holds the key it was sent, as careless servers do.
    #[must_use]
    pub fn echo_credential(self) -> Self {
        self.then(ScriptStep::EchoCredential)
    }

    /// Begins the default answer and breaks off half-way.
    #[must_use]
    pub fn cut(self) -> Self {
        self.then(ScriptStep::Cut)
    }

    /// Begins the default answer and falls silent half-way, for ever.
    #[must_use]
    pub fn stall(self) -> Self {
        self.then(ScriptStep::Stall)
    }

    /// Refuses the connection.
    #[must_use]
    pub fn refuse(self) -> Self {
        self.then(ScriptStep::Refuse)
    }

    /// Takes the request and loses the connection before the head of a response.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(ScriptStep::Reset)
    }

    /// Never answers.
    #[must_use]
    pub fn hang(self) -> Self {
        self.then(ScriptStep::Hang)
    }

    /// Waits, on tokio's clock, before the step that follows, in the same call.
    #[must_use]
    pub fn delay(self, wait: Duration) -> Self {
        self.then(ScriptStep::Delay(wait))
    }

    /// The newest requests that were sent, at most 64, oldest first.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Adds a step; above [`MAX_STEPS`] it is left out.
    fn then(self, step: ScriptStep) -> Self {
        let mut state = self.lock();
        if state.steps.len() < MAX_STEPS {
            state.steps.push_back(step);
        }
        drop(state);
        self
    }

    /// Notes a request and takes its step with the wait before it.
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
        let (wait, step) = self.begin(request);
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
            Some(ScriptStep::Refuse) => {
                return Err(TransportError::new(Phase::Connect, "connection refused"));
            }
            Some(ScriptStep::Reset) => {
                return Err(TransportError::new(Phase::Send, "connection reset"));
            }
            // A delay never gets here: `begin` turned it into the wait.
            Some(ScriptStep::Hang | ScriptStep::Delay(_)) => std::future::pending().await,
        })
    }
}

fn tokens(chars: usize) -> usize {
    chars.div_ceil(CHARS_PER_TOKEN)
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn whole(response: ScriptedResponse) -> HttpResponse {
    respond(response, stream::empty())
}

/// Puts a response on the wire; `then` comes after its bytes.
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
