//! Recognises an error in a document of a response, whatever else the document contains.
//!
//! Servers return errors with status 200 and in the middle of a stream, some of them with an
//! answer's fields around them. Half an answer must not count as a whole one, so everything that is
//! at the place of an error counts as an error, in every format.

use serde::Deserialize;
use serde_json::Value;

use super::parsed;
use super::sse::StreamEvent;

const IT_IS_ONE: &str = "it is an error";

/// The fields of a document that show whether it is an error.
#[derive(Deserialize)]
struct ErrorMarks {
    error: Option<Value>,
    /// vLLM writes `"object": "error"`, Anthropic `"type": "error"`.
    object: Option<Value>,
    r#type: Option<Value>,
}

/// Checks that a document is not an error.
///
/// # Errors
/// The document is an error, or not a JSON object.
pub(super) fn check(body: &[u8]) -> Result<(), String> {
    let ErrorMarks { error, object, r#type } = parsed(body)?;
    let is_named = [object, r#type].into_iter().flatten().any(|name| name == "error");
    let is_one = is_named || error.as_ref().is_some_and(says_something);
    if is_one { Err(IT_IS_ONE.to_owned()) } else { Ok(()) }
}

/// Checks that the name of an event does not say that it is an error.
///
/// # Errors
/// The event is named `error`, whatever its data is.
pub(super) fn check_name(event: &StreamEvent) -> Result<(), String> {
    if event.name == "error" { Err(IT_IS_ONE.to_owned()) } else { Ok(()) }
}

/// Checks that there is no message in place of an answer.
///
/// # Errors
/// There is a message, so the document is an error.
pub(super) fn check_sentence(message: Option<&Value>) -> Result<(), String> {
    let is_one = message.and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    if is_one { Err(IT_IS_ONE.to_owned()) } else { Ok(()) }
}

/// Returns whether the value of an `error` field is an error. Some servers add an empty one to
/// their answers: `null`, `false`, `""`, `{}`.
fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(fields) => fields.values().any(says_something),
    }
}
