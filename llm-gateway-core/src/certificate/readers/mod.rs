//! Our own reading of the bytes that adapters wrote and providers answered.
//!
//! A request is read by an allow-list: each leaf of its JSON is at a place that the format's
//! list names, and holds what belongs there; whatever else there is becomes a [`Finding`]. Of a
//! response only the few facts are read that a certificate speaks of. Nothing here is shared
//! with the adapters: a mistake of theirs should show, not be repeated.

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

/// What is wrong with a request, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// A JSON pointer, a header's name, or `url`.
    pub(super) at: String,
    /// What is there that should not be.
    pub(super) what: String,
    /// The text that stands there, keys included: for those who ask what it repeats. Never shown.
    pub(super) text: String,
}

impl Finding {
    pub(super) fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into(), text: String::new() }
    }

    /// Notes the text that stands there.
    pub(super) fn holding(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.what)
    }
}

/// The most findings that are told of one request: more of them say no more, and a stranger's
/// request may be made of nothing else.
pub(super) const MOST_FINDINGS: usize = 128;

/// A text that a model is shown, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownText {
    pub(super) at: String,
    pub(super) text: String,
}

/// What a request shows its model, and what is strange about it.
#[derive(Debug, Default)]
pub(super) struct ReadRequest {
    pub(super) findings: Vec<Finding>,
    /// The texts of the system part, in order.
    pub(super) system: Vec<ShownText>,
    /// The user's turns, in order, each with its texts.
    pub(super) turns: Vec<Vec<ShownText>>,
}

/// What a response says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReadResponse {
    /// The model that answered, by the response.
    pub(super) model: Option<String>,
    /// The provider's id of the response.
    pub(super) response_id: Option<String>,
    /// The answer, reasoning excluded.
    pub(super) text: String,
}

/// One wire format, as this room reads it.
trait Format {
    /// Every place of a request's body where something may stand.
    const PLACES: &'static [(&'static str, Holds)];

    /// Where a request holds `schema` when its answer is to follow it: each place, and all that
    /// stands there, the format's own words included.
    fn schema(schema: &Value) -> Vec<(&'static str, Value)>;

    /// What may stand behind the base URL in a request for `model`.
    fn paths(model: &str) -> Vec<String>;

    /// A whole response.
    type Whole: DeserializeOwned;

    /// One event of a stream.
    type Event: DeserializeOwned;

    /// The data of the event behind the last document of a stream, where the format has one. It
    /// is no JSON.
    const END: Option<&'static str>;

    /// Takes the facts of a whole response.
    ///
    /// # Errors
    /// Says why it is no answer.
    fn whole(whole: Self::Whole, partial: &mut PartialResponse) -> Result<(), String>;

    /// Takes the facts of one event of a stream.
    ///
    /// # Errors
    /// Says why it is of no answer.
    fn event(event: Self::Event, partial: &mut PartialResponse) -> Result<(), String>;

    /// Whether the answer of a stream came to its end with the events that were taken.
    fn is_ended(partial: &PartialResponse) -> bool;

    /// Takes the token counts of one document: a whole response, or one event of a stream.
    /// Breaks where nothing behind it is of the answer.
    fn usage(document: &Value, tally: &mut Tally) -> ControlFlow<()>;
}

/// An answer of which some has been read.
#[derive(Debug, Default)]
struct PartialResponse {
    reply: ReadResponse,
    /// The model said why it stopped.
    stopped: bool,
    /// The last event has come: nothing behind it is of the answer.
    done: bool,
    /// Its events have ids of their own.
    is_numbered: bool,
}

/// What OpenAI's format calls a verifier's schema.
const SCHEMA_NAME: &str = "verdict";

/// Reads a request of a member; `None` for a member whose bytes have no format of ours. The
/// answer may be asked for by `schema`, whole and unchanged, and by no other.
pub(super) fn request(
    member: &CallEvidence,
    request: &RecordedRequest,
    schema: Option<&Value>,
) -> Option<ReadRequest> {
    Some(match member.dialect {
        Dialect::OpenAi => request_as::<openai::OpenAiReader>(member, request, schema),
        Dialect::Anthropic => request_as::<anthropic::AnthropicReader>(member, request, schema),
        Dialect::Gemini => request_as::<gemini::GeminiReader>(member, request, schema),
        Dialect::Own => return None,
    })
}

fn request_as<F: Format>(
    member: &CallEvidence,
    request: &RecordedRequest,
    schema: Option<&Value>,
) -> ReadRequest {
    let schema = schema.map(F::schema).unwrap_or_default();
    let mut asked = match json::parse(request.body.as_bytes()) {
        Ok(body) => places::read(F::PLACES, &member.model, &schema, &body),
        Err(error) => {
            let finding = Finding::new("/", format!("is no JSON that has one reading: {error}"))
                .holding(String::from_utf8_lossy(request.body.as_bytes()));
            ReadRequest { findings: vec![finding], ..ReadRequest::default() }
        }
    };
    let paths = F::paths(&member.model);
    asked.findings.extend(head::stray_url(request, &member.base_url, &paths));
    asked.findings.extend(head::stray_headers(request));
    asked.findings.truncate(MOST_FINDINGS);
    asked
}

/// Reads a response of the format `dialect`. Of a stream without its end there is no answer: what
/// came is not what the model said.
///
/// # Errors
/// Says why it is no answer that could be read.
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

/// The text that came with a response, be it an answer or the beginning of one.
pub(super) fn text(dialect: Dialect, response: &RecordedResponse) -> Option<String> {
    let mut partial = PartialResponse::default();
    // Whatever is wrong with the response, its text was there to be read.
    let _ = read(dialect, response, &mut partial);
    Some(partial.reply.text).filter(|text| !text.is_empty())
}

/// What a response of the format `dialect` says that it used.
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
        // What stands behind the end is no part of the answer that was taken.
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
    // The error's own words may quote the body, which belongs into no receipt.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("it is not of its format at line {line}, column {column}")
    })
}
