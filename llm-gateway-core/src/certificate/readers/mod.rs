//! The certificate's own readers of the bytes that adapters sent and providers returned.
//!
//! A request is read by an allow-list: each leaf of its JSON must be at a place that the list of
//! its format names, and must contain what belongs there. Everything else becomes a [`Finding`].
//! Only the few facts that a certificate is about are read from a response, whose form may be odd
//! as long as its meaning is clear. No code is shared with the adapters, so that a mistake in an
//! adapter shows instead of being repeated.
//!
//! Each dialect has one file with its [`Format`].

mod anthropic;
mod caches;
mod complaint;
mod document;
mod fields;
mod framing;
mod gemini;
mod head;
mod intermediaries;
mod name;
mod openai;
mod partial;
mod places;
mod reasons;
mod response;
mod sse;
mod usage;

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::evidence::CallEvidence;
use super::json;
use super::recorded::RecordedRequest;
use crate::model::Dialect;
pub(super) use caches::{Origin, cache_headers, origin};
pub(super) use intermediaries::{Intermediary, is_one_deployment, routing_headers};
use partial::PartialResponse;
use places::Holds;
#[cfg(test)]
pub(super) use response::response;
pub(super) use response::{answer, text, usage};

/// Something in a request that should not be there, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Place of the finding: a JSON pointer, the name of a header, or `url`.
    pub(super) at: String,
    /// The fault at this place.
    pub(super) what: String,
    /// The text at this place, keys included, to decide what it repeats. The text is never shown.
    pub(super) text: String,
}

impl Finding {
    /// Creates a finding without a text.
    pub(super) fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into(), text: String::new() }
    }

    /// Adds the text at the finding's place.
    pub(super) fn holding(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.what)
    }
}

/// The largest number of findings that are reported for one request. More would add nothing, and a
/// stranger's request may consist of nothing else.
pub(super) const MOST_REQUEST_FINDINGS: usize = 128;

/// A text that a request shows to its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownText {
    /// Place of the text, as a JSON pointer.
    pub(super) at: String,
    pub(super) text: String,
}

/// A request that was read: the texts that it shows to its model, and the findings.
#[derive(Debug, Default)]
pub(super) struct ReadRequest {
    /// The findings: everything in the request that should not be there.
    pub(super) findings: Vec<Finding>,
    /// The texts of the system part, in order.
    pub(super) system: Vec<ShownText>,
    /// The user's turns, in order, each with its texts.
    pub(super) turns: Vec<Vec<ShownText>>,
}

/// A response that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReadResponse {
    /// Id of the model that answered, as the response names it first.
    pub(super) model: Option<String>,
    /// Further names that the response gives its model, in their order.
    pub(super) other_models: Vec<String>,
    /// The provider's id of the response.
    pub(super) response_id: Option<String>,
    /// Text of the answer, without reasoning.
    pub(super) text: String,
}

/// One wire format, as the certificate reads it.
trait Format {
    /// Every place in a request's body that may have a value, and the values that it may have.
    const PLACES: &'static [(&'static str, Holds)];

    /// Returns the places at which a request contains `schema` if its answer must follow it, each
    /// with its complete value, including the format's own words.
    fn schema(schema: &Value) -> Vec<(&'static str, Value)>;

    /// Returns the paths that may follow the base URL in a request for `model`.
    fn paths(model: &str) -> Vec<String>;

    /// The fields of a request's body that ask for a stream.
    const STREAM_FIELDS: &'static [&'static str];

    /// The end of the URL of a request for a stream, and that of a request for a whole answer, if
    /// the URLs differ.
    const STREAM_URL: Option<(&'static str, &'static str)> = None;

    /// The state that the reader of a stream keeps from event to event, besides what all formats
    /// keep.
    type Progress: Default;

    /// The data of the event that ends a stream, if the format has one. It is not JSON.
    const END: Option<&'static str>;

    /// Returns whether a document is an error.
    fn is_error(document: &Value) -> bool {
        complaint::is_one(document)
    }

    /// Adds the facts of a response that is one document.
    ///
    /// # Errors
    /// The document is not an answer; the text says why.
    fn whole(document: &Value, partial: &mut PartialResponse) -> Result<(), String>;

    /// Adds the facts of one event of a stream: its name, empty if it has none, and its data.
    fn event(
        name: &str,
        document: &Value,
        progress: &mut Self::Progress,
        partial: &mut PartialResponse,
    );

    /// Returns whether the answer of a stream is complete with the events so far.
    fn is_ended(partial: &PartialResponse) -> bool;
}

/// The name of a verifier's schema in OpenAI's format.
const SCHEMA_NAME: &str = "verdict";

/// A committed request from which the fields that ask for a stream are removed.
pub(super) struct WithoutStream<'a> {
    committed: &'a RecordedRequest,
    url: Cow<'a, str>,
    /// The body of the request without a stream; `None` if there is no such form.
    body: Option<Value>,
}

impl<'a> WithoutStream<'a> {
    /// Removes from a committed request the fields that ask for a stream.
    pub(super) fn of(dialect: Dialect, committed: &'a RecordedRequest) -> Self {
        match dialect {
            Dialect::OpenAi => Self::of_format::<openai::OpenAiReader>(committed),
            Dialect::Anthropic => Self::of_format::<anthropic::AnthropicReader>(committed),
            Dialect::Gemini => Self::of_format::<gemini::GeminiReader>(committed),
            Dialect::Own => Self { committed, url: Cow::Borrowed(&committed.url), body: None },
        }
    }

    fn of_format<F: Format>(committed: &'a RecordedRequest) -> Self {
        let url = F::STREAM_URL.and_then(|(stream, whole)| {
            committed.url.strip_suffix(stream).map(|start| format!("{start}{whole}"))
        });
        let body = || {
            let mut body = json::parse(committed.body.as_bytes()).ok()?;
            let fields = body.as_object_mut()?;
            F::STREAM_FIELDS.iter().for_each(|name| drop(fields.shift_remove(*name)));
            Some(body)
        };
        let url = url.map_or(Cow::Borrowed(&*committed.url), Cow::Owned);
        Self { committed, url, body: body() }
    }

    /// Returns whether a request equals the committed one without a stream.
    pub(super) fn is(&self, sent: &RecordedRequest) -> bool {
        let Some(body) = self.body.as_ref().filter(|_| sent.url == self.url) else { return false };
        self.committed.headers == sent.headers
            && json::parse(sent.body.as_bytes()).is_ok_and(|sent| sent == *body)
    }
}

/// Reads a request of a call. Returns `None` if the dialect's format is unknown. The request may
/// contain `schema`, complete and unchanged, and no other schema.
pub(super) fn request(
    call: &CallEvidence,
    request: &RecordedRequest,
    schema: Option<&Value>,
) -> Option<ReadRequest> {
    Some(match call.dialect {
        Dialect::OpenAi => request_as::<openai::OpenAiReader>(call, request, schema),
        Dialect::Anthropic => request_as::<anthropic::AnthropicReader>(call, request, schema),
        Dialect::Gemini => request_as::<gemini::GeminiReader>(call, request, schema),
        Dialect::Own => return None,
    })
}

fn request_as<F: Format>(
    call: &CallEvidence,
    request: &RecordedRequest,
    schema: Option<&Value>,
) -> ReadRequest {
    let schema = schema.map(F::schema).unwrap_or_default();
    let mut asked = match json::parse(request.body.as_bytes()) {
        Ok(body) => places::read(F::PLACES, &call.model, &schema, &body),
        Err(error) => {
            let finding = Finding::new("/", format!("is no JSON that has one reading: {error}"))
                .holding(String::from_utf8_lossy(request.body.as_bytes()));
            ReadRequest { findings: vec![finding], ..ReadRequest::default() }
        }
    };
    let paths = F::paths(&call.model);
    asked.findings.extend(head::stray_url(request, &call.base_url, &paths));
    asked.findings.extend(head::stray_headers(request));
    asked.findings.truncate(MOST_REQUEST_FINDINGS);
    asked
}
