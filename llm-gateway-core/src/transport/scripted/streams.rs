//! How the server of each API streams an answer.
//!
//! As [`wires`](super::wires), written from the providers' documentation alone:
//! [Chat Completions](https://platform.openai.com/docs/api-reference/chat-streaming),
//! [Messages](https://platform.claude.com/docs/en/build-with-claude/streaming),
//! [generateContent](https://ai.google.dev/api/generate-content).

use bytes::Bytes;
use serde_json::{Value, json};

use super::asked::{Asked, Wire};
use super::wires::End;

impl Asked {
    /// The events of an answer, a word at a time, each a chunk of its own.
    pub(super) fn events(&self, text: &str, output_tokens: usize, end: End) -> Vec<Bytes> {
        let words = text.split_inclusive(' ');
        match self.wire {
            Wire::OpenAi => self.chat_completion_chunks(words, output_tokens, end),
            Wire::Anthropic => self.anthropic_events(words, output_tokens, end),
            Wire::Gemini => self.generated_contents(words.collect(), output_tokens, end),
        }
    }

    /// An error body as the event that ends a stream.
    pub(super) fn error_event(&self, body: &Value) -> Bytes {
        match self.wire {
            Wire::OpenAi => unnamed(body),
            Wire::Anthropic => named(body),
            Wire::Gemini => unnamed_crlf(body),
        }
    }

    fn chat_completion_chunks<'t>(
        &self,
        words: impl Iterator<Item = &'t str>,
        output_tokens: usize,
        end: End,
    ) -> Vec<Bytes> {
        let chunk = |choices: Value, usage: Value| {
            unnamed(&json!({
                "id": format!("chatcmpl-{}", self.digest),
                "object": "chat.completion.chunk",
                "created": 0,
                "model": self.model,
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
        events.extend(words.map(|word| choice(json!({"content": word}), None)));
        events.push(choice(json!({}), Some(end.openai())));
        if self.include_usage {
            events.push(chunk(json!([]), self.openai_usage(output_tokens)));
        }
        events.push(Bytes::from_static(b"data: [DONE]\n\n"));
        events
    }

    fn anthropic_events<'t>(
        &self,
        words: impl Iterator<Item = &'t str>,
        output_tokens: usize,
        end: End,
    ) -> Vec<Bytes> {
        let mut message = self.anthropic_message("", 1, end);
        // Nobody knows yet why it will stop.
        if let Some(stop_reason) = message.get_mut("stop_reason") {
            *stop_reason = Value::Null;
        }
        let mut events = vec![named(&json!({"type": "message_start", "message": message}))];
        let mut words = words.peekable();
        if words.peek().is_some() {
            let block = json!({"type": "text", "text": ""});
            events.push(named(
                &json!({"type": "content_block_start", "index": 0, "content_block": block}),
            ));
            events.push(named(&json!({"type": "ping"})));
            events.extend(words.map(|word| {
                let delta = json!({"type": "text_delta", "text": word});
                named(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
            }));
            events.push(named(&json!({"type": "content_block_stop", "index": 0})));
        }
        events.push(named(&json!({
            "type": "message_delta",
            "delta": {"stop_reason": end.anthropic(), "stop_sequence": null},
            "usage": {"output_tokens": output_tokens},
        })));
        events.push(named(&json!({"type": "message_stop"})));
        events
    }

    /// Each is a whole response with its part of the text; the last has the reason and the
    /// count of all tokens.
    fn generated_contents(&self, words: Vec<&str>, output_tokens: usize, end: End) -> Vec<Bytes> {
        let Some((last, words)) = words.split_last() else {
            return vec![unnamed_crlf(&self.generated_content("", output_tokens, Some(end)))];
        };
        let parts = words.iter().map(|word| self.generated_content(word, 0, None));
        let last = self.generated_content(last, output_tokens, Some(end));
        parts.chain([last]).map(|response| unnamed_crlf(&response)).collect()
    }
}

fn unnamed(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// Anthropic's events bear the name that their data has as `type`.
fn named(data: &Value) -> Bytes {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// Google ends its lines as HTTP does.
fn unnamed_crlf(data: &Value) -> Bytes {
    format!("data: {data}\r\n\r\n").into()
}
