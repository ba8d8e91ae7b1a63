//! The memory of servers that refuse to stream, and the words by which they say so.
//!
//! Answers are asked for as streams unless the policy says otherwise. A server that does not know
//! `stream` or `stream_options` answers 400 or 422. The request is then repeated once for a whole
//! answer, and every later call of that model in this process asks for a whole answer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;

use crate::model::{Endpoint, ModelId};

/// The models whose server refuses to stream, each with its server's base URL. Clones share the
/// set.
#[derive(Clone, Default)]
pub(crate) struct StreamRefusals(Arc<Mutex<BTreeSet<(String, String)>>>);

impl StreamRefusals {
    /// Returns whether the server of a model refuses to stream.
    pub(super) fn holds(&self, endpoint: &Endpoint, model: &ModelId) -> bool {
        self.lock().contains(&key(endpoint, model))
    }

    /// Adds a model whose server refuses to stream.
    pub(super) fn note(&self, endpoint: &Endpoint, model: &ModelId) {
        self.lock().insert(key(endpoint, model));
    }

    /// Removes a refusal that turned out to have another cause.
    pub(super) fn forget(&self, endpoint: &Endpoint, model: &ModelId) {
        self.lock().remove(&key(endpoint, model));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(String, String)>> {
        // Every write is one insertion or removal, so a poisoned set is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(endpoint: &Endpoint, model: &ModelId) -> (String, String) {
    (endpoint.base_url.clone(), model.to_string())
}

/// The words by which a server names what it refuses. They are compared as whole words, so
/// `upstream` does not match.
const STREAM_WORDS: &[&str] =
    &["stream", "streams", "streaming", "stream_options", "include_usage"];

/// Returns whether an error refuses the stream that was asked for. The whole body is searched,
/// because FastAPI names the field in a list and other servers in a sentence.
pub(super) fn refuses_stream(status: StatusCode, body: &[u8]) -> bool {
    if status != StatusCode::BAD_REQUEST && status != StatusCode::UNPROCESSABLE_ENTITY {
        return false;
    }
    let body = String::from_utf8_lossy(body).to_ascii_lowercase();
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    body.split(is_end).any(|word| STREAM_WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_stream_is_known_by_its_name() {
        for (status, body, is_one) in [
            (400, r#"{"error":{"message":"Unrecognized argument: stream_options"}}"#, true),
            (400, r#"{"error":{"message":"no","param":"stream"}}"#, true),
            (400, r#"{"error":"this model does not support Streaming"}"#, true),
            (422, r#"{"detail":[{"loc":["body","stream_options"],"msg":"extra"}]}"#, true),
            (422, "stream must be false", true),
            (400, r#"{"error":"upstream request failed"}"#, false),
            (400, r#"{"error":"max_tokens is too large"}"#, false),
            (404, "stream", false),
            (500, "stream", false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(refuses_stream(status, body.as_bytes()), is_one, "{body}");
        }
    }
}
