//! Readers for fields of odd forms, because a paid answer is not thrown away for the odd form of a
//! field. A field that is null is treated as absent, and so is a list in the place of an object,
//! whose items would otherwise be taken for fields by their order.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads a field of any shape but a list; a value of another type is treated as absent.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(Option::<Value>::deserialize(deserializer)?.and_then(fitting))
}

/// Reads a value; `None` for a list and for a value of another type.
pub(crate) fn fitting<T: DeserializeOwned>(value: Value) -> Option<T> {
    if value.is_array() { None } else { serde_json::from_value(value).ok() }
}

/// Reads a list. A single object in its place is a list of one, and items of another type are left
/// out.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items = match Option::<Value>::deserialize(deserializer)? {
        Some(Value::Array(items)) => items,
        Some(single @ Value::Object(_)) => vec![single],
        _ => Vec::new(),
    };
    Ok(items.into_iter().filter_map(fitting).collect())
}

/// Reads text. A number or a truth value in its place is taken as it is written.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => Some(text),
        Some(number @ (Value::Number(_) | Value::Bool(_))) => Some(number.to_string()),
        _ => None,
    })
}

/// Returns a word in the form in which the tables of this room have it: without case, and with `_`
/// for a blank or a dash.
pub(super) fn table_word(word: &str) -> String {
    word.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

/// Reads the name of a model or a response. An empty name is treated as absent: proxies write it if
/// they know no name, and Azure writes it beside its filter's results.
pub(crate) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(deserializer)?.filter(|name| !name.is_empty()))
}

/// Reads pieces of text: a text, a list of texts, a list of parts with a text, or one part.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let mut texts = Vec::new();
    if let Some(value) = Option::<Value>::deserialize(deserializer)? {
        collect(value, &mut texts);
    }
    Ok(texts)
}

/// The types of parts that hold text for the caller, which are the names of no other type.
const TEXT_PARTS: [&str; 3] = ["text", "output_text", "text_delta"];

fn collect(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Number(_) | Value::Bool(_) => texts.push(value.to_string()),
        Value::Array(items) => items.into_iter().for_each(|item| collect(item, texts)),
        Value::Object(mut part) => {
            let kind = part.get("type").and_then(Value::as_str);
            if kind.is_none_or(|kind| TEXT_PARTS.contains(&kind)) {
                part.remove("text").into_iter().for_each(|text| collect(text, texts));
            }
        }
        Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_read_in_every_form() {
        for (value, read) in [
            (json!("a"), vec!["a"]),
            (json!(["a", "b"]), vec!["a", "b"]),
            (json!([{"type": "text", "text": "a"}, {"text": "b"}]), vec!["a", "b"]),
            (json!([{"type": "output_text", "text": "a"}, null, 7]), vec!["a", "7"]),
            (json!({"type": "text", "text": "a"}), vec!["a"]),
            (json!([{"type": "reasoning", "text": "a"}, {"type": "text", "text": null}]), vec![]),
            (json!(7), vec!["7"]),
            (json!(null), vec![]),
        ] {
            assert_eq!(texts(&value).unwrap(), read, "{value}");
        }
    }

    #[test]
    fn a_list_takes_what_fits() {
        for (value, read) in
            [(json!(["a", 7, "b"]), vec!["a", "b"]), (json!(null), vec![]), (json!("a"), vec![])]
        {
            assert_eq!(list::<_, String>(&value).unwrap(), read, "{value}");
        }
    }

    #[test]
    fn a_list_is_no_object() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Named {
            name: String,
        }
        let is_read = |value: &Value| (lenient::<_, Named>(value), list::<_, Named>(value));
        let (field, items) = is_read(&json!({"name": "a"}));
        assert!(field.unwrap().is_some() && items.unwrap().len() == 1);
        let (field, items) = is_read(&json!([["a"]]));
        assert!(field.unwrap().is_none() && items.unwrap().is_empty());
    }
}
