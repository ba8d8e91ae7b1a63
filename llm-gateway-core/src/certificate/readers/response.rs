//! Reads a response of any format, whole or streamed.
//!
//! An answer must have come to its end and must not contain an error. Nothing else about its form
//! matters: an event that is not a JSON object is skipped.

use serde_json::Value;

use super::anthropic::AnthropicReader;
use super::framing::{self, BodyForm};
use super::gemini::GeminiReader;
use super::openai::OpenAiReader;
use super::partial::PartialResponse;
use super::sse::{self, StreamEvent};
use super::{Format, ReadResponse, complaint, document};
use crate::certificate::evidence::CallEvidence;
use crate::certificate::recorded::RecordedResponse;
use crate::model::{Dialect, Usage};

/// Reads a response as the answer to a call. Reasoning that a model writes into its text is left
/// out if the call declares that it does.
///
/// # Errors
/// The response is not a readable answer; the text says why.
pub(in crate::certificate) fn answer(
    call: &CallEvidence,
    came: &RecordedResponse,
) -> Result<ReadResponse, String> {
    let reply = response(call.dialect, came)?;
    if !call.think_tags {
        return Ok(reply);
    }
    match without_thinking(&reply.text) {
        "" => Err("there is only reasoning in it".to_owned()),
        text => Ok(ReadResponse { text: text.to_owned(), ..reply }),
    }
}

/// Returns the text behind a leading `<think>…</think>`. Without an end tag all of the text is
/// reasoning.
fn without_thinking(text: &str) -> &str {
    match text.trim_start().strip_prefix("<think>") {
        None => text,
        Some(thinking) => {
            let end = thinking.find("</think>");
            let answer = end.and_then(|end| thinking.get(end..)?.strip_prefix("</think>"));
            answer.unwrap_or_default().trim_start()
        }
    }
}

/// Reads a response in the format `dialect`. A stream without its end is not an answer, because it
/// is not all that the model said.
///
/// # Errors
/// The response is not a readable answer; the text says why.
pub(in crate::certificate) fn response(
    dialect: Dialect,
    response: &RecordedResponse,
) -> Result<ReadResponse, String> {
    let mut partial = PartialResponse::default();
    read(dialect, response, &mut partial)?;
    partial.into_answer()
}

/// Returns the text in a response, whether it is an answer or the beginning of one.
pub(in crate::certificate) fn text(
    dialect: Dialect,
    response: &RecordedResponse,
) -> Option<String> {
    let mut partial = PartialResponse::default();
    // Whatever is wrong with the response, its text could be read by a later step.
    let _ = read(dialect, response, &mut partial);
    Some(partial.reply.text).filter(|text| !text.is_empty())
}

/// Returns the tokens that a response in the format `dialect` says it used.
pub(in crate::certificate) fn usage(
    dialect: Dialect,
    response: &RecordedResponse,
) -> Option<Usage> {
    let mut partial = PartialResponse::default();
    // An answer that broke off after its tokens were counted is billed all the same.
    let _ = read(dialect, response, &mut partial);
    partial.usage()
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
        Dialect::OpenAi => read_as::<OpenAiReader>(response, partial),
        Dialect::Anthropic => read_as::<AnthropicReader>(response, partial),
        Dialect::Gemini => read_as::<GeminiReader>(response, partial),
        Dialect::Own => Err("its format is not known here".to_owned()),
    }
}

fn read_as<F: Format>(
    response: &RecordedResponse,
    partial: &mut PartialResponse,
) -> Result<(), String> {
    let body = String::from_utf8_lossy(response.body.as_bytes());
    if framing::form(response, &body) == BodyForm::Events {
        return stream::<F>(&sse::events(&body), partial);
    }
    match (document::parse(&body), framing::lines(&body)) {
        (Ok(document), _) => whole::<F>(&document, partial),
        (Err(why), None) => Err(why),
        // The end of the body ends the answer.
        (Err(_), Some(lines)) => {
            let lines = lines.into_iter().chain(F::END).map(StreamEvent::of);
            stream::<F>(&lines.collect::<Vec<_>>(), partial)
        }
    }
}

fn whole<F: Format>(document: &Value, partial: &mut PartialResponse) -> Result<(), String> {
    refuse(is_error::<F>(document))?;
    if !document.is_object() {
        return Err("it is no object".to_owned());
    }
    partial.done = true;
    F::whole(document, partial)?;
    refuse(partial.has_error)
}

fn stream<F: Format>(events: &[StreamEvent], partial: &mut PartialResponse) -> Result<(), String> {
    let mut progress = F::Progress::default();
    for StreamEvent { name, data, may_be_cut } in events {
        refuse(name == "error")?;
        if F::END == Some(data.trim()) {
            partial.done = true;
        }
        // What follows the end is not part of the answer.
        if partial.done {
            break;
        }
        let document = match document_in(data) {
            // What was cut is not read: the answer may have ended before.
            Err(_) if *may_be_cut => break,
            Err(_) if name == PING => continue,
            document => document?,
        };
        let Some(document) = document else { continue };
        refuse(is_error::<F>(&document))?;
        if document.is_object() && !is_ping(name, &document) {
            F::event(name, &document, &mut progress, partial);
        }
        refuse(partial.has_error)?;
    }
    if F::is_ended(partial) { Ok(()) } else { Err("its stream has no end".to_owned()) }
}

/// Returns the object or the list in the data of an event. Returns `None` if there is neither, as
/// in a heartbeat, a closing word or a sentence.
///
/// # Errors
/// There is only the beginning of an object, or one that cannot be read.
fn document_in(data: &str) -> Result<Option<Value>, String> {
    let is_blank = |c: char| c == '\u{feff}' || c.is_ascii_whitespace();
    match data.trim_start_matches(is_blank).chars().next() {
        Some('{') => document::parse(data).map(Some),
        // A closing word begins like a list.
        Some('[') => Ok(document::parse(data).ok()),
        _ => Ok(None),
    }
}

/// The name of an event that only shows that the server is alive:
/// <https://platform.claude.com/docs/en/build-with-claude/streaming#ping-events>.
const PING: &str = "ping";

/// Returns whether an event is a [`PING`], by its name or by the type in its data.
fn is_ping(name: &str, document: &Value) -> bool {
    name == PING || document.get("type").is_some_and(|kind| kind == PING)
}

/// Returns whether a document is an error, or a list that contains one.
fn is_error<F: Format>(document: &Value) -> bool {
    match document.as_array() {
        Some(items) => complaint::listed(items).is_some_and(F::is_error),
        None => F::is_error(document),
    }
}

/// Checks that there is no error in an answer.
///
/// # Errors
/// There is one.
fn refuse(has_error: bool) -> Result<(), String> {
    if has_error { Err("it is an error".to_owned()) } else { Ok(()) }
}
