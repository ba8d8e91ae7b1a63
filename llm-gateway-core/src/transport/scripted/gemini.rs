//! Google's generateContent for the offline transport, as its server reads and writes it:
//! [answers and streams](https://ai.google.dev/api/generate-content),
//! [errors](https://ai.google.dev/gemini-api/docs/troubleshooting).

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::server::{PromptFields, ScriptedAnswer, Server, ServerError, StopReason};

/// The end of a URL's path that asks Gemini for a whole answer.
const WHOLE: &str = ":generateContent";

/// The end of a URL's path that asks Gemini for a stream.
const STREAM: &str = ":streamGenerateContent";

/// The offline server of the `gemini` dialect.
pub(super) struct GeminiServer;

impl Server for GeminiServer {
    fn serves(&self, path: &str) -> bool {
        path.ends_with(WHOLE) || path.ends_with(STREAM)
    }

    fn model(&self, path: &str, _body: &Value) -> Option<String> {
        let method = path.strip_suffix(WHOLE).or_else(|| path.strip_suffix(STREAM))?;
        let (_, segment) = method.rsplit_once("/models/")?;
        Some(percent_decode_str(segment).decode_utf8_lossy().into_owned())
    }

    fn is_stream(&self, path: &str, _body: &Value) -> bool {
        path.ends_with(STREAM)
    }

    fn max_tokens<'b>(&self, body: &'b Value) -> Option<&'b Value> {
        body.pointer("/generationConfig/maxOutputTokens")
    }

    fn prompt<'b>(&self, body: &'b Value) -> PromptFields<'b> {
        let system = body.pointer("/systemInstruction/parts");
        PromptFields { system, messages: body.get("contents"), content: "parts" }
    }

    fn body(&self, answer: &ScriptedAnswer<'_>) -> Value {
        response(answer, answer.text, Some((answer.stop, answer.output_tokens)))
    }

    fn events(&self, answer: &ScriptedAnswer<'_>) -> Vec<Bytes> {
        let words: Vec<&str> = answer.text.split_inclusive(' ').collect();
        let Some((last, words)) = words.split_last() else {
            return vec![event(&self.body(answer))];
        };
        let parts = words.iter().map(|word| response(answer, word, None));
        let last = response(answer, last, Some((answer.stop, answer.output_tokens)));
        parts.chain([last]).map(|response| event(&response)).collect()
    }

    fn error_body(&self, error: &ServerError<'_>) -> Value {
        json!({"error": {
            "code": error.status.as_u16(),
            "message": error.message,
            "status": error_name(error.status),
            "details": error.retry_after.map(retry_info).into_iter().collect::<Vec<_>>(),
        }})
    }

    fn error_event(&self, body: &Value) -> Bytes {
        event(body)
    }

    fn sends_retry_after(&self) -> bool {
        false
    }
}

/// Writes a whole response, or one response of a stream. Only the last one of a stream has an
/// `end`: why the answer stopped and how many tokens it has.
fn response(answer: &ScriptedAnswer<'_>, text: &str, end: Option<(StopReason, usize)>) -> Value {
    // Without text there are no parts, rather than an empty list.
    let content = match text {
        "" => json!({"role": "model"}),
        text => json!({"parts": [{"text": text}], "role": "model"}),
    };
    let candidate = match end {
        Some((stop, _)) => {
            json!({"content": content, "finishReason": finish_reason(stop), "index": 0})
        }
        None => json!({"content": content, "index": 0}),
    };
    let output_tokens = end.map_or(0, |(_, output_tokens)| output_tokens);
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": answer.input_tokens,
            "candidatesTokenCount": output_tokens,
            "totalTokenCount": answer.input_tokens + output_tokens,
        },
        "modelVersion": answer.model,
        "responseId": answer.digest,
    })
}

/// Writes a server-sent event without a name. Google ends its lines as HTTP does.
fn event(data: &Value) -> Bytes {
    format!("data: {data}\r\n\r\n").into()
}

fn finish_reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::Stop => "STOP",
        StopReason::Length => "MAX_TOKENS",
    }
}

/// Returns the `status` that Gemini's API gives an error with this HTTP status.
fn error_name(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        503 | 529 => "UNAVAILABLE",
        500..=599 => "INTERNAL",
        // 413 has no name of its own.
        _ => "INVALID_ARGUMENT",
    }
}

fn retry_info(wait: Duration) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": format!("{}s", wait.as_secs_f64()),
    })
}
