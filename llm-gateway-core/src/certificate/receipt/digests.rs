//! What the salted digests of a receipt are taken over.
//!
//! Each message is hashed once, its body as the bytes that it is; the evidence as a whole holds
//! its messages by their digests. No field is left out: what is taken apart here is taken apart
//! by name, so that a new field does not compile before it is hashed.

use serde::Serialize;

use crate::certificate::canonical::{Salt, salted_digest};
use crate::certificate::evidence::CallEvidence;
use crate::certificate::recorded::{RecordedRequest, RecordedResponse};

/// Of a request.
pub(super) fn request(salt: &Salt, request: &RecordedRequest) -> String {
    let RecordedRequest { url, headers, body } = request;
    salted_digest(salt, "request", &(url, headers), body.as_bytes())
}

/// Of a response.
pub(super) fn response(salt: &Salt, response: &RecordedResponse) -> String {
    let RecordedResponse { sequence, status, headers, body, redacted } = response;
    salted_digest(salt, "response", &(sequence, status, headers, redacted), body.as_bytes())
}

/// What was declared of a member or step; its messages are in the rows.
pub(in crate::certificate) fn declared(member: &CallEvidence) -> impl Serialize + '_ {
    let CallEvidence {
        position,
        provider,
        model,
        dialect,
        base_url,
        answered,
        committed: _,
        exchanges: _,
    } = member;
    (position, provider, model, dialect, base_url, answered)
}
