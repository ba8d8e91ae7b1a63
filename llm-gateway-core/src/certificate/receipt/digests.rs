//! The contents of a receipt's salted digests.
//!
//! Each message is hashed once, its body as it is. In the digest of the whole evidence, messages
//! are represented by their digests. No field is left out: this module destructures every struct by
//! field names, so a new field does not compile before it is hashed.

use std::collections::HashMap;

use serde::Serialize;

use crate::certificate::canonical::{Salt, salted_digest};
use crate::certificate::evidence::CallEvidence;
use crate::certificate::recorded::{RecordedRequest, RecordedResponse};
use crate::certificate::shared_request::SharedRequest;

/// The salted digests of recorded requests. A request that several moments share is hashed once.
pub(super) struct RequestDigests<'a> {
    pub(super) salt: &'a Salt,
    known: HashMap<usize, String>,
}

impl<'a> RequestDigests<'a> {
    pub(super) fn new(salt: &'a Salt) -> Self {
        Self { salt, known: HashMap::new() }
    }

    /// Returns the salted digest of a recorded request.
    pub(super) fn of(&mut self, request: &SharedRequest) -> String {
        let digest = || {
            let RecordedRequest { url, headers, body } = &**request;
            salted_digest(self.salt, "request", &(url, headers), body.as_bytes())
        };
        self.known.entry(request.address()).or_insert_with(digest).clone()
    }
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

/// The base URL of a call as it is hashed. Without a variable, it is hashed as earlier versions
/// did.
#[derive(Serialize)]
#[serde(untagged)]
enum BaseUrl<'a> {
    OfPolicy(&'a str),
    OfVariable(&'a str, &'a str),
}

/// Whether a call was answered, as it is hashed. Where the records hold the text, it is hashed as
/// earlier versions did.
#[derive(Serialize)]
#[serde(untagged)]
enum Answered {
    AsRecorded(bool),
    Otherwise(&'static str),
}

/// Returns the declarations of a run about a model call, to be hashed. The call's messages are
/// hashed with the rows.
pub(in crate::certificate) fn declared(call: &CallEvidence) -> impl Serialize + '_ {
    let CallEvidence {
        position,
        provider,
        model,
        dialect,
        base_url,
        base_url_variable,
        think_tags,
        answered,
        differs,
        committed: _,
        exchanges: _,
    } = call;
    let base_url = match base_url_variable {
        None => BaseUrl::OfPolicy(base_url),
        Some(variable) => BaseUrl::OfVariable(base_url, variable),
    };
    let answered = match differs {
        true => Answered::Otherwise("differs"),
        false => Answered::AsRecorded(*answered),
    };
    (position, provider, model, dialect, base_url, think_tags, answered)
}
