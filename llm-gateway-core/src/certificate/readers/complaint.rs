//! Whether a document of a response is an error, whatever stands beside it.
//!
//! Servers put errors into a 200 and into the middle of a stream, some with an answer's fields
//! around them. Half an answer must not pass for a whole one, so what stands where an error
//! stands is one, in whatever format.

use serde::Deserialize;
use serde_json::Value;

use super::parsed;
use super::sse::StreamEvent;

const IT_IS_ONE: &str = "it is an error";

/// As much of a document as tells whether it is an error.
#[derive(Deserialize)]
struct ErrorMarks {
    error: Option<Value>,
    /// vLLM writes `"object": "error"`, AnthropicReader `"type": "error"`.
    object: Option<Value>,
    r#type: Option<Value>,
}

/// # Errors
/// Says that the document is an error, or no JSON object.
pub(super) fn check(body: &[u8]) -> Result<(), String> {
    let ErrorMarks { error, object, r#type } = parsed(body)?;
    let is_named = [object, r#type].into_iter().flatten().any(|name| name == "error");
    let is_one = is_named || error.as_ref().is_some_and(says_something);
    if is_one { Err(IT_IS_ONE.to_owned()) } else { Ok(()) }
}

/// # Errors
/// Says that the event calls itself an error, whatever its data.
pub(super) fn check_name(event: &StreamEvent) -> Result<(), String> {
    if event.name == "error" { Err(IT_IS_ONE.to_owned()) } else { Ok(()) }
}

/// A sentence in place of an answer.
///
/// # Errors
/// Says that it is an error.
pub(super) fn check_sentence(message: Option<&Value>) -> Result<(), String> {
    let is_one = message.and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    if is_one { Err(IT_IS_ONE.to_owned()) } else { Ok(()) }
}

/// Beside answers some servers write an error that is empty: `null`, `false`, `""`, `{}`.
fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(fields) => fields.values().any(says_something),
    }
}
