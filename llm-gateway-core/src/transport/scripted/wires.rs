//! How the server of each API writes an answer.
//!
//! The other side of [`crate::provider`], written from the providers' documentation and
//! sharing no code with it, so that a mistake there shows:
//! [Chat Completions](https://platform.openai.com/docs/api-reference/chat),
//! [Messages](https://platform.claude.com/docs/en/api/messages),
//! [generateContent](https://ai.google.dev/api/generate-content).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::asked::{Asked, Wire};
use super::{CHARS_PER_TOKEN, tokens};

/// A response before it is put on the wire.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The body, as the network hands it over: of a stream, an event at a time.
    pub(super) chunks: Vec<Bytes>,
}

impl Reply {
    /// A response with no content type.
    pub(super) fn plain(status: StatusCode, body: Bytes) -> Self {
        Self { status, headers: HeaderMap::new(), chunks: vec![body] }
    }

    /// A 200 with server-sent events.
    pub(super) fn events(chunks: Vec<Bytes>) -> Self {
        let stream = HeaderValue::from_static("text/event-stream");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, stream)]);
        Self { status: StatusCode::OK, headers, chunks }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        Self { status, headers, chunks: vec![body.to_string().into()] }
    }

    /// The head and the first half of the bytes.
    pub(super) fn first_half(mut self) -> Self {
        let mut left = self.chunks.iter().map(Bytes::len).sum::<usize>() / 2;
        for chunk in &mut self.chunks {
            chunk.truncate(left);
            left -= chunk.len();
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
        self
    }
}

/// Why an answer ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    Stop,
    Length,
}

impl End {
    pub(super) fn openai(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }

    pub(super) fn anthropic(self) -> &'static str {
        match self {
            Self::Stop => "end_turn",
            Self::Length => "max_tokens",
        }
    }

    fn gemini(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Length => "MAX_TOKENS",
        }
    }
}

impl Asked {
    /// What the model says by itself, within the bound on output as a model's answer would be.
    pub(super) fn default_answer(&self) -> Reply {
        let text = self.default_text();
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

    fn success(&self, text: &str, end: End) -> Reply {
        if let Some(status) = self.fault {
            return self.error(status, None);
        }
        let output_tokens = tokens(text.chars().count());
        if self.stream {
            return Reply::events(self.events(text, output_tokens, end));
        }
        let body = match self.wire {
            Wire::OpenAi => self.chat_completion(text, output_tokens, end),
            Wire::Anthropic => self.anthropic_message(text, output_tokens, end),
            Wire::Gemini => self.generated_content(text, output_tokens, Some(end)),
        };
        Reply::json(StatusCode::OK, &body)
    }

    fn chat_completion(&self, text: &str, output_tokens: usize, end: End) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.digest),
            "object": "chat.completion",
            "created": 0,
            "model": self.model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": null},
                "logprobs": null,
                "finish_reason": end.openai(),
            }],
            "usage": self.openai_usage(output_tokens),
        })
    }

    pub(super) fn openai_usage(&self, output_tokens: usize) -> Value {
        json!({
            "prompt_tokens": self.input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": self.input_tokens + output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        })
    }

    pub(super) fn anthropic_message(&self, text: &str, output_tokens: usize, end: End) -> Value {
        // Without text there is no block, rather than an empty one.
        let content =
            if text.is_empty() { json!([]) } else { json!([{"type": "text", "text": text}]) };
        json!({
            "id": format!("msg_{}", self.digest),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": end.anthropic(),
            "stop_sequence": null,
            "usage": {
                "input_tokens": self.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": output_tokens,
            },
        })
    }

    /// A response, or one of those that a stream is made of: only the last has an end.
    pub(super) fn generated_content(
        &self,
        text: &str,
        output_tokens: usize,
        end: Option<End>,
    ) -> Value {
        // Without text there are no parts, rather than an empty list.
        let content = if text.is_empty() {
            json!({"role": "model"})
        } else {
            json!({"parts": [{"text": text}], "role": "model"})
        };
        let candidate = match end {
            Some(end) => json!({"content": content, "finishReason": end.gemini(), "index": 0}),
            None => json!({"content": content, "index": 0}),
        };
        json!({
            "candidates": [candidate],
            "usageMetadata": {
                "promptTokenCount": self.input_tokens,
                "candidatesTokenCount": output_tokens,
                "totalTokenCount": self.input_tokens + output_tokens,
            },
            "modelVersion": self.model,
            "responseId": self.digest,
        })
    }
}
