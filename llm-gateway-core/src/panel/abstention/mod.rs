//! Detects an answer that says that it does not know, or cannot decide.
//!
//! Models that do not know say so in much the same words. Two such answers agree without answering
//! anything. An answer that only quotes such words counts too; the cost of that is one more
//! question to a stronger model.

use icu_normalizer::ComposingNormalizer;
use serde_json::Value;

use crate::model::single_spaced;

/// The keys under which a record states its answer.
const ANSWER_KEYS: [&str; 6] = ["answer", "final_answer", "result", "verdict", "choice", "value"];

/// Answers that abstain only if they are a whole answer, or a whole clause of one.
const WHOLE_ANSWERS: &str = include_str!("whole.txt");

/// Phrases that make every answer that contains them an abstention.
const PARTS: &str = include_str!("parts.txt");

/// Marks around an answer, or around a part of it, that do not change its meaning.
const MARKS: [char; 16] =
    ['*', '_', '`', '"', '\'', '“', '”', '«', '»', '(', ')', '{', '}', '[', ']', ' '];

/// Marks at the end of a clause.
const CLAUSE_ENDS: [char; 14] =
    ['.', '!', '?', ';', ':', ',', '…', '—', '。', '！', '？', '，', '：', '、'];

/// Returns whether an answer says that it does not know or cannot decide.
pub(crate) fn abstains(text: &str) -> bool {
    if let Some(record) = record(text) {
        return abstains_in(&record);
    }
    let text = plain(text);
    let mut clauses = text.split(CLAUSE_ENDS).chain([text.as_str()]);
    let is_whole = |clause: &str| {
        let bare = clause.trim_matches(MARKS).trim_end_matches(CLAUSE_ENDS).trim_matches(MARKS);
        phrases(WHOLE_ANSWERS).any(|phrase| phrase == bare)
    };
    text.trim_matches(MARKS) == "?"
        || clauses.any(is_whole)
        || phrases(PARTS).any(|phrase| holds(&text, phrase))
}

/// Returns the JSON object or array that is the whole text, alone or in a fence.
fn record(text: &str) -> Option<Value> {
    let text = text.trim();
    let fenced = || text.strip_prefix("```")?.strip_suffix("```")?.split_once('\n');
    let text = fenced().map_or(text, |(_, inside)| inside.trim());
    text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok())?
}

/// Returns whether a record abstains: by the value that it names as its answer, else by its first
/// value. A record of several facts is an answer even if a later fact is unknown.
fn abstains_in(record: &Value) -> bool {
    let values: Vec<&Value> = match record {
        Value::Object(fields) => {
            let answer = ANSWER_KEYS
                .iter()
                .find_map(|key| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)));
            answer.or(fields.iter().next()).map(|(_, value)| value).into_iter().collect()
        }
        Value::Array(items) => items.iter().take(1).collect(),
        _ => Vec::new(),
    };
    values.into_iter().any(|value| match value {
        Value::String(text) => abstains(text),
        other => abstains_in(other),
    })
}

/// Returns the phrases of a list: its lines without comments.
fn phrases(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// Returns a text in small letters, in one line, with one kind of apostrophe and single spaces, and
/// each letter as one character with its accent.
fn plain(text: &str) -> String {
    let composed = ComposingNormalizer::new_nfc().normalize(text);
    let lower = composed.to_lowercase().replace(['’', 'ʼ', '`', '´'], "'").replace(['*', '_'], "");
    single_spaced(&lower)
}

/// Returns whether a text contains a phrase as whole words. Scripts that write words without
/// spaces, such as Chinese, have no word ends to check.
fn holds(text: &str, part: &str) -> bool {
    let is_spaced = |c: char| c.is_alphanumeric() && !is_unspaced(c);
    let goes_on = |end: Option<char>, beside: Option<char>| {
        end.is_some_and(is_spaced) && beside.is_some_and(is_spaced)
    };
    text.match_indices(part).any(|(at, found)| {
        let (before, rest) = text.split_at_checked(at).unwrap_or_default();
        let after = rest.get(found.len()..).unwrap_or_default();
        !goes_on(found.chars().next(), before.chars().next_back())
            && !goes_on(found.chars().next_back(), after.chars().next())
    })
}

/// Returns whether a character belongs to a script that is written without spaces between words, or
/// that joins endings to them: Thai, kana, Chinese and Korean.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}')
}
