//! Answers that are a JSON object or array.
//!
//! White space between tokens and the order of keys may differ. Everything else is kept as it was
//! written: 1.0 and 1 are two spellings, and only a guess could decide whether they are two
//! answers.

use serde_json::Value;

use super::decimal::Decimal;
use crate::panel::likeness::Likeness;
use crate::policy::Agree;

/// White space between the tokens of JSON (RFC 8259, section 2).
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// JSON as it was written, without the white space between its tokens.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum JsonText {
    /// A string, a number, true, false or null, as it was written.
    Leaf(String),
    /// An array.
    Array(Vec<JsonText>),
    /// An object, in the order of its keys.
    Object(Vec<(ObjectKey, JsonText)>),
}

/// The key of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct ObjectKey {
    /// The key itself.
    text: String,
    /// The key as it was written, with its escapes.
    written: String,
}

/// Reads an answer that is a JSON object or array, alone or in a fence that says `json`. The inner
/// value is `None` if an object repeats a key, because readers disagree on which of its values
/// counts.
pub(super) fn read(text: &str) -> Option<Option<JsonText>> {
    let text = fenced(text).unwrap_or(text);
    // serde_json bounds how deep values may be nested, and so how deep they are read below.
    let is_json = text.starts_with(['{', '[']) && serde_json::from_str::<Value>(text).is_ok();
    is_json.then(|| Reader { rest: text }.value())
}

/// Returns the inside of a fence that says that it holds JSON, if the whole text is one.
fn fenced(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("```")?.strip_suffix("```")?;
    let (language, body) = inside.split_once('\n')?;
    language.trim().eq_ignore_ascii_case("json").then(|| body.trim())
}

impl JsonText {
    /// Compares two values, whose numbers are compared as they are written or by value.
    pub(super) fn likeness(&self, other: &Self, agree: Agree) -> Likeness {
        match (self, other) {
            (Self::Leaf(one), Self::Leaf(other)) => leaves(one, other, agree),
            (Self::Array(one), Self::Array(other)) if one.len() == other.len() => {
                let pairs = one.iter().zip(other);
                Likeness::of_parts(pairs.map(|(one, other)| one.likeness(other, agree)))
            }
            (Self::Object(one), Self::Object(other)) if one.len() == other.len() => {
                let pairs = one.iter().zip(other);
                Likeness::of_parts(pairs.flat_map(|((key, one), (other_key, other))| {
                    [key.likeness(other_key), one.likeness(other, agree)]
                }))
            }
            _ => Likeness::Different,
        }
    }
}

impl ObjectKey {
    fn likeness(&self, other: &Self) -> Likeness {
        match () {
            () if self.text != other.text => Likeness::Different,
            () if self.written != other.written => Likeness::Unclear,
            () => Likeness::Same,
        }
    }
}

/// Compares two strings, numbers or words of JSON.
fn leaves(one: &str, other: &str, agree: Agree) -> Likeness {
    if one == other {
        return Likeness::Same;
    }
    let have_one_value = match (Decimal::of_json(one), Decimal::of_json(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    };
    let have_one_text = text_of(one).is_some_and(|text| text_of(other) == Some(text));
    match () {
        () if have_one_value && agree == Agree::ByValue => Likeness::Same,
        () if have_one_value || have_one_text => Likeness::Unclear,
        () => Likeness::Different,
    }
}

/// Returns the text of a JSON string.
fn text_of(leaf: &str) -> Option<String> {
    leaf.starts_with('"').then(|| serde_json::from_str(leaf).ok())?
}

/// A reader of JSON that is known to be well formed. It returns `None` for an object that repeats a
/// key.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Option<JsonText> {
        match self.peek()? {
            '[' => self.items().map(JsonText::Array),
            '{' => self.fields().map(JsonText::Object),
            '"' => Some(JsonText::Leaf(self.string()?.to_owned())),
            _ => Some(JsonText::Leaf(self.word()?.to_owned())),
        }
    }

    fn items(&mut self) -> Option<Vec<JsonText>> {
        let mut items = Vec::new();
        self.skip(1);
        while self.peek()? != ']' {
            items.push(self.value()?);
            self.pass(',');
        }
        self.skip(1);
        Some(items)
    }

    fn fields(&mut self) -> Option<Vec<(ObjectKey, JsonText)>> {
        let mut fields: Vec<(ObjectKey, JsonText)> = Vec::new();
        self.skip(1);
        while self.peek()? != '}' {
            let written = self.string()?.to_owned();
            let key = ObjectKey { text: text_of(&written)?, written };
            self.pass(':');
            fields.push((key, self.value()?));
            self.pass(',');
        }
        self.skip(1);
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        let repeats = |pair: &[(ObjectKey, JsonText)]| matches!(pair, [(one, _), (other, _)] if one.text == other.text);
        (!fields.windows(2).any(repeats)).then_some(fields)
    }

    /// Returns the next character that is no space, and stops before it.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches(SPACE);
        self.rest.chars().next()
    }

    /// Consumes a character, if it is the next one.
    fn pass(&mut self, mark: char) {
        if self.peek() == Some(mark) {
            self.skip(1);
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Returns the next string, with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.peek()?;
        let mut is_escaped = false;
        let is_end = |(at, c): (usize, char)| {
            let is_end = c == '"' && at > 0 && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end.then_some(at + 1)
        };
        let end = self.rest.char_indices().find_map(is_end)?;
        self.take(end)
    }

    /// Returns the next number or word.
    fn word(&mut self) -> Option<&'a str> {
        let is_end = |c: char| SPACE.contains(&c) || matches!(c, ',' | ']' | '}');
        self.take(self.rest.find(is_end).unwrap_or(self.rest.len()))
    }

    fn take(&mut self, bytes: usize) -> Option<&'a str> {
        let (token, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(token)
    }
}
