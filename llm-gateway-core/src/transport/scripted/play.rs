//! Plays a step of a script: what a request is answered with, or how its connection breaks.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::StatusCode;

use super::request::ParsedRequest;
use super::response::ScriptedResponse;
use super::script::{BegunStep, ScriptStep};
use crate::transport::{
    Body, Credential, HttpRequest, HttpResponse, Phase, SentMark, TransportError,
};

/// Plays the step that a request has begun, after its wait.
pub(super) async fn play(
    begun: BegunStep,
    request: &HttpRequest,
    credential: Option<&Credential>,
    mark: &SentMark,
) -> Result<HttpResponse, TransportError> {
    let BegunStep { wait, step } = begun;
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
        Some(ScriptStep::UsedUp(message)) => whole(asked.used_up(&message)),
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
        Some(ScriptStep::Stall) => respond(asked.default_answer().first_half(), stream::pending()),
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
