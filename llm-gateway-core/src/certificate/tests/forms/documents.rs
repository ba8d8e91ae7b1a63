//! Rewrites documents in the forms in which servers write them.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use crate::model::Dialect;

/// Names of fields that a server may write with null if they have no value. A field that is null is
/// treated as absent.
const NULL_FIELDS: &[&str] = &[
    "error",
    "errors",
    "message",
    "detail",
    "param",
    "code",
    "type",
    "object",
    "id",
    "model",
    "choices",
    "usage",
    "index",
    "delta",
    "content",
    "text",
    "refusal",
    "reasoning",
    "reasoning_content",
    "tool_calls",
    "logprobs",
    "finish_reason",
    "stop_reason",
    "stop_details",
    "content_block",
    "candidates",
    "parts",
    "thought",
    "finishReason",
    "promptFeedback",
    "prompt_feedback",
    "modelVersion",
    "model_version",
    "responseId",
    "response_id",
    "usageMetadata",
    "usage_metadata",
    "prompt_tokens",
    "completion_tokens",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "promptTokenCount",
    "prompt_tokens_details",
    "base_resp",
    "service_tier",
    "system_fingerprint",
];

/// The names under which a model states why it stopped.
const REASONS: [&str; 4] = ["finish_reason", "stop_reason", "finishReason", "native_finish_reason"];

/// Writes a document in an odd form.
pub(super) fn written(document: &Value, dice: &mut Dice) -> String {
    let mut text = String::new();
    write(document, "", dice, &mut text);
    text
}

fn write(value: &Value, name: &str, dice: &mut Dice, text: &mut String) {
    match value {
        Value::Object(fields) => object(fields, dice, text),
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                text.push_str(if n > 0 { "," } else { "" });
                space(dice, text);
                write(item, name, dice, text);
            }
            text.push(']');
        }
        Value::String(word) if REASONS.contains(&name) => string(&reason(word, dice), dice, text),
        Value::String(written) => string(written, dice, text),
        Value::Number(number) if is_count(name) => text.push_str(&match dice.roll(6) {
            0 => format!("\"{number}\""),
            1 if number.is_u64() => format!("\" {number}.0\""),
            2 if number.is_u64() => format!("{number}.0"),
            _ => number.to_string(),
        }),
        Value::Null if dice.once_in(8) => text.push_str(dice.pick(&["None", "NaN", "1e999"])),
        Value::Bool(true) if dice.once_in(8) => text.push_str("True"),
        other => text.push_str(&other.to_string()),
    }
}

fn object(fields: &Map<String, Value>, dice: &mut Dice, text: &mut String) {
    let mut entries: Vec<(&str, &Value)> = Vec::new();
    for (name, value) in fields {
        // Of two equal names the last counts.
        if dice.once_in(12) {
            let other = dice.pick(&[&Value::Null, value, fields.values().next_back().unwrap()]);
            entries.push((name, other));
        }
        entries.push((name, value));
    }
    for _ in 0..dice.roll(3) {
        let name = dice.pick(NULL_FIELDS);
        if !entries.iter().any(|(known, _)| *known == name) {
            entries.insert(dice.roll(entries.len() + 1), (name, &Value::Null));
        }
    }
    text.push('{');
    for (n, (name, value)) in entries.into_iter().enumerate() {
        text.push_str(if n > 0 { "," } else { "" });
        space(dice, text);
        string(name, dice, text);
        text.push(':');
        space(dice, text);
        write(value, name, dice, text);
    }
    space(dice, text);
    text.push('}');
}

fn space(dice: &mut Dice, text: &mut String) {
    text.push_str(dice.pick(&["", " ", "", "\t", "", "  "]));
}

/// Writes a string with escapes that are not needed, and without some that are.
fn string(content: &str, dice: &mut Dice, text: &mut String) {
    let escapes = dice.once_in(4);
    text.push('"');
    for character in content.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\t' if dice.once_in(2) => text.push('\t'),
            control if control < ' ' => text.push_str(&format!("\\u{:04X}", u32::from(control))),
            '/' if dice.once_in(2) => text.push_str("\\/"),
            odd if escapes && dice.once_in(3) => {
                let mut units = [0; 2];
                let units = odd.encode_utf16(&mut units).iter();
                units.for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
            }
            plain => text.push(plain),
        }
    }
    text.push('"');
}

/// Returns another spelling of a reason.
fn reason(word: &str, dice: &mut Dice) -> String {
    match dice.roll(6) {
        0 => word.to_ascii_uppercase(),
        1 => word.replace('_', "-"),
        2 if !word.is_empty() => format!("FinishReason.{}", word.to_ascii_uppercase()),
        3 => format!(" {word} "),
        _ => word.to_owned(),
    }
}

/// Replaces one value of a document by something else.
pub(super) fn garble(document: &mut Value, dice: &mut Dice) {
    let mut places = Vec::new();
    collect(document, String::new(), &mut places);
    let [place, other] = [&places[dice.roll(places.len())], &places[dice.roll(places.len())]];
    let old = document.pointer(place).unwrap().clone();
    let other = document.pointer(other).unwrap().clone();
    *document.pointer_mut(place).unwrap() = match dice.roll(14) {
        0 => Value::Null,
        1 => json!(0),
        2 => json!(7.5),
        3 => json!("7"),
        4 => json!(""),
        5 => json!(true),
        6 => json!([]),
        7 => json!({}),
        8 => json!([old]),
        9 => json!([null, old, "x", old]),
        10 => json!({"text": old}),
        11 => json!({"type": "text", "text": old}),
        12 => json!({"message": "x", "error": old}),
        _ => other,
    };
}

/// Collects the pointers of all values of a document. No key of a fixture needs an escape.
fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, it)| collect(it, format!("{at}/{n}"), places));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, it)| collect(it, format!("{at}/{name}"), places));
        }
        _ => {}
    }
    places.push(at);
}

fn is_count(name: &str) -> bool {
    ["tokens", "Tokens", "TokenCount", "token_count"].iter().any(|end| name.ends_with(end))
}

/// The places of counts in the reports of all APIs.
const COUNTS: &[&str] = &[
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "inputTokens",
    "outputTokens",
    "totalTokens",
    "promptTokenCount",
    "candidatesTokenCount",
    "totalTokenCount",
    "thoughtsTokenCount",
    "toolUsePromptTokenCount",
    "prompt_token_count",
    "candidates_token_count",
    "total_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
    "cachedContentTokenCount",
    "cached_content_token_count",
    "cached_tokens",
    "reasoning_tokens",
    "prompt_cache_hit_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cacheReadInputTokens",
    "cacheWriteInputTokens",
    "prompt_tokens_details/cached_tokens",
    "prompt_tokens_details/cache_write_tokens",
    "prompt_tokens_details/cache_creation_tokens",
    "input_tokens_details/cached_tokens",
    "completion_tokens_details/reasoning_tokens",
    "output_tokens_details/reasoning_tokens",
    "output_tokens_details/thinking_tokens",
    "prompt_cache_miss_tokens",
    "completion_tokens_details/audio_tokens",
];

/// Returns a report of tokens: an input and an output, and some other counts.
pub(super) fn counts(dice: &mut Dice) -> Value {
    let mut report = Map::new();
    let ends = [
        ["prompt_tokens", "completion_tokens"],
        ["input_tokens", "output_tokens"],
        ["promptTokenCount", "candidatesTokenCount"],
    ];
    let usual = if dice.once_in(6) { [].as_slice() } else { &dice.pick(&ends) };
    let others = (0..dice.roll(5)).map(|_| dice.pick(COUNTS)).collect::<Vec<_>>();
    for place in usual.iter().copied().chain(others) {
        let count = match dice.roll(12) {
            0 => json!(0),
            1 => json!(null),
            2 => json!(-1),
            3 => json!(u64::MAX),
            _ => json!(dice.roll(100)),
        };
        match place.split_once('/') {
            None => {
                report.insert(place.to_owned(), count);
            }
            Some((part, name)) => {
                let part = report.entry(part).or_insert_with(|| json!({}));
                part[name] = count;
            }
        }
    }
    Value::Object(report)
}

/// Returns a whole answer of a dialect with this report of tokens.
pub(super) fn answer_with(dialect: Dialect, usage: Value) -> Value {
    match dialect {
        Dialect::Anthropic => json!({
            "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "usage": usage
        }),
        Dialect::Gemini => json!({
            "candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
            "usageMetadata": usage
        }),
        Dialect::OpenAi | Dialect::Own => json!({
            "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": usage
        }),
    }
}
