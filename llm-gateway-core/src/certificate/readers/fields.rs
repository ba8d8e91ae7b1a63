//! Reads the fields of a document leniently.
//!
//! Servers may write a number in place of a text, a list of texts, or one object instead of a list.
//! A field that is null is treated as absent.

use serde_json::Value;

/// Returns a text. A number or a truth value counts as the text by which it is written.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        written @ (Value::Number(_) | Value::Bool(_)) => Some(written.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The types of a part that contains text of the answer.
const TEXT_TYPES: [&str; 3] = ["text", "output_text", "text_delta"];

/// Returns all text in a field: a text, a part with a text, or a list of both.
pub(super) fn texts(value: Option<&Value>) -> String {
    match value {
        Some(Value::Array(items)) => items.iter().map(|item| texts(Some(item))).collect(),
        Some(Value::Object(part)) => {
            let kind = part.get("type").and_then(Value::as_str);
            let is_text = kind.is_none_or(|kind| TEXT_TYPES.contains(&kind));
            part.get("text").filter(|_| is_text).map(|inner| texts(Some(inner))).unwrap_or_default()
        }
        other => text(other).unwrap_or_default(),
    }
}

/// Returns the objects of a list. One object in place of a list is a list of one.
pub(super) fn objects(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().filter(|item| item.is_object()).collect(),
        Some(single @ Value::Object(_)) => vec![single],
        _ => Vec::new(),
    }
}

/// Returns the field under the first of the two names, or under the second if the first is absent.
pub(super) fn either<'a>(object: &'a Value, names: [&str; 2]) -> Option<&'a Value> {
    names.into_iter().filter_map(|name| object.get(name)).find(|value| !value.is_null())
}
