//! Checks the parameters of the methods that this server has.
//!
//! rmcp reports a request whose parameters it cannot read as an unknown method. A client that
//! forgot a name must not be told that there are no tools.

use serde_json::{Map, Value};

use crate::arguments::kind;

/// The kind of value that a member of the parameters must have.
enum ValueKind {
    Text,
    Object,
}

/// A member of a method's parameters.
struct Member {
    method: &'static str,
    name: &'static str,
    wanted: ValueKind,
    required: bool,
}

/// The members that this server reads.
const MEMBERS: [Member; 4] = [
    Member { method: "tools/call", name: "name", wanted: ValueKind::Text, required: true },
    Member { method: "tools/call", name: "arguments", wanted: ValueKind::Object, required: false },
    Member { method: "tools/list", name: "cursor", wanted: ValueKind::Text, required: false },
    Member { method: "", name: "_meta", wanted: ValueKind::Object, required: false },
];

/// The methods that the server has. If rmcp cannot read a request for one of these, its parameters
/// are wrong.
const METHODS: [&str; 6] =
    ["initialize", "ping", "server/discover", "subscriptions/listen", "tools/call", "tools/list"];

/// Returns whether the server has a method.
pub(crate) fn is_known(method: &str) -> bool {
    METHODS.contains(&method)
}

/// Checks the parameters of a request, and removes members that are null, which count as absent.
///
/// # Errors
/// Fails with a sentence that names everything that is wrong.
pub(crate) fn check(method: &str, params: Option<&mut Map<String, Value>>) -> Result<(), String> {
    let mut none = Map::new();
    let params = params.unwrap_or(&mut none);
    let members = MEMBERS.iter().filter(|member| [method, ""].contains(&member.method));
    let problems: Vec<String> = members.filter_map(|member| problem(member, params)).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

fn problem(member: &Member, params: &mut Map<String, Value>) -> Option<String> {
    let Member { name, wanted, required, .. } = member;
    if params.get(*name) == Some(&Value::Null) {
        params.shift_remove(*name);
    }
    let wanted = match (wanted, params.get(*name)) {
        (_, None) => return required.then(|| format!("`{name}` is missing")),
        (ValueKind::Text, Some(Value::String(_))) | (ValueKind::Object, Some(Value::Object(_))) => {
            return None;
        }
        (ValueKind::Text, _) => "text",
        (ValueKind::Object, _) => "an object",
    };
    let found = params.get(*name).map(kind).unwrap_or_default();
    Some(format!("`{name}` must be {wanted}, not {found}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(method: &str, params: Value) -> String {
        let mut params = params.as_object().cloned();
        check(method, params.as_mut()).err().unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_with_a_call_is_named() {
        for (params, error) in [
            (json!(null), "`name` is missing"),
            (json!({ "arguments": {} }), "`name` is missing"),
            (json!({ "name": null }), "`name` is missing"),
            (
                json!({ "name": 5, "arguments": "{}" }),
                "`name` must be text, not 5; `arguments` must be an object, not text",
            ),
            (json!({ "name": "a", "arguments": [] }), "`arguments` must be an object, not a list"),
            (json!({ "name": "a", "_meta": 1 }), "`_meta` must be an object, not 1"),
            (json!({ "name": "a", "arguments": null, "_meta": null }), ""),
            (json!({ "name": "a", "arguments": {} }), ""),
        ] {
            assert_eq!(told("tools/call", params.clone()), error, "{params}");
        }
        assert_eq!(told("tools/list", json!({ "cursor": 5 })), "`cursor` must be text, not 5");
        assert_eq!(told("ping", json!({ "name": 5 })), "");
    }
}
