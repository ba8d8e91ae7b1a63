//! Detects an error in a document of a response, whatever else the document contains.
//!
//! Servers return errors with status 200 and in the middle of a stream, some of them with an
//! answer's fields around them. Half an answer must not count as a whole one, so everything that is
//! at the place of an error counts as an error, in every format.

use serde_json::Value;

/// Returns whether a document is an error.
pub(super) fn is_one(document: &Value) -> bool {
    let says = |name: &str| document.get(name).is_some_and(says_something);
    // vLLM writes `"object": "error"`, Anthropic `"type": "error"`.
    let is_named =
        ["object", "type"].iter().any(|name| document.get(name).is_some_and(|it| it == "error"));
    // MiniMax answers with its failure beside the answer.
    let failed = document.pointer("/base_resp/status_code").and_then(Value::as_i64);
    is_named || says("error") || says("errors") || failed.is_some_and(|code| code != 0)
}

/// Returns the first item of a list that has the field of an error, because Google lists its
/// errors.
pub(super) fn listed(items: &[Value]) -> Option<&Value> {
    items.iter().find(|item| item.get("error").is_some())
}

/// Returns whether a document has a message in place of an answer.
pub(super) fn is_sentence(document: &Value) -> bool {
    let message = document.get("message").filter(|message| message.is_string());
    let is_answer =
        ["choices", "usage"].iter().any(|name| document.get(name).is_some_and(|it| !it.is_null()));
    message.is_some_and(says_something) && !is_answer
}

/// Returns whether the value of an `error` field is an error. Some servers add an empty error to
/// their answers: `null`, `false`, `""`, `{}`.
pub(super) fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(fields) => fields.values().any(says_something),
    }
}
