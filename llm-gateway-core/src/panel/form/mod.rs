//! The form of a panel's answer: which kind of answer it is, and which part of it is compared.
//!
//! The kind is decided on the unchanged text, before anything is removed. Then each kind loses only
//! what it can lose without becoming another answer:
//!
//! | kind | what it may lose |
//! |---|---|
//! | code, quoted text, several lines | white space around the whole |
//! | a JSON object or array | white space between its tokens, the order of keys, a `json` fence |
//! | yes and no, in English | case, emphasis, a closing mark, a lead-in such as "the answer is" |
//! | a letter | emphasis, a closing full stop, a lead-in; its case only where it is an option |
//! | a number | emphasis, a closing full stop, a lead-in |
//! | any other line | strong emphasis, and the full stop of a sentence |
//!
//! Answers of different kinds are never the same.

mod bare;
mod decimal;
mod json;
mod lead_in;
mod letter;
mod number;

use self::json::JsonText;
use self::lead_in::LedAnswer;
use self::letter::Letter;
use self::number::Numeral;
use super::likeness::Likeness;
use crate::model::{LINE_ENDS, seen};
use crate::policy::Agree;

/// Characters that begin or end code or a quotation. A line with one of them is compared as it is.
const CODE_AND_QUOTES: [char; 13] =
    ['`', '"', '“', '”', '„', '‟', '«', '»', '‹', '›', '「', '」', '『'];

/// The form of an answer, in which answers are compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// An answer that shows nothing, or that readers understand differently, such as JSON with a
    /// repeated key. It is treated as no answer.
    Unreadable,
    /// An answer that is code, quoted, or of several lines. It is compared to the byte.
    Verbatim(String),
    /// An answer that is a JSON object or array.
    Json(JsonText),
    /// An answer that is yes or no.
    Truth(bool),
    /// An answer that is one letter.
    Letter(Letter),
    /// An answer that is a number in digits.
    Number(Numeral),
    /// An answer that is any other line, without its strong emphasis and closing full stop.
    Line(String),
}

impl Form {
    /// Returns the form of an answer.
    pub(super) fn of(text: &str) -> Self {
        let text = without_space_around(text);
        if !text.chars().any(shows_alone) {
            return Self::Unreadable;
        }
        if let Some(json) = json::read(text.trim()) {
            return json.map_or(Self::Unreadable, Self::Json);
        }
        if text.contains(LINE_ENDS) {
            return Self::Verbatim(text.to_owned());
        }
        let line = text.trim();
        let is_quoted = line.contains(CODE_AND_QUOTES) || line.starts_with(['\'', '‘', '‚', '’']);
        if is_quoted { Self::Verbatim(line.to_owned()) } else { Self::of_line(line) }
    }

    /// Returns the form of an answer that is one line, without code or a quotation.
    fn of_line(line: &str) -> Self {
        let led = LedAnswer::of(line);
        yes_or_no(&led)
            .map(Self::Truth)
            .or_else(|| Letter::of(&led).map(Self::Letter))
            .or_else(|| led.is_plain().then(|| Numeral::of(led.said).map(Self::Number))?)
            .unwrap_or_else(|| Self::Line(bare::sentence(line).to_owned()))
    }

    /// Returns the name of the answer's form, as envelopes show it.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::Truth(_) => "boolean",
            Self::Letter(_) => "option_letter",
            Self::Json(_) => "canonical_json",
            Self::Unreadable | Self::Verbatim(_) | Self::Line(_) => "normalized_exact",
        }
    }

    /// Compares two answers in the way that the policy says.
    pub(super) fn likeness(&self, other: &Self, agree: Agree) -> Likeness {
        match (self, other) {
            (Self::Truth(one), Self::Truth(other)) if one != other => Likeness::Different,
            (Self::Truth(_), Self::Truth(_)) => Likeness::Same,
            (Self::Json(one), Self::Json(other)) => one.likeness(other, agree),
            (Self::Letter(one), Self::Letter(other)) => one.likeness(*other),
            (Self::Number(one), Self::Number(other)) => one.likeness(other, agree),
            (Self::Verbatim(one), Self::Verbatim(other)) | (Self::Line(one), Self::Line(other))
                if one == other =>
            {
                Likeness::Same
            }
            // Prose that differs may still mean the same.
            _ => Likeness::Unclear,
        }
    }
}

/// Returns a text without the space after it and the empty lines before it. The indentation of its
/// first line stays.
fn without_space_around(text: &str) -> &str {
    let text = text.trim_end();
    let first = text.find(|c: char| !c.is_whitespace()).unwrap_or_default();
    let (space, _) = text.split_at_checked(first).unwrap_or_default();
    let lines = space.rfind(LINE_ENDS).map_or(0, |end| {
        end + space.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    });
    text.get(lines..).unwrap_or_default()
}

/// Returns whether a reader sees a character that stands alone.
fn shows_alone(c: char) -> bool {
    !c.is_whitespace() && seen::is_visible(c)
}

/// Reads yes and no. Other languages have words for both that mean something else elsewhere, such
/// as the Norwegian and the Italian "no", so only the English words are read.
fn yes_or_no(led: &LedAnswer<'_>) -> Option<bool> {
    let said = led.is_plain().then_some(led.said)?;
    let said = said.strip_suffix('!').unwrap_or(said);
    match said {
        _ if said.eq_ignore_ascii_case("yes") => Some(true),
        _ if said.eq_ignore_ascii_case("no") => Some(false),
        _ => None,
    }
}
