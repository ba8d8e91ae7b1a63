//! OpenAI's Chat Completions for the offline transport, as its server reads and writes them:
//! [answers](https://platform.openai.com/docs/api-reference/chat),
//! [streams](https://platform.openai.com/docs/api-reference/chat-streaming),
//! [errors](https://platform.openai.com/docs/guides/error-codes).

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::server::{PromptFields, ScriptedAnswer, Server, ServerError, StopReason, is_true};

/// The offline server of the `openai` dialect.
pub(super) struct OpenAiServer;

impl Server for OpenAiServer {
    fn serves(&self, path: &str) -> bool {
        path.ends_with("/chat/completions")
    }

    fn model(&self, _path: &str, body: &Value) -> Option<String> {
        body.get("model")?.as_str().map(str::to_owned)
    }

    fn is_stream(&self, _path: &str, body: &Value) -> bool {
        is_true(body.get("stream"))
    }

    fn counts_stream_tokens(&self, body: &Value) -> bool {
        is_true(body.pointer("/stream_options/include_usage"))
    }

    fn max_tokens<'b>(&self, body: &'b Value) -> Option<&'b Value> {
        body.get("max_completion_tokens").or_else(|| body.get("max_tokens"))
    }

    fn prompt<'b>(&self, body: &'b Value) -> PromptFields<'b> {
        // The system text is one of the messages.
        PromptFields { system: None, messages: body.get("messages"), content: "content" }
    }

    fn body(&self, answer: &ScriptedAnswer<'_>) -> Value {
        json!({
            "id": format!("chatcmpl-{}", answer.digest),
            "object": "chat.completion",
            "created": 0,
            "model": answer.model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": answer.text, "refusal": null},
                "logprobs": null,
                "finish_reason": finish_reason(answer.stop),
            }],
            "usage": usage(answer),
        })
    }

    fn events(&self, answer: &ScriptedAnswer<'_>) -> Vec<Bytes> {
        let chunk = |choices: Value, usage: Value| {
            event(&json!({
                "id": format!("chatcmpl-{}", answer.digest),
                "object": "chat.completion.chunk",
                "created": 0,
                "model": answer.model,
                "choices": choices,
                "usage": usage,
            }))
        };
        let choice = |delta: Value, finish_reason: Option<&str>| {
            let choice = json!({
                "index": 0,
                "delta": delta,
                "logprobs": null,
                "finish_reason": finish_reason,
            });
            chunk(json!([choice]), Value::Null)
        };
        let first = json!({"role": "assistant", "content": "", "refusal": null});
        let mut events = vec![choice(first, None)];
        let words = answer.text.split_inclusive(' ');
        events.extend(words.map(|word| choice(json!({"content": word}), None)));
        events.push(choice(json!({}), Some(finish_reason(answer.stop))));
        if answer.counts_stream_tokens {
            events.push(chunk(json!([]), usage(answer)));
        }
        events.push(Bytes::from_static(b"data: [DONE]\n\n"));
        events
    }

    fn error_body(&self, error: &ServerError<'_>) -> Value {
        let (kind, code) = error_names(error.status);
        json!({"error": {
            "message": error.message,
            "type": kind,
            "param": null,
            "code": code,
        }})
    }

    fn error_event(&self, body: &Value) -> Bytes {
        event(body)
    }

    fn sends_retry_after(&self) -> bool {
        true
    }
}

/// Writes a server-sent event without a name.
fn event(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}

fn finish_reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::Stop => "stop",
        StopReason::Length => "length",
    }
}

fn usage(answer: &ScriptedAnswer<'_>) -> Value {
    json!({
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    })
}

/// Returns the `type` and the `code` that OpenAI's API gives an error with this HTTP status.
fn error_names(status: StatusCode) -> (&'static str, Option<&'static str>) {
    match status.as_u16() {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        402 => ("insufficient_quota", Some("insufficient_quota")),
        403 => ("request_forbidden", None),
        404 => ("invalid_request_error", Some("model_not_found")),
        408 => ("timeout", None),
        413 => ("invalid_request_error", Some("request_too_large")),
        429 => ("requests", Some("rate_limit_exceeded")),
        503 | 529 => ("service_unavailable_error", Some("server_is_overloaded")),
        500..=599 => ("server_error", None),
        _ => ("invalid_request_error", None),
    }
}
