//! What the server of each API reads in a request and writes as an answer.
//!
//! Each dialect implements [`Server`] in a file of its own. Those files are the other side of
//! [`crate::provider`]: they are written from the providers' documentation and share no code with
//! the adapters, so that a mistake there shows.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

/// The server of one API.
pub(super) trait Server: Send + Sync {
    /// Whether the API has requests to `path`.
    fn serves(&self, path: &str) -> bool;

    /// The model that a request asks for; `None` if it names none.
    fn model(&self, path: &str, body: &Value) -> Option<String>;

    /// Whether a request asks for a stream.
    fn is_stream(&self, path: &str, body: &Value) -> bool;

    /// Whether a stream ends with its token counts.
    fn counts_stream_tokens(&self, _body: &Value) -> bool {
        true
    }

    /// The bound on output tokens that a request sends.
    fn max_tokens<'b>(&self, body: &'b Value) -> Option<&'b Value>;

    /// The texts of a request's prompt.
    fn prompt<'b>(&self, body: &'b Value) -> PromptFields<'b>;

    /// Writes a whole answer.
    fn body(&self, answer: &ScriptedAnswer<'_>) -> Value;

    /// Writes an answer as the events of a stream, a word at a time, each event a chunk of its own.
    fn events(&self, answer: &ScriptedAnswer<'_>) -> Vec<Bytes>;

    /// Writes an error.
    fn error_body(&self, error: &ServerError<'_>) -> Value;

    /// Writes an error body as the event that ends a stream.
    fn error_event(&self, body: &Value) -> Bytes;

    /// Whether an error asks to wait in the header `retry-after`. An API that does not use the
    /// header says so in the body.
    fn sends_retry_after(&self) -> bool;
}

/// Where the texts of a prompt stand in the body of a request.
pub(super) struct PromptFields<'b> {
    /// The system text, where the API has a place of its own for it.
    pub(super) system: Option<&'b Value>,
    /// The list of messages.
    pub(super) messages: Option<&'b Value>,
    /// The field of a message that holds its text.
    pub(super) content: &'static str,
}

/// An answer before a server writes it.
pub(super) struct ScriptedAnswer<'a> {
    /// The model that answers.
    pub(super) model: &'a str,
    /// Hex digits that differ where the request does.
    pub(super) digest: &'a str,
    /// The size of the whole prompt.
    pub(super) input_tokens: usize,
    /// The size of the text.
    pub(super) output_tokens: usize,
    /// The text of the answer.
    pub(super) text: &'a str,
    /// Why the answer ends.
    pub(super) stop: StopReason,
    /// Whether a stream ends with its token counts.
    pub(super) counts_stream_tokens: bool,
}

/// Why an answer ends.
#[derive(Clone, Copy)]
pub(super) enum StopReason {
    /// The model had said all that it had to say.
    Stop,
    /// The request's bound on output tokens was reached.
    Length,
}

/// An error before a server writes it.
pub(super) struct ServerError<'a> {
    /// The status that the error is answered with.
    pub(super) status: StatusCode,
    /// The sentence for a person.
    pub(super) message: &'a str,
    /// How long to wait before the next request.
    pub(super) retry_after: Option<Duration>,
    /// Hex digits that differ where the request does.
    pub(super) digest: &'a str,
}

/// Whether a JSON value is `true`.
pub(super) fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool).unwrap_or(false)
}
