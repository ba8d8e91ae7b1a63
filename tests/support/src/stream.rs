//! The same answers as server-sent events, from the providers' public documentation.

use serde_json::{Value, json};

use crate::Wire;

impl Wire {
    /// Where the format's requests for a stream arrive.
    pub fn stream_path(self, model: &str) -> String {
        self.path(model).replace(":generateContent", ":streamGenerateContent")
    }

    /// Whether a request to this path with this body asks for a stream.
    pub fn asks_for_stream(self, path: &str, body: &[u8]) -> bool {
        let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
        path.ends_with(":streamGenerateContent") || body["stream"] == json!(true)
    }

    /// What [`answer`](Self::answer) says, a few characters an event.
    pub fn stream(self, model: &str, text: &str) -> String {
        self.stream_ending(model, text, self.stop())
    }

    /// What [`answer_ending`](Self::answer_ending) says, a few characters an event.
    pub fn stream_ending(self, model: &str, text: &str, reason: &str) -> String {
        let whole = self.answer(model, text);
        let chars: Vec<char> = text.chars().collect();
        let pieces = chars.chunks(7).map(String::from_iter);
        match self {
            Self::OpenAi | Self::DeepSeek => {
                let chunk = |choices: Value| {
                    json!({
                        "id": "chatcmpl-1", "object": "chat.completion.chunk",
                        "created": 1_790_000_000, "model": model, "choices": choices,
                        "usage": null,
                    })
                };
                let choice = |delta: Value, reason: Value| {
                    chunk(json!([{ "index": 0, "delta": delta, "finish_reason": reason }]))
                };
                let mut last = chunk(json!([]));
                last["usage"] = whole["usage"].clone();
                let mut events =
                    vec![choice(json!({ "role": "assistant", "content": "" }), Value::Null)];
                events.extend(pieces.map(|p| choice(json!({ "content": p }), Value::Null)));
                events.extend([choice(json!({}), json!(reason)), last]);
                let lines = events.iter().map(|event| format!("data: {event}\n\n"));
                lines.chain(["data: [DONE]\n\n".to_owned()]).collect()
            }
            Self::Anthropic => {
                let mut start = self.answer(model, "");
                start["content"] = json!([]);
                start["stop_reason"] = Value::Null;
                start["usage"]["output_tokens"] = json!(1);
                let block = json!({ "type": "text", "text": "" });
                let mut events = vec![
                    json!({ "type": "message_start", "message": start }),
                    json!({ "type": "content_block_start", "index": 0, "content_block": block }),
                    json!({ "type": "ping" }),
                ];
                events.extend(pieces.map(|piece| {
                    let delta = json!({ "type": "text_delta", "text": piece });
                    json!({ "type": "content_block_delta", "index": 0, "delta": delta })
                }));
                events.extend([
                    json!({ "type": "content_block_stop", "index": 0 }),
                    json!({
                        "type": "message_delta",
                        "delta": { "stop_reason": reason, "stop_sequence": null },
                        "usage": { "output_tokens": whole["usage"]["output_tokens"] },
                    }),
                    json!({ "type": "message_stop" }),
                ]);
                let named = |event: &Value| {
                    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())
                };
                events.iter().map(named).collect()
            }
            Self::Gemini => {
                let part = |piece: String| {
                    let mut response = self.answer(model, &piece);
                    response["candidates"][0].as_object_mut().unwrap().remove("finishReason");
                    response["usageMetadata"] = json!({ "promptTokenCount": 20 });
                    response
                };
                let events = pieces.map(part).chain([self.answer_ending(model, "", reason)]);
                events.map(|event| format!("data: {event}\r\n\r\n")).collect()
            }
        }
    }
}
