//! The normal form of an answer: what it says, whatever its spelling.

use serde_json::Value;

/// Two numbers that differ by less than this share are the same, printed differently.
const NUMBER_TOLERANCE: f64 = 1e-9;

/// What is often said before an answer.
const LEAD_INS: [&str; 6] = [
    "the final answer is",
    "the answer is",
    "the correct answer is",
    "final answer",
    "answer",
    "option",
];

/// An answer in its normal form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// A number.
    Number(f64),
    /// Yes or no.
    Truth(bool),
    /// One of several options, as a capital letter.
    Option(char),
    /// A JSON object or array.
    Json(Value),
    /// Anything else, in lower case and with single spaces.
    Text(String),
}

impl Form {
    /// Reads an answer.
    pub(super) fn of(text: &str) -> Self {
        let bare = unfenced(text.trim());
        if bare.starts_with(['{', '['])
            && let Ok(value) = serde_json::from_str(bare)
        {
            return Self::Json(value);
        }
        let plain = plain(bare);
        let said = without_lead_in(&plain);
        option(said)
            .map(Self::Option)
            .or_else(|| truth(said).map(Self::Truth))
            .or_else(|| number(said).map(Self::Number))
            .unwrap_or(Self::Text(plain))
    }

    /// What is compared, as an envelope names it.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::Truth(_) => "boolean",
            Self::Option(_) => "option_letter",
            Self::Json(_) => "canonical_json",
            Self::Text(_) => "normalized_exact",
        }
    }

    /// Whether two answers say the same.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => {
                (one - other).abs() <= NUMBER_TOLERANCE * one.abs().max(other.abs())
            }
            // Objects are equal whatever the order of their keys.
            (one, other) => one == other,
        }
    }
}

/// The inside of a fenced block, if the whole text is one.
fn unfenced(text: &str) -> &str {
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match inside.and_then(|inside| inside.split_once('\n')) {
        Some((language, body)) if !language.contains('`') => body.trim(),
        _ => text,
    }
}

/// In lower case, with single spaces, without emphasis around it or a full stop after it.
fn plain(text: &str) -> String {
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let marks = |c: char| matches!(c, '*' | '`' | '"' | '\'' | '_');
    spaced.trim_matches(marks).trim_end_matches(['.', '!']).trim_matches(marks).trim().to_owned()
}

fn without_lead_in(plain: &str) -> &str {
    let marks = |c: char| matches!(c, '*' | '`' | '"' | ' ' | ':');
    let rest = LEAD_INS.iter().find_map(|lead_in| plain.strip_prefix(lead_in));
    // A word that only begins like a lead-in is none.
    rest.filter(|rest| rest.starts_with(marks)).map_or(plain, |rest| rest.trim_matches(marks))
}

fn option(said: &str) -> Option<char> {
    let inside = said.trim_start_matches('(').trim_end_matches([')', '.']);
    let mut letters = inside.chars();
    match (letters.next(), letters.next()) {
        (Some(letter @ 'a'..='z'), None) => Some(letter.to_ascii_uppercase()),
        _ => None,
    }
}

fn truth(said: &str) -> Option<bool> {
    match said {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// A number in digits, with or without separators of thousands.
fn number(said: &str) -> Option<f64> {
    let digits: String = said.chars().filter(|c| !matches!(c, ',' | ' ' | '_')).collect();
    let plausible = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e');
    if !digits.chars().all(plausible) || !groups_are_thousands(said) {
        return None;
    }
    digits.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether every group after a separator has three digits: `1,5` is no number that everybody
/// reads alike.
fn groups_are_thousands(said: &str) -> bool {
    let whole = said.split('.').next().unwrap_or_default();
    whole.split([',', ' ', '_']).skip(1).all(|group| group.len() == 3)
}
