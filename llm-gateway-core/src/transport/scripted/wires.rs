//! How the server of each API writes an answer or an error.
//!
//! The other side of [`crate::provider`], written from the providers' documentation and
//! sharing no code with it, so that a mistake there shows:
//! [Chat Completions](https://platform.openai.com/docs/api-reference/chat),
//! [Messages](https://platform.claude.com/docs/en/api/messages),
//! [generateContent](https://ai.google.dev/api/generate-content).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::asked::{Asked, Wire};
use super::{CHARS_PER_TOKEN, tokens};

/// How much of the prompt the default answer quotes: enough to recognise it.
const QUOTED_CHARS: usize = 80;

/// A response before it is put on the wire.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why an answer ends.
#[derive(Clone, Copy)]
enum End {
    Stop,
    Length,
}

impl Asked {
    /// An answer that says what it is, within the bound on output as a model's would be.
    pub(super) fn default_answer(&self) -> Reply {
        let mut quote: String = self.last_user_text.chars().take(QUOTED_CHARS).collect();
        if quote.len() < self.last_user_text.len() {
            quote.push('…');
        }
        let model = &self.model;
        let text = format!("This is an offline answer in the name of {model}. You said: {quote}");
        let bound = self.max_tokens.unwrap_or(usize::MAX).saturating_mul(CHARS_PER_TOKEN);
        match text.char_indices().nth(bound) {
            Some((cut, _)) => self.success(text.get(..cut).unwrap_or_default(), End::Length),
            None => self.success(&text, End::Stop),
        }
    }

    /// An answer of exactly this text.
    pub(super) fn answer(&self, text: &str) -> Reply {
        self.success(text, End::Stop)
    }

    /// The API's own error body for a status.
    pub(super) fn error(&self, status: StatusCode, retry_after: Option<Duration>) -> Reply {
        let message = format!("scripted status {}", status.as_u16());
        self.failure(status, &message, retry_after)
    }

    /// A 401 that repeats the key.
    pub(super) fn refused_key(&self, sent: &str) -> Reply {
        let message = format!("Incorrect API key provided: {sent}");
        self.failure(StatusCode::UNAUTHORIZED, &message, None)
    }

    fn success(&self, text: &str, end: End) -> Reply {
        if let Some(status) = self.fault {
            return self.error(status, None);
        }
        let output_tokens = tokens(text.chars().count());
        let body = match self.wire {
            Wire::OpenAi => self.chat_completion(text, output_tokens, end),
            Wire::Anthropic => self.anthropic_message(text, output_tokens, end),
            Wire::Gemini => self.generated_content(text, output_tokens, end),
        };
        reply(StatusCode::OK, &body)
    }

    fn chat_completion(&self, text: &str, output_tokens: usize, end: End) -> Value {
        let finish_reason = match end {
            End::Stop => "stop",
            End::Length => "length",
        };
        json!({
            "id": format!("chatcmpl-{}", self.digest),
            "object": "chat.completion",
            "created": 0,
            "model": self.model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": null},
                "logprobs": null,
                "finish_reason": finish_reason,
            }],
            "usage": {
                "prompt_tokens": self.input_tokens,
                "completion_tokens": output_tokens,
                "total_tokens": self.input_tokens + output_tokens,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        })
    }

    fn anthropic_message(&self, text: &str, output_tokens: usize, end: End) -> Value {
        let stop_reason = match end {
            End::Stop => "end_turn",
            End::Length => "max_tokens",
        };
        // Without text there is no block, rather than an empty one.
        let content =
            if text.is_empty() { json!([]) } else { json!([{"type": "text", "text": text}]) };
        json!({
            "id": format!("msg_{}", self.digest),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": null,
            "usage": {
                "input_tokens": self.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": output_tokens,
            },
        })
    }

    fn generated_content(&self, text: &str, output_tokens: usize, end: End) -> Value {
        let finish_reason = match end {
            End::Stop => "STOP",
            End::Length => "MAX_TOKENS",
        };
        // Without text there are no parts, rather than an empty list.
        let content = if text.is_empty() {
            json!({"role": "model"})
        } else {
            json!({"parts": [{"text": text}], "role": "model"})
        };
        json!({
            "candidates": [{"content": content, "finishReason": finish_reason, "index": 0}],
            "usageMetadata": {
                "promptTokenCount": self.input_tokens,
                "candidatesTokenCount": output_tokens,
                "totalTokenCount": self.input_tokens + output_tokens,
            },
            "modelVersion": self.model,
            "responseId": self.digest,
        })
    }

    fn failure(&self, status: StatusCode, message: &str, retry_after: Option<Duration>) -> Reply {
        let names = ErrorNames::of(status);
        let body = match self.wire {
            Wire::OpenAi => json!({"error": {
                "message": message,
                "type": names.openai_type,
                "param": null,
                "code": names.openai_code,
            }}),
            Wire::Anthropic => json!({
                "type": "error",
                "error": {"type": names.anthropic, "message": message},
                "request_id": format!("req_{}", self.digest),
            }),
            Wire::Gemini => json!({"error": {
                "code": status.as_u16(),
                "message": message,
                "status": names.gemini,
                "details": retry_after.map(retry_info).into_iter().collect::<Vec<_>>(),
            }}),
        };
        let mut reply = reply(status, &body);
        if let (Some(wait), Wire::OpenAi | Wire::Anthropic) = (retry_after, self.wire) {
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
            reply.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        reply
    }
}

/// What the three APIs call an error of one status.
struct ErrorNames {
    openai_type: &'static str,
    openai_code: Option<&'static str>,
    anthropic: &'static str,
    gemini: &'static str,
}

impl ErrorNames {
    fn of(status: StatusCode) -> Self {
        let (openai_type, openai_code, anthropic, gemini) = match status.as_u16() {
            401 => {
                let code = Some("invalid_api_key");
                ("invalid_request_error", code, "authentication_error", "UNAUTHENTICATED")
            }
            402 => {
                let code = Some("insufficient_quota");
                ("insufficient_quota", code, "billing_error", "RESOURCE_EXHAUSTED")
            }
            403 => ("request_forbidden", None, "permission_error", "PERMISSION_DENIED"),
            404 => {
                let code = Some("model_not_found");
                ("invalid_request_error", code, "not_found_error", "NOT_FOUND")
            }
            408 => ("timeout", None, "timeout_error", "DEADLINE_EXCEEDED"),
            413 => {
                let code = Some("request_too_large");
                ("invalid_request_error", code, "request_too_large", "INVALID_ARGUMENT")
            }
            429 => {
                let code = Some("rate_limit_exceeded");
                ("requests", code, "rate_limit_error", "RESOURCE_EXHAUSTED")
            }
            503 | 529 => {
                let code = Some("server_is_overloaded");
                ("service_unavailable_error", code, "overloaded_error", "UNAVAILABLE")
            }
            504 => ("server_error", None, "timeout_error", "DEADLINE_EXCEEDED"),
            500..=599 => ("server_error", None, "api_error", "INTERNAL"),
            _ => ("invalid_request_error", None, "invalid_request_error", "INVALID_ARGUMENT"),
        };
        Self { openai_type, openai_code, anthropic, gemini }
    }
}

fn retry_info(wait: Duration) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": format!("{}s", wait.as_secs_f64()),
    })
}

fn reply(status: StatusCode, body: &Value) -> Reply {
    let json = HeaderValue::from_static("application/json");
    Reply {
        status,
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
        body: body.to_string().into(),
    }
}
