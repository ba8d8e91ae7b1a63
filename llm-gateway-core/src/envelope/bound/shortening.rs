//! The rule of what gives way in an envelope, and in which order.
//!
//! Names are never cut: ids, words of a closed set, names of models, variables and files. What is
//! written for a person is cut at its end. A list loses whole entries from its end and counts them;
//! the list of a panel's members, and a list whose entries hold what models wrote, does so last.
//! What somebody needs to go on (`error`, `hint`, `data.policy_error`) is cut last too.

use serde_json::{Map, Value, json};

use super::texts::{holds_text, is_text};
use super::width::{bytes_that_fit, escaped_chars};
use crate::envelope::Envelope;

/// The most characters of a name. What is longer is no name, whatever its key says.
const LONGEST_NAME: usize = 200;

/// The keys of names that may have spaces in them. A string without a space is a name by itself.
const SPACED_NAMES: [&str; 4] = ["path", "file", "policy_file", "bundle"];

/// The fields of `meta` and `data` that say how to go on.
const LAST: [&str; 2] = ["hint", "policy_error"];

/// The list whose entries are whole envelopes, of which each says something.
const MEMBERS: &str = "members";

/// The fewest fields that an object keeps whose fields are not known.
const FEWEST_FIELDS: usize = 20;

/// The fields of a member, or of another entry of a list, that are kept longest: those that say
/// which entry it is, how it ended, and how its result is fetched.
const NEEDED: [&str; 34] = [
    "status",
    "error",
    "data",
    "meta",
    "run_id",
    "provider",
    "model",
    "error_category",
    "hint",
    "text",
    "artifact",
    "plan",
    "raw",
    "first_raw",
    "verdict",
    "other_rounds",
    "round",
    "accepted",
    "decision",
    "name",
    "kind",
    "state",
    "available",
    "key",
    "missing_keys",
    "task_class",
    "age_s",
    "level",
    "required",
    "independence_certified",
    "outcome",
    "result",
    "step",
    "role",
];

/// The fields of the envelope's own `meta` that stay to the end.
const NEEDED_OF_ALL: [&str; 11] = [
    "task_class",
    "provider",
    "model",
    "run_id",
    "error_category",
    "hint",
    "truncated",
    "pages",
    "answered",
    "asked",
    "offline",
];

/// How many fields of an object stay.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fields {
    /// All fields.
    All,
    /// Of the entries in `data` and `meta` only the fields of [`NEEDED`].
    Needed,
    /// As [`Needed`](Self::Needed), and of `meta` itself only the fields of [`NEEDED_OF_ALL`].
    Bare,
}

/// A step of the shortening of an envelope: how much of an envelope may stay.
#[derive(Clone, Copy)]
pub(super) struct Shortening {
    /// The most characters of a text for a person.
    prose: usize,
    /// The most characters of what says how to go on.
    last: usize,
    /// The most entries of a list.
    list: usize,
    /// The most members, and entries that hold texts of models.
    members: usize,
    fields: Fields,
    /// The part of the room that the texts of models need at least, as far as they fill it, as a
    /// divisor; `None` if each needs no more than the marker of its gap.
    pub(super) for_texts: Option<usize>,
}

/// A step that leaves every member.
const fn step(prose: usize, list: usize, fields: Fields, for_texts: Option<usize>) -> Shortening {
    let last = if prose > 1_000 { prose } else { 1_000 };
    Shortening { prose, last, list, members: usize::MAX, fields, for_texts }
}

/// A step that leaves some members, and next to nothing else.
const fn few(members: usize) -> Shortening {
    Shortening { prose: 40, last: 300, list: 1, members, fields: Fields::Bare, for_texts: None }
}

/// The steps of shortening, from the first, which leaves most. Each is tried in turn on the whole
/// envelope until it fits.
pub(super) const STEPS: [Shortening; 21] = [
    step(2_000, 200, Fields::All, Some(2)),
    step(500, 100, Fields::All, Some(2)),
    step(160, 40, Fields::All, Some(2)),
    step(60, 15, Fields::All, Some(2)),
    step(60, 40, Fields::Needed, Some(2)),
    step(40, 15, Fields::Needed, Some(2)),
    step(40, 4, Fields::Needed, Some(2)),
    step(40, 1, Fields::Needed, Some(2)),
    step(40, 1, Fields::Needed, None),
    step(40, 1, Fields::Bare, None),
    few(usize::MAX),
    few(48),
    few(32),
    few(24),
    few(16),
    few(12),
    few(8),
    few(5),
    few(3),
    few(1),
    few(0),
];

impl Shortening {
    /// Returns what this step leaves of an envelope.
    pub(super) fn shortened(&self, envelope: &Envelope) -> Envelope {
        let mut envelope = envelope.clone();
        if let Some(error) = &mut envelope.error {
            shorten_text(error, self.last);
        }
        if self.fields == Fields::Bare {
            envelope.meta.retain(|key, _| NEEDED_OF_ALL.contains(&key.as_str()));
        }
        self.shorten_top(&mut envelope.meta);
        match &mut envelope.data {
            Some(Value::Object(fields)) => self.shorten_top(fields),
            Some(other) => self.shorten("", other),
            None => {}
        }
        envelope
    }

    /// Shortens the fields of `data` or `meta`, all of which stay.
    fn shorten_top(&self, fields: &mut Map<String, Value>) {
        let to_go_on = Self { prose: self.last, fields: Fields::All, ..*self };
        for (key, value) in fields {
            let step = if LAST.contains(&key.as_str()) { &to_go_on } else { self };
            step.shorten_field(key, value);
        }
    }

    fn shorten_field(&self, key: &str, value: &mut Value) {
        if !is_text(key, value) {
            self.shorten(key, value);
        }
    }

    /// Shortens what stands under `key`, and notes in it how much was left out.
    fn shorten(&self, key: &str, value: &mut Value) {
        match value {
            Value::String(text) => self.shorten_string(key, text),
            Value::Array(items) => {
                let is_late = key == MEMBERS || items.iter().any(holds_text);
                let kept = if is_late { self.members } else { self.list };
                let more = items.len().saturating_sub(kept);
                items.truncate(kept);
                items.iter_mut().for_each(|item| self.shorten(key, item));
                if more > 0 {
                    items.push(json!(format!("… and {more} more")));
                }
            }
            Value::Object(fields) => self.shorten_object(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn shorten_object(&self, fields: &mut Map<String, Value>) {
        let all = fields.len();
        let (mut at, most) = (0, self.list.max(FEWEST_FIELDS));
        fields.retain(|key, _| {
            at += 1;
            let is_few = self.fields == Fields::All && at <= most;
            is_few || NEEDED.contains(&key.as_str())
        });
        let more = all - fields.len();
        fields.iter_mut().for_each(|(key, value)| self.shorten_field(key, value));
        // What is left out of many entries alike is told by `meta.truncated`.
        if more > 0 && self.fields == Fields::All {
            fields.insert("…".to_owned(), json!(format!("and {more} more")));
        }
    }

    fn shorten_string(&self, key: &str, text: &mut String) {
        let is_name = SPACED_NAMES.contains(&key) || !text.contains(char::is_whitespace);
        let most = if is_name { self.prose.max(LONGEST_NAME) } else { self.prose };
        shorten_text(text, most);
    }
}

/// Returns what is left of an envelope for which there is no room at all: how it ended, and how to
/// go on.
pub(super) fn remains(mut envelope: Envelope) -> Envelope {
    envelope.data = None;
    envelope.error.iter_mut().for_each(|error| shorten_text(error, LONGEST_NAME));
    envelope.meta.retain(|key, value| {
        NEEDED_OF_ALL.contains(&key.as_str()) && !value.is_array() && !value.is_object()
    });
    for value in envelope.meta.values_mut() {
        if let Value::String(text) = value {
            shorten_text(text, LONGEST_NAME);
        }
    }
    envelope
}

/// Cuts a text to its beginning, of at most `longest` characters in JSON.
fn shorten_text(text: &mut String, longest: usize) {
    if escaped_chars(text) > longest {
        text.truncate(bytes_that_fit(text.chars(), longest.saturating_sub(1)));
        text.push('…');
    }
}
