//! The envelope: the one JSON shape of every result that a tool, a `--json` or an embedding program
//! gets.
//!
//! An envelope is made once, from an outcome, and decides nothing. What its `data` and `meta` hold
//! is declared in one file per kind of outcome, as types whose fields are documented; its JSON
//! Schema is generated from them. The submodule `bound` shortens an envelope that is too large,
//! `pages` cuts its whole text into slices, and `brief` leaves out what says nothing new.

mod answer;
mod bound;
mod brief;
mod cascade;
mod description;
mod failure;
mod orchestration;
mod pages;
mod panel;
mod partial;
mod running;
mod schema;

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::RunId;
use crate::outcome::{Answer, Failure, Reply};

pub(crate) use pages::Pages;

/// The status of a request, which is the first field of an [`Envelope`]: how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// The request succeeded; `data` holds the result.
    Success,
    /// The request failed; `error` says why.
    Error,
    /// The task was worked on, and its verifier refused the result or could not judge it; `data`
    /// holds result and verdict.
    NeedsHumanReview,
    /// The task was worked on, and its verifier could not be reached; `data` holds the result.
    Unverified,
    /// The request is not done and goes on; its result can be had by `meta.run_id`.
    Running,
}

/// The envelope of a request's result, as `{"status", "error"?, "data"?, "meta"}`.
///
/// It converts from every outcome and error of the library, and reads back from the JSON that it
/// serialises as. [`json_schema`](Self::json_schema) describes every field.
///
/// ```
/// use llm_gateway_core::{Category, Envelope, Error, Status};
///
/// let error = Error::new(Category::MissingKey, "there is no key").with_hint("set OPENAI_API_KEY");
/// let envelope = Envelope::from(&error);
/// assert_eq!(envelope.status, Status::Error);
/// assert_eq!(envelope.meta["error_category"], "missing_key");
/// let json = serde_json::to_string(&envelope).unwrap();
/// assert_eq!(serde_json::from_str::<Envelope>(&json).unwrap(), envelope);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Envelope {
    /// The status of the request: how it ended.
    pub status: Status,
    /// The error as one sentence for a person; `None` unless the request failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The result of the request; `None` if there is none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Facts about how the result came to be: cost, tokens, attempts, categories, hints.
    pub meta: Map<String, Value>,
}

impl Envelope {
    /// Creates the envelope of a success with `data` as its result and an empty `meta`.
    pub fn success(data: Value) -> Self {
        Self { status: Status::Success, error: None, data: Some(data), meta: Map::new() }
    }

    /// Returns whether the request failed.
    pub fn is_error(&self) -> bool {
        self.status == Status::Error
    }

    /// Shortens the envelope to at most `max_chars` characters of JSON. `meta.truncated` is set if
    /// anything was cut.
    ///
    /// A text that a model wrote keeps its head and its tail, with a marked gap between them. An
    /// answer or artifact keeps more than a plan or an earlier round. Around them, what is written
    /// for a person loses its end, and lists lose entries from theirs, which are counted. Names are
    /// never cut: ids, categories, models, variables and files. What says how to go on (`error`,
    /// `hint`, `policy_error`) is cut last, and a panel's members leave last. The JSON stays valid.
    #[must_use]
    pub fn bounded(self, max_chars: usize) -> Self {
        bound::bounded(self, max_chars, &bound::PLAIN_GAP)
    }

    /// Shortens the envelope as [`bounded`](Self::bounded) does. If it is the envelope of a run,
    /// `meta.pages` then has the number of its [pages](Self::page), and gaps in texts name the tool
    /// `llm_result`, which has them.
    #[must_use]
    pub fn bounded_in_pages(self, max_chars: usize) -> Self {
        if self.fits(max_chars) {
            return self;
        }
        let pages = self.page_count(max_chars);
        self.bounded_with_pages(max_chars, pages)
    }

    /// Returns whether the envelope has at most `max_chars` characters of JSON.
    pub(crate) fn fits(&self, max_chars: usize) -> bool {
        bound::json_chars(self) <= max_chars
    }

    /// Shortens an envelope that does not fit, and whose whole text has this number of pages.
    pub(crate) fn bounded_with_pages(mut self, max_chars: usize, pages: u64) -> Self {
        if !self.meta.contains_key("run_id") {
            return bound::shortened(self, max_chars, &bound::PLAIN_GAP);
        }
        self.meta.insert("pages".to_owned(), pages.into());
        bound::shortened(self, max_chars, &bound::PAGED_GAP)
    }

    /// Returns the whole text of the result: of a single answer or a cascade exactly its text; of a
    /// panel each member's answer under a heading; of an orchestration its artifact, plan and
    /// verdict under headings, then those of other rounds. Of an error without a result it is the
    /// error's sentence.
    pub fn whole_text(&self) -> Cow<'_, str> {
        pages::whole_text(self)
    }

    /// Returns the number of [pages](Self::page) that the whole text has in envelopes of at most
    /// `max_chars` characters.
    pub fn page_count(&self, max_chars: usize) -> u64 {
        Pages::of(self, max_chars).count()
    }

    /// Returns one page of the [whole text](Self::whole_text): the envelope of a slice, of at most
    /// `max_chars` characters of JSON. The slices of all pages joined are the whole text. Pages are
    /// counted from 1; even an empty text has one. A page has at least one character, also if
    /// `max_chars` leaves no room for it.
    ///
    /// ```
    /// use llm_gateway_core::Envelope;
    /// use serde_json::json;
    ///
    /// let envelope = Envelope::success(json!({ "text": "long ".repeat(100) }));
    /// let first = envelope.page(1, 300).unwrap();
    /// let pages = first.meta["pages"].as_u64().unwrap();
    /// let texts = (1..=pages).map(|number| envelope.page(number, 300).unwrap());
    /// let joined: String = texts.map(|it| it.whole_text().into_owned()).collect();
    /// assert_eq!(joined, envelope.whole_text());
    /// ```
    ///
    /// # Errors
    /// [`Category::InvalidRequest`](crate::Category::InvalidRequest) if there is no such page; the
    /// error's text says which there are.
    pub fn page(&self, number: u64, max_chars: usize) -> Result<Self, Error> {
        Pages::of(self, max_chars).page(self, number)
    }

    /// Returns the envelope without what says nothing new: a single attempt that succeeded, a price
    /// check that was passed, why a claim passed, what no certificate proves. What models wrote,
    /// warnings and everything about an error stay.
    #[must_use]
    pub fn brief(self) -> Self {
        brief::brief(self)
    }

    /// Creates the envelope of a run that has worked for `age` and is not done. `hint` says how its
    /// result can be had.
    pub fn running(run_id: RunId, task_class: &str, age: Duration, hint: &str) -> Self {
        running::running(run_id, task_class, age, hint)
    }

    /// Returns the JSON Schema (draft 2020-12) of the envelope: what each shape has in `data` and
    /// `meta`, with a description of every field.
    ///
    /// ```
    /// use llm_gateway_core::Envelope;
    ///
    /// let schema = Envelope::json_schema();
    /// let shapes = schema["anyOf"].as_array().unwrap();
    /// assert!(shapes.iter().any(|shape| shape["title"] == "Panel"));
    /// ```
    pub fn json_schema() -> Value {
        schema::json_schema()
    }

    /// Creates the envelope of a success whose `data` and `meta` serialise as objects.
    fn of(data: &impl Serialize, meta: &impl Serialize) -> Self {
        Self { meta: object(meta), ..Self::success(object(data).into()) }
    }
}

impl From<&Reply> for Envelope {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::Single(answer) => Self::from(&**answer),
            Reply::Panel(panel) => Self::from(&**panel),
            Reply::Orchestration(orchestrated) => Self::from(&**orchestrated),
            Reply::Cascade(cascade) => Self::from(&**cascade),
        }
    }
}

impl From<&Result<Answer, Failure>> for Envelope {
    fn from(outcome: &Result<Answer, Failure>) -> Self {
        outcome.as_ref().map_or_else(Self::from, Self::from)
    }
}

impl From<&Result<Reply, Failure>> for Envelope {
    fn from(outcome: &Result<Reply, Failure>) -> Self {
        outcome.as_ref().map_or_else(Self::from, Self::from)
    }
}

/// Reads the field `data` where it is present, so that null differs from an absent field.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Returns a time in whole milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns `Some(false)` if the ledger lacks a cost, else `None`: an envelope shows only what is
/// missing.
fn unless_recorded(spend_recorded: Option<bool>) -> Option<bool> {
    spend_recorded.filter(|is_recorded| !is_recorded)
}

/// Returns the fields of a value that serialises as an object.
fn object(of: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        // No type of this room serialises as anything else, or can fail to.
        Ok(_) | Err(_) => Map::new(),
    }
}
