//! Builds the offline transport's responses: an answer or an error, as the server of the API writes
//! it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::request::ParsedRequest;
use super::server::{ScriptedAnswer, ServerError, StopReason};
use super::{CHARS_PER_TOKEN, tokens};

/// A response of the offline transport before it is put on the wire.
pub(super) struct ScriptedResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The response's body in the chunks that the network delivers: of a stream, one event each.
    pub(super) chunks: Vec<Bytes>,
}

impl ScriptedResponse {
    /// Creates a scripted response without a content type.
    pub(super) fn plain(status: StatusCode, body: Bytes) -> Self {
        Self { status, headers: HeaderMap::new(), chunks: vec![body] }
    }

    /// Creates a scripted response with status 200 and server-sent events.
    pub(super) fn events(chunks: Vec<Bytes>) -> Self {
        let stream = HeaderValue::from_static("text/event-stream");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, stream)]);
        Self { status: StatusCode::OK, headers, chunks }
    }

    /// Creates a scripted response with a JSON body.
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        Self { status, headers, chunks: vec![body.to_string().into()] }
    }

    /// Keeps the head of the response and the first half of its body's bytes.
    pub(super) fn first_half(mut self) -> Self {
        let mut left = self.chunks.iter().map(Bytes::len).sum::<usize>() / 2;
        for chunk in &mut self.chunks {
            chunk.truncate(left);
            left -= chunk.len();
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
        self
    }
}

impl ParsedRequest {
    /// Answers the request with what the model says without a script, cut at the bound on output as
    /// a model's answer would be.
    pub(super) fn default_answer(&self) -> ScriptedResponse {
        let text = self.default_text();
        let bound = self.max_tokens.unwrap_or(usize::MAX).saturating_mul(CHARS_PER_TOKEN);
        match text.char_indices().nth(bound) {
            Some((cut, _)) => self.success(text.get(..cut).unwrap_or_default(), StopReason::Length),
            None => self.success(&text, StopReason::Stop),
        }
    }

    /// Answers the request with exactly this text, as its API writes an answer.
    pub(super) fn answer(&self, text: &str) -> ScriptedResponse {
        self.success(text, StopReason::Stop)
    }

    fn success(&self, text: &str, stop: StopReason) -> ScriptedResponse {
        if let Some(status) = self.fault {
            return self.error(status, None);
        }
        let answer = ScriptedAnswer {
            model: &self.model,
            digest: &self.digest,
            input_tokens: self.input_tokens,
            output_tokens: tokens(text.chars().count()),
            text,
            stop,
            counts_stream_tokens: self.counts_stream_tokens,
        };
        if self.is_stream {
            return ScriptedResponse::events(self.server.events(&answer));
        }
        ScriptedResponse::json(StatusCode::OK, &self.server.body(&answer))
    }

    /// Answers the request with an HTTP status and the API's own error body for this status.
    pub(super) fn error(
        &self,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ScriptedResponse {
        let message = format!("scripted status {}", status.as_u16());
        self.failure(status, &message, retry_after)
    }

    /// Answers the request with the first half of the default answer as a stream, then the API's
    /// own error event for a status. A request for a whole answer gets that status.
    pub(super) fn broken_off(&self, status: StatusCode) -> ScriptedResponse {
        if !self.is_stream {
            return self.error(status, None);
        }
        let mut response = self.default_answer();
        response.chunks.truncate(response.chunks.len() / 2);
        let message = format!("scripted status {}", status.as_u16());
        let body = self.error_body(status, &message, None);
        response.chunks.push(self.server.error_event(&body));
        response
    }

    /// Answers the request with status 400 and a message why the script has no step for it.
    pub(super) fn used_up(&self, message: &str) -> ScriptedResponse {
        self.failure(StatusCode::BAD_REQUEST, message, None)
    }

    /// Answers the request with status 401 and a message that repeats the key that was sent.
    pub(super) fn refused_key(&self, sent: &str) -> ScriptedResponse {
        let message = format!("Incorrect API key provided: {sent}");
        self.failure(StatusCode::UNAUTHORIZED, &message, None)
    }

    fn failure(
        &self,
        status: StatusCode,
        message: &str,
        retry_after: Option<Duration>,
    ) -> ScriptedResponse {
        let body = self.error_body(status, message, retry_after);
        let mut response = ScriptedResponse::json(status, &body);
        if let Some(wait) = retry_after.filter(|_| self.server.sends_retry_after()) {
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
            response.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn error_body(
        &self,
        status: StatusCode,
        message: &str,
        retry_after: Option<Duration>,
    ) -> Value {
        let digest = &self.digest;
        self.server.error_body(&ServerError { status, message, retry_after, digest })
    }
}
