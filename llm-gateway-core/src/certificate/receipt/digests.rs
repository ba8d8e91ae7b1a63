//! The contents of a receipt's salted digests.
//!
//! Each message is hashed once, its body as it is. In the digest of the whole evidence, messages
//! are represented by their digests. No field is left out: every struct is destructured by field
//! names here, so a new field does not compile before it is hashed.

use serde::Serialize;

use crate::certificate::canonical::{Salt, salted_digest};
use crate::certificate::evidence::CallEvidence;
use crate::certificate::recorded::{RecordedRequest, RecordedResponse};

/// Returns the salted digest of a recorded request.
pub(super) fn request(salt: &Salt, request: &RecordedRequest) -> String {
    let RecordedRequest { url, headers, body } = request;
    salted_digest(salt, "request", &(url, headers), body.as_bytes())
}

/// Returns the salted digest of a recorded response.
pub(super) fn response(salt: &Salt, response: &RecordedResponse) -> String {
    let RecordedResponse { sequence, status, headers, body, redacted } = response;
    salted_digest(salt, "response", &(sequence, status, headers, redacted), body.as_bytes())
}

/// Returns the salted digest of the text of an answer.
pub(super) fn answer(salt: &Salt, text: &str) -> String {
    salted_digest(salt, "answer", &(), text.as_bytes())
}

/// Returns what a run declared about a model call, to be hashed. The call's messages are hashed
/// with the rows.
pub(in crate::certificate) fn declared(call: &CallEvidence) -> impl Serialize + '_ {
    let CallEvidence {
        position,
        provider,
        model,
        dialect,
        base_url,
        think_tags,
        answered,
        committed: _,
        exchanges: _,
    } = call;
    (position, provider, model, dialect, base_url, think_tags, answered)
}
