//! Removes known keys from what a call recorded.

use crate::certificate::{CallEvidence, RecordedBody, RecordedRequest, RecordedResponse};
use crate::model::Prompt;
use crate::transport::{REDACTED, Scrubber};

/// Removes the keys that are known when it is made. Equal requests stay equal, so that a request
/// still is the one that was committed.
pub(super) struct Cleaner<'a> {
    scrubber: Scrubber,
    prompt: Option<&'a Prompt>,
}

impl<'a> Cleaner<'a> {
    /// Creates the cleaner of a call that was asked `prompt`.
    pub(super) fn new(scrubber: &Scrubber, prompt: Option<&'a Prompt>) -> Self {
        Self { scrubber: scrubber.fixed(), prompt }
    }

    /// Removes known keys from the requests and responses of a call.
    pub(super) fn clean(&self, call: &mut CallEvidence) {
        if let Some(committed) = &mut call.committed
            && let Some(clean) = self.request(&committed.request)
        {
            committed.request = clean.into();
        }
        for exchange in &mut call.exchanges {
            if let Some(clean) = self.request(&exchange.request) {
                exchange.request = clean.into();
            }
            if let Some(response) = &mut exchange.response {
                self.response(response);
            }
        }
    }

    /// Returns the request without known keys; `None` if it holds none.
    fn request(&self, request: &RecordedRequest) -> Option<RecordedRequest> {
        let url = self.text(&request.url);
        let headers = self.headers(&request.headers);
        let body = self.request_body(&request.body);
        if url.is_none() && headers.is_none() && body.is_none() {
            return None;
        }
        let mut clean = request.clone();
        clean.url = url.unwrap_or(clean.url);
        clean.headers = headers.unwrap_or(clean.headers);
        clean.body = body.unwrap_or(clean.body);
        Some(clean)
    }

    /// Returns the body of a request without known keys; `None` if it holds none. A key that the
    /// prompt holds stays: the caller wrote it, and the caller's own texts are in a bundle as they
    /// were asked.
    fn request_body(&self, body: &RecordedBody) -> Option<RecordedBody> {
        if !self.scrubber.finds_key(body.as_bytes()) {
            return None;
        }
        let texts = self.prompt.into_iter().flat_map(Prompt::texts);
        let scrubber = self.scrubber.except_keys_in(texts);
        scrubber.scrubbed(body.as_bytes()).map(RecordedBody::from)
    }

    fn response(&self, response: &mut RecordedResponse) {
        let body = self.response_body(&response.body);
        let headers = self.headers(&response.headers);
        response.redacted |= body.is_some() || headers.is_some();
        if let Some(body) = body {
            response.body = body;
        }
        if let Some(headers) = headers {
            response.headers = headers;
        }
    }

    /// Returns the body of a response without known keys; `None` if it holds none. A body that
    /// holds a key in pieces is left out whole, because what reads it puts pieces together.
    fn response_body(&self, body: &RecordedBody) -> Option<RecordedBody> {
        let scrubbed = self.scrubber.scrubbed(body.as_bytes());
        match self.scrubber.finds_pieces(scrubbed.as_deref().unwrap_or(body.as_bytes())) {
            true => Some(REDACTED.as_bytes().to_vec().into()),
            false => scrubbed.map(RecordedBody::from),
        }
    }

    /// Returns the headers without known keys; `None` if they hold none. If several values hold one
    /// key in pieces, all values are replaced.
    fn headers(&self, headers: &[(String, String)]) -> Option<Vec<(String, String)>> {
        let scrub = |text: &String| self.text(text).unwrap_or_else(|| text.clone());
        let mut clean: Vec<_> =
            headers.iter().map(|(name, value)| (scrub(name), scrub(value))).collect();
        let values: String = clean.iter().map(|(_, value)| value.as_str()).collect();
        if self.scrubber.finds_key(values.as_bytes()) {
            clean.iter_mut().for_each(|(_, value)| REDACTED.clone_into(value));
        }
        (clean != headers).then_some(clean)
    }

    /// Returns the text without known keys; `None` if it holds none.
    fn text(&self, text: &str) -> Option<String> {
        self.scrubber.finds_key(text.as_bytes()).then(|| self.scrubber.scrub(text))
    }
}
