//! The trait of the offline servers: what each API's server reads in a request and writes as an
//! answer.
//!
//! Each dialect implements [`Server`] in a file of its own. These files are the other side of
//! [`crate::provider`]: they are written from the providers' documentation and share no code with
//! the adapters, so that a mistake there shows.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

/// The offline server of one API: reads requests and writes answers as the real one does.
pub(super) trait Server: Send + Sync {
    /// Returns whether requests to `path` belong to the API.
    fn serves(&self, path: &str) -> bool;

    /// Returns the id of the model that a request asks for; `None` if it names none.
    fn model(&self, path: &str, body: &Value) -> Option<String>;

    /// Returns whether a request asks for a stream.
    fn is_stream(&self, path: &str, body: &Value) -> bool;

    /// Returns whether the stream that answers a request ends with its token counts.
    fn counts_stream_tokens(&self, _body: &Value) -> bool {
        true
    }

    /// Returns the bound on output tokens that a request sets; `None` if it sets none.
    fn max_tokens<'b>(&self, body: &'b Value) -> Option<&'b Value>;

    /// Returns the fields of a request's body that hold the texts of its prompt.
    fn prompt<'b>(&self, body: &'b Value) -> PromptFields<'b>;

    /// Writes the JSON body of a whole answer.
    fn body(&self, answer: &ScriptedAnswer<'_>) -> Value;

    /// Writes an answer as the events of a stream, a word at a time, each event a chunk of its own.
    fn events(&self, answer: &ScriptedAnswer<'_>) -> Vec<Bytes>;

    /// Writes the JSON body of an error.
    fn error_body(&self, error: &ServerError<'_>) -> Value;

    /// Writes an error body as the event that ends a stream.
    fn error_event(&self, body: &Value) -> Bytes;

    /// Returns whether an error asks to wait in the header `retry-after`. An API that does not use
    /// the header says so in the body.
    fn sends_retry_after(&self) -> bool;
}

/// The fields of a request's body that hold the texts of its prompt.
pub(super) struct PromptFields<'b> {
    /// The system text, if the API has a field of its own for it.
    pub(super) system: Option<&'b Value>,
    /// The list of messages in the request's body.
    pub(super) messages: Option<&'b Value>,
    /// The name of the field of a message that holds its text.
    pub(super) content: &'static str,
}

/// An answer of the offline transport before a server writes it.
pub(super) struct ScriptedAnswer<'a> {
    /// The id of the model that answers.
    pub(super) model: &'a str,
    /// Hex digits of the request's hash, from which the ids of the answer are made.
    pub(super) digest: &'a str,
    /// The size of the request's whole prompt, in tokens.
    pub(super) input_tokens: usize,
    /// The size of the answer's text, in tokens.
    pub(super) output_tokens: usize,
    /// The text of the answer.
    pub(super) text: &'a str,
    /// The reason why the answer ends.
    pub(super) stop: StopReason,
    /// Whether the answer as a stream ends with its token counts.
    pub(super) counts_stream_tokens: bool,
}

/// The reason why a model's answer ends.
#[derive(Clone, Copy)]
pub(super) enum StopReason {
    /// The model came to the end of its answer.
    Stop,
    /// The answer reached the request's bound on output tokens.
    Length,
}

/// An error of the offline transport before a server writes it.
pub(super) struct ServerError<'a> {
    /// The HTTP status of the error's response.
    pub(super) status: StatusCode,
    /// The error's message for a person.
    pub(super) message: &'a str,
    /// The wait that the error asks for before the next request.
    pub(super) retry_after: Option<Duration>,
    /// Hex digits of the request's hash, from which the ids of the error are made.
    pub(super) digest: &'a str,
}

/// Returns whether a JSON value is `true`.
pub(super) fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool).unwrap_or(false)
}
