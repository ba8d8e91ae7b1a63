//! An answer as server-sent events, from the providers' public documentation.

use serde_json::{Value, json};

use crate::Wire;
use crate::answer::Answer;

/// The most events that carry the text of one answer, so that a long text does not test many
/// events.
const MOST_PIECES: usize = 512;

impl Wire {
    /// Returns the path at which a request for a stream arrives.
    pub fn stream_path(self, model: &str) -> String {
        self.path(model).replace(":generateContent", ":streamGenerateContent")
    }

    /// Returns whether a request to this path with this body asks for a stream.
    pub fn asks_for_stream(self, path: &str, body: &[u8]) -> bool {
        let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
        path.ends_with(":streamGenerateContent") || body["stream"] == json!(true)
    }

    /// Returns the events of [`answer`](Self::answer), each with a few characters of text.
    pub fn stream(self, model: &str, text: &str) -> String {
        self.stream_ending(model, text, self.stop())
    }

    /// Returns the events of [`answer_ending`](Self::answer_ending), each with a few characters of
    /// text.
    pub fn stream_ending(self, model: &str, text: &str, reason: &str) -> String {
        self.write_stream(&Answer::ending(model, text, reason))
    }

    /// Writes an answer as the body of a stream.
    pub(crate) fn write_stream(self, answer: &Answer<'_>) -> String {
        let chars: Vec<char> = answer.text.chars().collect();
        let size = chars.len().div_ceil(MOST_PIECES).max(7);
        let pieces: Vec<String> = chars.chunks(size).map(String::from_iter).collect();
        match self {
            Self::OpenAi | Self::DeepSeek => chunks(&self.write(answer), &pieces),
            Self::Anthropic => message_events(&self.write(answer), &pieces),
            Self::Gemini => self.partial_contents(answer, &pieces),
        }
    }

    fn partial_contents(self, answer: &Answer<'_>, pieces: &[String]) -> String {
        let part = |text: &String| {
            let mut response = self.write(&Answer { text, ..*answer });
            response["candidates"][0].as_object_mut().unwrap().remove("finishReason");
            response["usageMetadata"] = json!({ "promptTokenCount": answer.tokens.input });
            response
        };
        let last = self.write(&Answer { text: "", ..*answer });
        let events = pieces.iter().map(part).chain([last]);
        events.map(|event| format!("data: {event}\r\n\r\n")).collect()
    }
}

/// Returns a Chat Completion in chunks, with its usage in the last one.
fn chunks(whole: &Value, pieces: &[String]) -> String {
    let chunk = |choices: Value, usage: &Value| {
        json!({
            "id": whole["id"], "object": "chat.completion.chunk", "created": whole["created"],
            "model": whole["model"], "choices": choices, "usage": usage,
        })
    };
    let choice = |delta: Value, reason: &Value| {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
        chunk(choices, &Value::Null)
    };
    let mut events = vec![choice(json!({ "role": "assistant", "content": "" }), &Value::Null)];
    events.extend(pieces.iter().map(|piece| choice(json!({ "content": piece }), &Value::Null)));
    events.push(choice(json!({}), &whole["choices"][0]["finish_reason"]));
    events.push(chunk(json!([]), &whole["usage"]));
    let lines = events.iter().map(|event| format!("data: {event}\n\n"));
    lines.chain(["data: [DONE]\n\n".to_owned()]).collect()
}

/// Returns a message as events, with the count of its output at its end.
fn message_events(whole: &Value, pieces: &[String]) -> String {
    let mut start = whole.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["usage"]["output_tokens"] = json!(1);
    let block = json!({ "type": "text", "text": "" });
    let mut events = vec![
        json!({ "type": "message_start", "message": start }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        json!({ "type": "ping" }),
    ];
    events.extend(pieces.iter().map(|piece| {
        let delta = json!({ "type": "text_delta", "text": piece });
        json!({ "type": "content_block_delta", "index": 0, "delta": delta })
    }));
    events.extend([
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({
            "type": "message_delta",
            "delta": { "stop_reason": whole["stop_reason"], "stop_sequence": null },
            "usage": { "output_tokens": whole["usage"]["output_tokens"] },
        }),
        json!({ "type": "message_stop" }),
    ]);
    let named =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(named).collect()
}
