//! Reads `initialize` in the forms in which clients send it.
//!
//! A client is not refused over a field that the server does not need: a missing or odd
//! `clientInfo`, `capabilities` or `_meta` is corrected. The version is needed, so its absence is
//! an error that names it.

use rmcp::model::ClientCapabilities;
use serde_json::{Map, Value, json};

use crate::arguments::kind;

/// Converts the parameters of an `initialize` into the form that rmcp reads.
///
/// # Errors
/// Fails with a sentence that names the field that is missing or wrong.
pub(crate) fn taken(params: Option<&Map<String, Value>>) -> Result<Map<String, Value>, String> {
    let member = |name: &str| params.and_then(|params| params.get(name));
    let version = match member("protocolVersion") {
        Some(Value::String(version)) => version,
        None | Some(Value::Null) => {
            return Err("`protocolVersion` is missing, such as \"2025-11-25\"".to_owned());
        }
        Some(other) => {
            let found = kind(other);
            return Err(format!(
                "`protocolVersion` must be text such as \"2025-11-25\", not {found}"
            ));
        }
    };
    let mut taken = Map::new();
    taken.insert("protocolVersion".to_owned(), json!(version));
    taken.insert("capabilities".to_owned(), capabilities(member("capabilities")));
    taken.insert("clientInfo".to_owned(), client_info(member("clientInfo")));
    if let Some(meta @ Value::Object(_)) = member("_meta") {
        taken.insert("_meta".to_owned(), meta.clone());
    }
    Ok(taken)
}

/// Returns the capabilities that can be read. `true` stands for a capability without settings.
fn capabilities(given: Option<&Value>) -> Value {
    let mut read = Map::new();
    for (name, value) in given.and_then(Value::as_object).into_iter().flatten() {
        let value = if *value == json!(true) { json!({}) } else { value.clone() };
        if serde_json::from_value::<ClientCapabilities>(json!({ name: value })).is_ok() {
            read.insert(name.clone(), value);
        }
    }
    Value::Object(read)
}

/// Returns the name and the version of the client, as far as it states them.
fn client_info(given: Option<&Value>) -> Value {
    let told = |name: &str| match given.and_then(|given| given.get(name)) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "unknown".to_owned(),
    };
    let mut info = json!({ "name": told("name"), "version": told("version") });
    let title = given.and_then(|given| given.get("title")).filter(|title| title.is_string());
    if let (Some(title), Some(info)) = (title, info.as_object_mut()) {
        info.insert("title".to_owned(), title.clone());
    }
    info
}

#[cfg(test)]
mod tests {
    use rmcp::model::InitializeRequestParams;

    use super::*;

    #[test]
    fn what_is_not_needed_is_put_right() {
        let odd = [
            json!(null),
            json!(5),
            json!("text"),
            json!([]),
            json!({}),
            json!({ "name": [] }),
            json!({ "sampling": true, "roots": 7, "experimental": null, "elicitation": {} }),
        ];
        for odd in &odd {
            let mut params = json!({ "protocolVersion": "2025-06-18" });
            for name in ["clientInfo", "capabilities", "_meta", "other"] {
                params[name] = odd.clone();
                let taken = Value::Object(taken(params.as_object()).unwrap());
                let read: InitializeRequestParams = serde_json::from_value(taken).unwrap();
                assert_eq!(read.protocol_version.as_str(), "2025-06-18");
            }
        }
        let params = json!({ "protocolVersion": "", "clientInfo": { "name": "codex-mcp-client", "version": 2, "title": "Codex", "icons": 5 } });
        let taken = taken(params.as_object()).unwrap();
        let info = json!({ "name": "codex-mcp-client", "version": "2", "title": "Codex" });
        assert_eq!(taken["clientInfo"], info);
    }

    #[test]
    fn a_version_is_asked_for_by_name() {
        for params in [
            json!(null),
            json!({}),
            json!({ "protocolVersion": null }),
            json!({ "protocolVersion": 20250618 }),
            json!({ "protocolVersion": ["2025-06-18"] }),
        ] {
            let error = taken(params.as_object()).unwrap_err();
            assert!(error.contains("`protocolVersion`"), "{error}");
        }
    }
}
