//! The pages of a result: its whole text, cut into slices that each fit an envelope of a given
//! size.
//!
//! The slices joined are the whole text, to the byte. An envelope that was shortened counts them
//! in `meta.pages`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::error::{Category, Error};

use super::Envelope;
use super::bound::{escaped_width, json_chars};

/// The most characters that a page repeats of an error's sentence.
const LONGEST_REPEATED_ERROR: usize = 200;

/// The most characters that the widest character takes in JSON, as `\u0000`: the least room of a
/// page, so that each has a part of the text.
const WIDEST_IN_JSON: usize = 6;

/// The `data` of a page.
#[derive(Serialize, JsonSchema)]
pub(super) struct PageData<'a> {
    /// The slice of the run's whole text. All slices joined are that text.
    text: &'a str,
}

/// The `meta` of a page.
#[derive(Serialize, JsonSchema)]
pub(super) struct PageMeta<'a> {
    /// The category of the run's error; present where the run failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    error_category: Option<&'a Value>,
    /// Present and true where answers are scripted and nothing left the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    offline: Option<&'a Value>,
    /// The number of the page, from 1.
    page: u64,
    /// The number of pages that the whole text has.
    pages: u64,
    /// The id of the run.
    #[schemars(with = "String")]
    run_id: &'a Value,
}

/// Returns the whole text of a result: an answer's own text, or what several models wrote, each
/// under a heading.
pub(super) fn whole_text(envelope: &Envelope) -> Cow<'_, str> {
    let data = envelope.data.as_ref().unwrap_or(&Value::Null);
    let text = data.get("text").and_then(Value::as_str);
    let mut sections = if let Some(members) = data.get("members").and_then(Value::as_array) {
        members_sections(members)
    } else if data.get("artifact").is_some() || data.get("other_rounds").is_some() {
        rounds_sections(data)
    } else {
        return Cow::Borrowed(text.or(envelope.error.as_deref()).unwrap_or_default());
    };
    // What the model or the step that failed had written stands behind what was finished.
    sections.extend(text.map(|text| section("Unfinished text", text)));
    Cow::Owned(sections.join("\n"))
}

/// The pages of a result: where the slice of each ends in the whole text, in bytes.
#[derive(Debug)]
pub(crate) struct Pages(Vec<usize>);

impl Pages {
    /// Counts the pages that a result has in envelopes of at most `max_chars` characters.
    pub(crate) fn of(envelope: &Envelope, max_chars: usize) -> Self {
        Self(ends(&whole_text(envelope), room(envelope, max_chars)).collect())
    }

    /// Returns the number of pages.
    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Returns the envelope of one page of the result that was counted.
    ///
    /// # Errors
    /// Fails with [`Category::InvalidRequest`] if there is no such page.
    pub(crate) fn page(&self, envelope: &Envelope, number: u64) -> Result<Envelope, Error> {
        let text = whole_text(envelope);
        let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let slice = index.and_then(|index| {
            let start = index.checked_sub(1).map_or(Some(0), |last| self.0.get(last).copied())?;
            text.get(start..*self.0.get(index)?)
        });
        match slice {
            Some(slice) => Ok(enveloped(envelope, slice, number, self.count())),
            None => Err(no_such_page(number, self.count())),
        }
    }
}

/// Returns the error of a page that a run does not have.
fn no_such_page(number: u64, pages: u64) -> Error {
    let has = match pages {
        1 => "one page, 1".to_owned(),
        pages => format!("pages 1 to {pages}"),
    };
    Error::new(Category::InvalidRequest, format!("`page` is {number}, and the run has {has}"))
        .with_hint("leave `page` out for the result with the beginning and the end of its text")
}

fn enveloped(envelope: &Envelope, slice: &str, page: u64, pages: u64) -> Envelope {
    let of_run = |key: &str| envelope.meta.get(key);
    let run_id = of_run("run_id").unwrap_or(&Value::Null);
    let (error_category, offline) = (of_run("error_category"), of_run("offline"));
    let meta = PageMeta { error_category, offline, page, pages, run_id };
    Envelope {
        // A reader of one page must not take a refused artifact for an accepted one.
        status: envelope.status,
        error: envelope.error.as_ref().map(|it| it.chars().take(LONGEST_REPEATED_ERROR).collect()),
        ..Envelope::of(&PageData { text: slice }, &meta)
    }
}

/// Returns the number of characters of JSON that a page has for its slice.
fn room(envelope: &Envelope, max_chars: usize) -> usize {
    let frame = json_chars(&enveloped(envelope, "", u64::MAX, u64::MAX));
    max_chars.saturating_sub(frame).max(WIDEST_IN_JSON)
}

/// Returns where each slice of a text ends, in bytes. An empty text is one empty slice.
fn ends(text: &str, room: usize) -> impl Iterator<Item = usize> {
    let mut used = 0;
    let before = text.char_indices().filter_map(move |(at, c)| {
        let width = escaped_width(c);
        let is_full = used + width > room;
        used = if is_full { width } else { used + width };
        is_full.then_some(at)
    });
    before.chain([text.len()])
}

/// Returns the answers of a panel's members, each under a heading.
fn members_sections(members: &[Value]) -> Vec<String> {
    let texts = members.iter().zip(1..).map(|(member, position): (&Value, usize)| {
        let at = |path: &str| member.pointer(path).and_then(Value::as_str);
        let model = at("/meta/model_requested").or_else(|| at("/meta/model"));
        let asked = match (at("/meta/provider"), model) {
            (Some(provider), Some(model)) => format!(" {provider}/{model}"),
            _ => String::new(),
        };
        let text = at("/data/text");
        match (at("/error"), text) {
            (None, Some(text)) => section(&format!("{position}.{asked}"), text),
            (error, text) => {
                let error = error.unwrap_or_default();
                let so_far = text.map(|text| format!("\n\nAs far as it came:\n\n{text}"));
                let told = [error, so_far.as_deref().unwrap_or_default()].concat();
                section(&format!("{position}.{asked}: no answer"), &told)
            }
        }
    });
    texts.collect()
}

/// Returns what was made of a task, each text under a heading: artifact, plan and verdict of the
/// round that counts, then those of the other rounds.
fn rounds_sections(data: &Value) -> Vec<String> {
    let mut sections = round_sections(data, "");
    for round in data["other_rounds"].as_array().into_iter().flatten() {
        sections.extend(round_sections(round, &format!("Round {}: ", round["round"])));
    }
    sections
}

/// Returns the texts of one round, each under a heading that begins with `prefix`.
fn round_sections(round: &Value, prefix: &str) -> Vec<String> {
    let verdict = &round["verdict"];
    let decision = match verdict["decision"].as_str() {
        Some(decision) => format!("Verdict: {decision}"),
        None => "Verdict".to_owned(),
    };
    let texts = [
        ("Artifact", &round["artifact"]),
        ("Plan", &round["plan"]),
        (decision.as_str(), &verdict["raw"]),
        ("First reply of the verifier", &verdict["first_raw"]),
    ];
    let there = texts.into_iter().filter_map(|(heading, text)| Some((heading, text.as_str()?)));
    there.map(|(heading, text)| section(&format!("{prefix}{heading}"), text)).collect()
}

/// Returns a text under a heading.
fn section(heading: &str, text: &str) -> String {
    format!("## {heading}\n\n{text}\n")
}

#[cfg(test)]
mod tests;
