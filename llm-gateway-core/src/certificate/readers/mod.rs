//! The certificate's own readers of the bytes that adapters sent and providers returned.
//!
//! A request is read by an allow-list: each leaf of its JSON must be at a place that the list of
//! its format names, and must contain what belongs there. Everything else becomes a [`Finding`]. Of
//! a response only the few facts are read that a certificate is about. No code is shared with the
//! adapters, so that a mistake of theirs shows instead of being repeated.
//!
//! Each dialect has one file with its [`Format`].

mod anthropic;
mod caches;
mod complaint;
mod gemini;
mod head;
mod name;
mod openai;
mod places;
mod sse;
mod usage;

use std::fmt;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::evidence::CallEvidence;
use super::json;
use super::recorded::{RecordedRequest, RecordedResponse};
use crate::model::{Dialect, Usage};
pub(super) use caches::{Origin, cache_headers, origin};
use name::ReportedName;
use places::Holds;
use usage::{Tally, usage_as};

/// Something in a request that should not be there, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Place of the finding: a JSON pointer, the name of a header, or `url`.
    pub(super) at: String,
    /// What is wrong at this place.
    pub(super) what: String,
    /// The text at this place, keys included, to find out what it repeats. It is never shown.
    pub(super) text: String,
}

impl Finding {
    /// Makes a finding without a text.
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

/// How many findings are reported for one request at most. More would not say more, and a
/// stranger's request may consist of nothing else.
pub(super) const MOST_FINDINGS: usize = 128;

/// A text that a request shows to its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownText {
    /// Place of the text, as a JSON pointer.
    pub(super) at: String,
    pub(super) text: String,
}

/// A request that was read: what it shows to its model, and what should not be there.
#[derive(Debug, Default)]
pub(super) struct ReadRequest {
    /// What should not be there.
    pub(super) findings: Vec<Finding>,
    /// The texts of the system part, in order.
    pub(super) system: Vec<ShownText>,
    /// The user's turns, in order, each with its texts.
    pub(super) turns: Vec<Vec<ShownText>>,
}

/// A response that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReadResponse {
    /// Id of the model that answered, as the response names it.
    pub(super) model: Option<String>,
    /// The provider's id of the response.
    pub(super) response_id: Option<String>,
    /// Text of the answer, without reasoning.
    pub(super) text: String,
}

/// One wire format, as the certificate reads it.
trait Format {
    /// Every place in a request's body that may have a value, and what it may be.
    const PLACES: &'static [(&'static str, Holds)];

    /// Returns the places at which a request contains `schema` if its answer must follow it, each
    /// with its complete value, including the format's own words.
    fn schema(schema: &Value) -> Vec<(&'static str, Value)>;

    /// Returns the paths that may follow the base URL in a request for `model`.
    fn paths(model: &str) -> Vec<String>;

    /// A response that is not a stream.
    type Whole: DeserializeOwned;

    /// One event of a stream.
    type Event: DeserializeOwned;

    /// The data of the event that ends a stream, if the format has one. It is not JSON.
    const END: Option<&'static str>;

    /// Takes the facts from a response that is not a stream.
    ///
    /// # Errors
    /// The response is not an answer; the text says why.
    fn whole(whole: Self::Whole, partial: &mut PartialResponse) -> Result<(), String>;

    /// Takes the facts from one event of a stream.
    ///
    /// # Errors
    /// The event does not belong to an answer; the text says why.
    fn event(event: Self::Event, partial: &mut PartialResponse) -> Result<(), String>;

    /// Returns whether the answer of a stream is complete with the events that were taken.
    fn is_ended(partial: &PartialResponse) -> bool;

    /// Takes the token counts from one document: a response that is not a stream, or one event of a
    /// stream. Breaks if nothing after it belongs to the answer.
    fn usage(document: &Value, tally: &mut Tally) -> ControlFlow<()>;
}

/// A response of which a part has been read.
#[derive(Debug, Default)]
struct PartialResponse {
    reply: ReadResponse,
    /// Whether the model said why it stopped.
    stopped: bool,
    /// Whether the last event was read. Nothing after it belongs to the answer.
    done: bool,
    /// Whether its events have ids of their own.
    is_numbered: bool,
}

/// The name of a verifier's schema in OpenAI's format.
const SCHEMA_NAME: &str = "verdict";

/// Reads a request of a call. `None` if the bytes of its dialect are in an unknown format. The
/// request may contain `schema`, complete and unchanged, and no other schema.
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
    asked.findings.truncate(MOST_FINDINGS);
    asked
}

/// Reads a response in the format `dialect`. A stream without its end is not an answer, because it
/// is not all that the model said.
///
/// # Errors
/// The response is not a readable answer; the text says why.
pub(super) fn response(
    dialect: Dialect,
    response: &RecordedResponse,
) -> Result<ReadResponse, String> {
    let mut partial = PartialResponse::default();
    read(dialect, response, &mut partial)?;
    if partial.reply.text.trim().is_empty() {
        return Err("there is no text in it".to_owned());
    }
    let PartialResponse { reply, is_numbered, .. } = partial;
    let response_id = reply.response_id.filter(|_| !is_numbered);
    Ok(ReadResponse { response_id, ..reply })
}

/// Returns the text in a response, whether it is an answer or the beginning of one.
pub(super) fn text(dialect: Dialect, response: &RecordedResponse) -> Option<String> {
    let mut partial = PartialResponse::default();
    // Whatever is wrong with the response, its text could be read by a later step.
    let _ = read(dialect, response, &mut partial);
    Some(partial.reply.text).filter(|text| !text.is_empty())
}

/// Returns the tokens that a response in the format `dialect` says it used.
pub(super) fn usage(dialect: Dialect, response: &RecordedResponse) -> Option<Usage> {
    match dialect {
        Dialect::OpenAi => usage_as::<openai::OpenAiReader>(response),
        Dialect::Anthropic => usage_as::<anthropic::AnthropicReader>(response),
        Dialect::Gemini => usage_as::<gemini::GeminiReader>(response),
        Dialect::Own => None,
    }
}

fn read(
    dialect: Dialect,
    response: &RecordedResponse,
    partial: &mut PartialResponse,
) -> Result<(), String> {
    if !(200..300).contains(&response.status) {
        return Err(format!("its status is {}", response.status));
    }
    match dialect {
        Dialect::OpenAi => read_as::<openai::OpenAiReader>(response, partial),
        Dialect::Anthropic => read_as::<anthropic::AnthropicReader>(response, partial),
        Dialect::Gemini => read_as::<gemini::GeminiReader>(response, partial),
        Dialect::Own => Err("its format is not known here".to_owned()),
    }
}

fn read_as<F: Format>(
    response: &RecordedResponse,
    partial: &mut PartialResponse,
) -> Result<(), String> {
    let body = response.body.as_bytes();
    if !sse::is_stream(response) {
        return F::whole(document(body)?, partial);
    }
    for event in sse::events(body)? {
        complaint::check_name(&event)?;
        if F::END == Some(event.data.trim()) {
            partial.done = true;
        } else {
            F::event(document(event.data.as_bytes())?, partial)?;
        }
        // What follows the end is not part of the answer.
        if partial.done {
            break;
        }
    }
    if F::is_ended(partial) { Ok(()) } else { Err("its stream has no end".to_owned()) }
}

fn document<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    complaint::check(body)?;
    parsed(body)
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // The error's own words may quote the body, which must not get into a receipt.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("it is not of its format at line {line}, column {column}")
    })
}
