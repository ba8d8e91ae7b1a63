//! Checks whether a JSON value is a JSON-RPC message, and answers a value that is not one.

use serde_json::{Map, Value, json};

use super::id::Id;
use crate::arguments::kind;

/// The error code for a line that is not JSON.
pub(crate) const PARSE_ERROR: i64 = -32700;

/// The error code for JSON that is no request.
pub(crate) const INVALID_REQUEST: i64 = -32600;

/// The error code for a request whose parameters are wrong.
pub(crate) const INVALID_PARAMS: i64 = -32602;

/// A refusal: an error instead of an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    /// The id of the request, as it was written; `None` if it cannot be read.
    pub(crate) id: Option<String>,
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl Refusal {
    /// Returns the refusal as a message. Without an id the message has no member `id`, as MCP
    /// requires.
    pub(crate) fn to_line(&self) -> String {
        let error = json!({ "code": self.code, "message": self.message });
        match &self.id {
            Some(id) => format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#),
            None => format!(r#"{{"jsonrpc":"2.0","error":{error}}}"#),
        }
    }
}

/// A checked message. Its `params` are an object or absent.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    /// A request, which is answered once.
    Request { id: Id, method: String, object: Map<String, Value> },
    /// A notification, which is never answered.
    Notification { method: String, object: Map<String, Value> },
    /// An answer of the client, which is never answered.
    Answer(Map<String, Value>),
}

/// Checks the value of a line or of an element of a batch. `written` returns the id as it was
/// written, if that is known.
///
/// # Errors
/// Fails with the error to answer.
pub(crate) fn check(
    value: Value,
    written: impl FnOnce() -> Option<String>,
) -> Result<Message, Refusal> {
    let refuse =
        |id: Option<String>, message: String| Err(Refusal { id, code: INVALID_REQUEST, message });
    let Value::Object(mut object) = value else {
        return refuse(None, format!("a message must be an object, not {}", kind(&value)));
    };
    let method = object.get("method").cloned();
    if method.is_none() && (object.contains_key("result") || object.contains_key("error")) {
        return Ok(Message::Answer(object));
    }
    let id = match object.get("id") {
        Some(id) => Id::read(id, written),
        None => Ok(None),
    };
    let shown = |id: &Option<Id>| id.as_ref().map(|id| id.written().to_owned());
    let id = match id {
        Ok(id) => id,
        Err(wrong) => return refuse(wrong.written, wrong.why),
    };
    if object.get("jsonrpc") != Some(&json!("2.0")) {
        return refuse(shown(&id), "`jsonrpc` must be \"2.0\"".to_owned());
    }
    let Some(Value::String(method)) = method else {
        let wrong =
            method.as_ref().map_or("missing".to_owned(), |method| format!("not {}", kind(method)));
        return refuse(shown(&id), format!("`method` must be text: it is {wrong}"));
    };
    if object.get("params") == Some(&Value::Null) {
        object.shift_remove("params");
    }
    let Some(id) = id else {
        return notification(method, object);
    };
    match object.get("params") {
        None | Some(Value::Object(_)) => Ok(Message::Request { id, method, object }),
        Some(params) => {
            let message = format!("`params` must be an object, not {}", kind(params));
            Err(Refusal { id: Some(id.written().to_owned()), code: INVALID_PARAMS, message })
        }
    }
}

/// Returns a notification without its id, which no answer could carry. Some clients send
/// notifications with an id that is null; a request with such an id cannot be answered.
fn notification(method: String, mut object: Map<String, Value>) -> Result<Message, Refusal> {
    if object.shift_remove("id").is_some() && !method.starts_with("notifications/") {
        let message = "`id` must be text or a whole number, not null".to_owned();
        return Err(Refusal { id: None, code: INVALID_REQUEST, message });
    }
    Ok(Message::Notification { method, object })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        let value = super::super::json::read(line.as_bytes()).unwrap();
        let glance = super::super::glance::Glance::at(line.as_bytes());
        match check(value, || glance.id()) {
            Ok(Message::Request { id, .. }) => format!("request {}", id.written()),
            Ok(Message::Notification { .. }) => "notification".to_owned(),
            Ok(Message::Answer(_)) => "answer".to_owned(),
            Err(refusal) => format!("{} {:?}", refusal.code, refusal.id.unwrap_or_default()),
        }
    }

    #[test]
    fn every_frame_is_a_message_or_an_error_with_the_id_that_it_has() {
        for (line, expected) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#, "request 7"),
            (r#"{"jsonrpc":"2.0","id":"","method":"ping"}"#, r#"request """#),
            (r#"{"jsonrpc":"2.0","id":7.0,"method":"ping"}"#, "request 7.0"),
            (r#"{"jsonrpc":"2.0","id":-0,"method":"ping"}"#, "request -0"),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":null}"#, "request 7"),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#, "request 7"),
            (
                r#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"ping"}"#,
                "request 9223372036854775808",
            ),
            (
                r#"{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}"#,
                "request 123456789012345678901234567890",
            ),
            (r#"{"jsonrpc":"2.0","method":"ping"}"#, "notification"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"notifications/x"}"#, "notification"),
            (r#"{"jsonrpc":"2.0","method":"notifications/x","params":[1]}"#, "notification"),
            (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, "answer"),
            (r#"{"error":{"code":1,"message":""}}"#, "answer"),
            (r#"{"id":7,"method":"tools/list","params":{}}"#, r#"-32600 "7""#),
            (r#"{"jsonrpc":"1.0","id":7,"method":"tools/list"}"#, r#"-32600 "7""#),
            (r#"{"jsonrpc":2.0,"id":7,"method":"tools/list"}"#, r#"-32600 "7""#),
            (r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[]}"#, r#"-32602 "7""#),
            (r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":"{}"}"#, r#"-32602 "7""#),
            (r#"{"jsonrpc":"2.0","id":7,"method":5}"#, r#"-32600 "7""#),
            (r#"{"jsonrpc":"2.0","id":7,"method":null}"#, r#"-32600 "7""#),
            (r#"{"jsonrpc":"2.0","id":7}"#, r#"-32600 "7""#),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, r#"-32600 "1.5""#),
            (r#"{"jsonrpc":"2.0","id":1e300,"method":"ping"}"#, r#"-32600 "1e300""#),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, r#"-32600 """#),
            (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, r#"-32600 """#),
            (r#"{"jsonrpc":"2.0","id":[7],"method":"ping"}"#, r#"-32600 """#),
            (r#"{"jsonrpc":"2.0","id":{},"method":7}"#, r#"-32600 """#),
            (r#"{"jsonrpc":"2.0"}"#, r#"-32600 """#),
            ("{}", r#"-32600 """#),
            ("null", r#"-32600 """#),
            ("42", r#"-32600 """#),
            ("\"text\"", r#"-32600 """#),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }
}
