//! Detects whether a response with an error status counts tokens: then the model has worked, and a
//! bill may follow. The amount of the bill is not read from the response.

use http::StatusCode;
use serde_json::Value;

use crate::error::Error;

/// The names under which the known APIs count tokens.
const USAGE_NAMES: [&str; 3] = ["usage", "usageMetadata", "usage_metadata"];

/// The deepest nesting at which a count of tokens is searched in a body.
const DEEPEST: usize = 8;

/// Marks an error if the refused request may be billed.
pub(super) fn with_possible_bill(error: Error, status: StatusCode, body: &[u8]) -> Error {
    match counts_tokens(status, body) {
        true => error.with_possible_bill(),
        false => error,
    }
}

/// Returns whether an error body counts tokens of the request that was refused. If a request was
/// refused before a model saw it, a count is about the account.
fn counts_tokens(status: StatusCode, body: &[u8]) -> bool {
    let at_the_door = matches!(status.as_u16(), 0..=399 | 401..=404 | 429);
    !at_the_door && documents(body).any(|document| holds_count(&document, DEEPEST))
}

/// Returns the documents of a body: the whole of it, or its lines as the events of a stream.
fn documents(body: &[u8]) -> impl Iterator<Item = Value> + '_ {
    let whole: Option<Value> = serde_json::from_slice(body).ok();
    let lines =
        body.split(|byte| *byte == b'\n').take(if whole.is_some() { 0 } else { usize::MAX });
    let events = lines.filter_map(|line| {
        serde_json::from_slice(line.strip_prefix(b"data:").unwrap_or(line)).ok()
    });
    whole.into_iter().chain(events)
}

fn holds_count(value: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            USAGE_NAMES.contains(&name.as_str()) && is_count(value) || holds_count(value, depth)
        }),
        Value::Array(items) => items.iter().any(|item| holds_count(item, depth)),
        _ => false,
    }
}

/// Returns whether an object counts at least one token.
fn is_count(value: &Value) -> bool {
    let mut counts = value.as_object().into_iter().flatten();
    counts.any(|(name, count)| {
        let count = match count {
            Value::String(count) => count.trim().parse().ok(),
            count => count.as_f64(),
        };
        name.to_ascii_lowercase().contains("token") && count.is_some_and(|count| count > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_count_of_tokens_of_this_request_may_become_a_bill() {
        for (status, body, is_billed) in [
            (500, r#"{"error":{"message":"x"},"usage":{"prompt_tokens":9}}"#, true),
            (
                500,
                r#"{"error":{"message":"x","usage":{"input_tokens":9,"output_tokens":0}}}"#,
                true,
            ),
            (503, r#"{"usageMetadata":{"promptTokenCount":9}}"#, true),
            (500, r#"[{"error":{"details":[{"usage_metadata":{"totalTokens":"7"}}]}}]"#, true),
            (502, "data: {\"choices\":[]}\n\ndata:{\"usage\":{\"total_tokens\":3}}\n\n", true),
            (422, r#"{"usage":{"completion_tokens":1.0}}"#, true),
            (500, r#"{"usage":{"prompt_tokens":0,"completion_tokens":0}}"#, false),
            (500, r#"{"usage":null,"error":"x"}"#, false),
            (500, r#"{"usage":12}"#, false),
            (500, r#"{"usage":{"requests":60}}"#, false),
            (500, r#"{"usage":{"prompt_tokens":-5}}"#, false),
            (500, r#"{"error":{"message":"usage: prompt_tokens 9"}}"#, false),
            (500, "<html>usage tokens 9</html>", false),
            (500, "", false),
            (429, r#"{"error":{},"usage":{"tokens_used":90000}}"#, false),
            (402, r#"{"usage":{"total_tokens":90000}}"#, false),
            (200, r#"{"usage":{"total_tokens":9}}"#, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(counts_tokens(status, body.as_bytes()), is_billed, "{status} {body}");
        }
    }
}
