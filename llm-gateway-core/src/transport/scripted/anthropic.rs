//! Anthropic's Messages API for the offline transport, as its server reads and writes it:
//! [answers](https://platform.claude.com/docs/en/api/messages),
//! [streams](https://platform.claude.com/docs/en/build-with-claude/streaming),
//! [errors](https://platform.claude.com/docs/en/api/errors).

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::server::{PromptFields, ScriptedAnswer, Server, ServerError, StopReason, is_true};

/// The offline server of the `anthropic` dialect.
pub(super) struct AnthropicServer;

impl Server for AnthropicServer {
    fn serves(&self, path: &str) -> bool {
        path.ends_with("/v1/messages")
    }

    fn model(&self, _path: &str, body: &Value) -> Option<String> {
        body.get("model")?.as_str().map(str::to_owned)
    }

    fn is_stream(&self, _path: &str, body: &Value) -> bool {
        is_true(body.get("stream"))
    }

    fn max_tokens<'b>(&self, body: &'b Value) -> Option<&'b Value> {
        body.get("max_tokens")
    }

    fn prompt<'b>(&self, body: &'b Value) -> PromptFields<'b> {
        let (system, messages) = (body.get("system"), body.get("messages"));
        PromptFields { system, messages, content: "content" }
    }

    fn body(&self, answer: &ScriptedAnswer<'_>) -> Value {
        // Without text there is no block, rather than an empty one.
        let content = match answer.text {
            "" => json!([]),
            text => json!([{"type": "text", "text": text}]),
        };
        json!({
            "id": format!("msg_{}", answer.digest),
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "content": content,
            "stop_reason": stop_reason(answer.stop),
            "stop_sequence": null,
            "usage": {
                "input_tokens": answer.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": answer.output_tokens,
            },
        })
    }

    fn events(&self, answer: &ScriptedAnswer<'_>) -> Vec<Bytes> {
        let mut message = self.body(&ScriptedAnswer { text: "", output_tokens: 1, ..*answer });
        // The first event comes before the model has stopped.
        if let Some(stop_reason) = message.get_mut("stop_reason") {
            *stop_reason = Value::Null;
        }
        let mut events = vec![event(&json!({"type": "message_start", "message": message}))];
        let mut words = answer.text.split_inclusive(' ').peekable();
        if words.peek().is_some() {
            let block = json!({"type": "text", "text": ""});
            events.push(event(
                &json!({"type": "content_block_start", "index": 0, "content_block": block}),
            ));
            events.push(event(&json!({"type": "ping"})));
            events.extend(words.map(|word| {
                let delta = json!({"type": "text_delta", "text": word});
                event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
            }));
            events.push(event(&json!({"type": "content_block_stop", "index": 0})));
        }
        events.push(event(&json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason(answer.stop), "stop_sequence": null},
            "usage": {"output_tokens": answer.output_tokens},
        })));
        events.push(event(&json!({"type": "message_stop"})));
        events
    }

    fn error_body(&self, error: &ServerError<'_>) -> Value {
        json!({
            "type": "error",
            "error": {"type": error_name(error.status), "message": error.message},
            "request_id": format!("req_{}", error.digest),
        })
    }

    fn error_event(&self, body: &Value) -> Bytes {
        event(body)
    }

    fn sends_retry_after(&self) -> bool {
        true
    }
}

/// Writes a server-sent event, whose name is the `type` of its data.
fn event(data: &Value) -> Bytes {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}

fn stop_reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::Stop => "end_turn",
        StopReason::Length => "max_tokens",
    }
}

/// Returns the `type` that Anthropic's API gives an error with this HTTP status.
fn error_name(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    }
}
