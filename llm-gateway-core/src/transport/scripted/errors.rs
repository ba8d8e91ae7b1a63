//! How the server of each API writes an error:
//! [OpenAI](https://platform.openai.com/docs/guides/error-codes),
//! [Anthropic](https://platform.claude.com/docs/en/api/errors),
//! [Google](https://ai.google.dev/gemini-api/docs/troubleshooting).

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::asked::{Asked, Wire};
use super::wires::Reply;

impl Asked {
    /// The API's own error body for a status.
    pub(super) fn error(&self, status: StatusCode, retry_after: Option<Duration>) -> Reply {
        let message = format!("scripted status {}", status.as_u16());
        self.failure(status, &message, retry_after)
    }

    /// The first half of the default answer's stream, then the API's own error event for a
    /// status; of a whole answer, that status.
    pub(super) fn broken_off(&self, status: StatusCode) -> Reply {
        if !self.stream {
            return self.error(status, None);
        }
        let mut reply = self.default_answer();
        reply.chunks.truncate(reply.chunks.len() / 2);
        let message = format!("scripted status {}", status.as_u16());
        reply.chunks.push(self.error_event(&self.error_body(status, &message, None)));
        reply
    }

    /// A 400 that says that no step is left.
    pub(super) fn used_up(&self) -> Reply {
        self.failure(StatusCode::BAD_REQUEST, "the script has no further step", None)
    }

    /// A 401 that repeats the key.
    pub(super) fn refused_key(&self, sent: &str) -> Reply {
        let message = format!("Incorrect API key provided: {sent}");
        self.failure(StatusCode::UNAUTHORIZED, &message, None)
    }

    fn failure(&self, status: StatusCode, message: &str, retry_after: Option<Duration>) -> Reply {
        let mut reply = Reply::json(status, &self.error_body(status, message, retry_after));
        if let (Some(wait), Wire::OpenAi | Wire::Anthropic) = (retry_after, self.wire) {
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
            reply.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        reply
    }

    fn error_body(
        &self,
        status: StatusCode,
        message: &str,
        retry_after: Option<Duration>,
    ) -> Value {
        let names = ErrorNames::of(status);
        match self.wire {
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
        }
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
