//! The offline transport: answers in each wire format without a network.
//!
//! It stands where the real transport stands, so encode, recorder and decode run as they
//! do online. It decides what comes back: the next step of a script, else an answer that
//! says it is one from offline, or a verdict or a plan where one is asked for. The same input
//! gives the same bytes. [`asked`] reads a request as an API's server would, [`roles`] says what
//! the model would say, [`wires`] writes what the server would answer, [`streams`] how it would
//! stream it, [`errors`] how it would refuse it.

mod asked;
mod errors;
mod roles;
mod streams;
mod wires;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::StatusCode;

use self::asked::Asked;
use self::wires::Reply;
use super::{Credential, HttpRequest, HttpResponse, Phase, Transport, TransportError};

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
pub struct Scripted(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    requests: VecDeque<HttpRequest>,
    is_strict: bool,
}

enum Step {
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
        self.then(Step::Answer(text.into()))
    }

    /// Answers a verifier's request with a refusal that gives `reason`, in the form that is asked
    /// for; it repeats the nonce, which nobody knows beforehand. Any other request is answered
    /// with the plain form.
    #[must_use]
    pub fn revise(self, reason: impl Into<String>) -> Self {
        self.then(Step::Revise(reason.into()))
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
        self.then(Step::Status { status, retry_after: None })
    }

    /// Answers `status` and asks to wait, in the place where the asked API does: Gemini's
    /// error body, else the header `retry-after`, in whole seconds rounded up.
    #[must_use]
    pub fn status_with_retry_after(self, status: u16, retry_after: Duration) -> Self {
        self.then(Step::Status { status, retry_after: Some(retry_after) })
    }

    /// Answers exactly these bytes, of no stated type.
    #[must_use]
    pub fn raw(self, status: u16, body: impl Into<Bytes>) -> Self {
        self.then(Step::Raw { status, body: body.into() })
    }

    /// Answers 200 with exactly these bytes as server-sent events, whether or not a stream was
    /// asked for.
    #[must_use]
    pub fn events(self, body: impl Into<Bytes>) -> Self {
        self.then(Step::Events(body.into()))
    }

    /// Begins to stream the default answer and ends half-way with the error event that the
    /// asked API has for a status. Where no stream was asked for, the same as
    /// [`status`](Self::status).
    #[must_use]
    pub fn error_event(self, status: u16) -> Self {
        self.then(Step::ErrorEvent(status))
    }

    /// Answers 401 with a body that holds the key it was sent, as careless servers do.
    #[must_use]
    pub fn echo_credential(self) -> Self {
        self.then(Step::EchoCredential)
    }

    /// Begins the default answer and breaks off half-way.
    #[must_use]
    pub fn cut(self) -> Self {
        self.then(Step::Cut)
    }

    /// Begins the default answer and falls silent half-way, for ever.
    #[must_use]
    pub fn stall(self) -> Self {
        self.then(Step::Stall)
    }

    /// Refuses the connection.
    #[must_use]
    pub fn refuse(self) -> Self {
        self.then(Step::Refuse)
    }

    /// Takes the request and loses the connection before the head of a response.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// Never answers.
    #[must_use]
    pub fn hang(self) -> Self {
        self.then(Step::Hang)
    }

    /// Waits, on tokio's clock, before the step that follows, in the same call.
    #[must_use]
    pub fn delay(self, wait: Duration) -> Self {
        self.then(Step::Delay(wait))
    }

    /// The newest requests that were sent, at most 64, oldest first.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Adds a step; above [`MAX_STEPS`] it is left out.
    fn then(self, step: Step) -> Self {
        let mut state = self.lock();
        if state.steps.len() < MAX_STEPS {
            state.steps.push_back(step);
        }
        drop(state);
        self
    }

    /// Notes a request and takes its step with the wait before it.
    fn begin(&self, request: &HttpRequest) -> (Duration, Option<Step>) {
        let mut state = self.lock();
        if state.requests.len() == MAX_REQUESTS {
            state.requests.pop_front();
        }
        state.requests.push_back(request.clone());
        let mut wait = Duration::ZERO;
        loop {
            match state.steps.pop_front() {
                Some(Step::Delay(more)) => wait = wait.saturating_add(more),
                None if state.is_strict => return (wait, Some(Step::UsedUp)),
                step => return (wait, step),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
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
        let asked = Asked::read(request);
        Ok(match step {
            None => whole(asked.default_answer()),
            Some(Step::Answer(text)) => whole(asked.answer(&text)),
            Some(Step::Revise(reason)) => whole(asked.answer(&asked.revision(&reason))),
            Some(Step::UsedUp) => whole(asked.used_up()),
            Some(Step::Status { status, retry_after }) => {
                whole(asked.error(status_code(status), retry_after))
            }
            Some(Step::Raw { status, body }) => whole(Reply::plain(status_code(status), body)),
            Some(Step::Events(body)) => whole(Reply::events(vec![body])),
            Some(Step::ErrorEvent(status)) => whole(asked.broken_off(status_code(status))),
            Some(Step::EchoCredential) => {
                let header = credential.map(|sent| [sent.prefix, sent.secret.expose()].concat());
                whole(asked.refused_key(header.as_deref().unwrap_or("none")))
            }
            Some(Step::Cut) => {
                let broken = TransportError::new(Phase::Body, "connection closed");
                respond(asked.default_answer().first_half(), stream::iter([Err(broken)]))
            }
            Some(Step::Stall) => respond(asked.default_answer().first_half(), stream::pending()),
            Some(Step::Refuse) => {
                return Err(TransportError::new(Phase::Connect, "connection refused"));
            }
            Some(Step::Reset) => {
                return Err(TransportError::new(Phase::Send, "connection reset"));
            }
            // A delay never gets here: `begin` turned it into the wait.
            Some(Step::Hang | Step::Delay(_)) => std::future::pending().await,
        })
    }
}

fn tokens(chars: usize) -> usize {
    chars.div_ceil(CHARS_PER_TOKEN)
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn whole(reply: Reply) -> HttpResponse {
    respond(reply, stream::empty())
}

/// Puts a response on the wire; `then` comes after its bytes.
fn respond(
    reply: Reply,
    then: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
) -> HttpResponse {
    let Reply { status, headers, chunks } = reply;
    let body = stream::iter(chunks.into_iter().map(Ok)).chain(then);
    HttpResponse { status, headers, body: Box::pin(body) }
}

#[cfg(test)]
mod tests;
