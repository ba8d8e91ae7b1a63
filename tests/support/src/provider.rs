//! Providers that answer as the real ones do, over real HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A provider's wire format, written down from its public documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Chat Completions.
    OpenAi,
    /// Chat Completions, with DeepSeek's own way to report cached tokens.
    DeepSeek,
    /// Messages.
    Anthropic,
    /// generateContent.
    Gemini,
}

impl Wire {
    /// Where the format's requests arrive, for a base URL of `/v1` where that belongs to it.
    pub fn path(self, model: &str) -> String {
        match self {
            Self::OpenAi | Self::DeepSeek => "/v1/chat/completions".to_owned(),
            Self::Anthropic => "/v1/messages".to_owned(),
            Self::Gemini => format!("/v1beta/models/{model}:generateContent"),
        }
    }

    /// What a base URL of this format ends in.
    pub fn base(self) -> &'static str {
        match self {
            Self::OpenAi | Self::DeepSeek => "/v1",
            Self::Anthropic | Self::Gemini => "",
        }
    }

    /// A whole answer: 20 tokens in, 5 of them cached; 10 out, 4 of them reasoning (which
    /// Anthropic counts and does not report).
    pub fn answer(self, model: &str, text: &str) -> Value {
        self.answer_ending(model, text, self.stop())
    }

    /// An answer that ended for `reason`, in the format's own words.
    pub fn answer_ending(self, model: &str, text: &str, reason: &str) -> Value {
        match self {
            Self::OpenAi => chat_completion(
                model,
                text,
                reason,
                json!({
                    "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30,
                    "prompt_tokens_details": { "cached_tokens": 5 },
                    "completion_tokens_details": { "reasoning_tokens": 4 },
                }),
            ),
            Self::DeepSeek => chat_completion(
                model,
                text,
                reason,
                json!({
                    "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30,
                    "prompt_cache_hit_tokens": 5, "prompt_cache_miss_tokens": 15,
                    "completion_tokens_details": { "reasoning_tokens": 4 },
                }),
            ),
            Self::Anthropic => json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": model,
                "content": [{ "type": "text", "text": text }],
                "stop_reason": reason, "stop_sequence": null,
                "usage": {
                    "input_tokens": 15, "cache_read_input_tokens": 5,
                    "cache_creation_input_tokens": 0, "output_tokens": 10,
                },
            }),
            Self::Gemini => json!({
                "candidates": [{
                    "content": { "role": "model", "parts": [{ "text": text }] },
                    "finishReason": reason, "index": 0,
                }],
                "usageMetadata": {
                    "promptTokenCount": 20, "cachedContentTokenCount": 5,
                    "candidatesTokenCount": 6, "thoughtsTokenCount": 4, "totalTokenCount": 30,
                },
                "modelVersion": model, "responseId": "r1",
            }),
        }
    }

    /// A refusal as the format words it. `code` is the field that tells failures apart.
    pub fn refusal(self, status: u16, code: &str, message: &str) -> Value {
        match self {
            Self::OpenAi | Self::DeepSeek => json!({
                "error": { "message": message, "type": code, "param": null, "code": code },
            }),
            Self::Anthropic => json!({
                "type": "error", "error": { "type": code, "message": message },
                "request_id": "req_1",
            }),
            Self::Gemini => json!({
                "error": { "code": status, "message": message, "status": code },
            }),
        }
    }

    /// The word for an answer that is complete.
    pub fn stop(self) -> &'static str {
        match self {
            Self::OpenAi | Self::DeepSeek => "stop",
            Self::Anthropic => "end_turn",
            Self::Gemini => "STOP",
        }
    }

    /// The word for an answer that reached the output bound.
    pub fn length(self) -> &'static str {
        match self {
            Self::OpenAi | Self::DeepSeek => "length",
            Self::Anthropic => "max_tokens",
            Self::Gemini => "MAX_TOKENS",
        }
    }

    /// The word for an answer that a safety system stopped.
    pub fn safety(self) -> &'static str {
        match self {
            Self::OpenAi | Self::DeepSeek => "content_filter",
            Self::Anthropic => "refusal",
            Self::Gemini => "SAFETY",
        }
    }
}

fn chat_completion(model: &str, text: &str, reason: &str, usage: Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": model,
        "choices": [{
            "index": 0, "message": { "role": "assistant", "content": text, "refusal": null },
            "finish_reason": reason,
        }],
        "usage": usage,
    })
}

/// The nonce on the line before an artifact; nothing where there is none.
pub fn nonce_in(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let after = body.split_once("<<<ARTIFACT ").and_then(|(_, rest)| rest.split_once(">>>"));
    after.map(|(nonce, _)| nonce.to_owned()).unwrap_or_default()
}

/// A provider on a loopback port. What it was sent can be looked at afterwards.
pub struct FakeProvider {
    wire: Wire,
    server: MockServer,
}

impl FakeProvider {
    /// Answers whatever it is asked at `model` with `text`, as a stream where one is asked for.
    pub async fn answering(wire: Wire, model: &str, text: &str) -> Self {
        Self::answering_after(Duration::ZERO, wire, model, text).await
    }

    /// As [`answering`](Self::answering), after a while.
    pub async fn answering_after(wait: Duration, wire: Wire, model: &str, text: &str) -> Self {
        let answer = ResponseTemplate::new(200).set_delay(wait);
        let (name, text) = (model.to_owned(), text.to_owned());
        Self::responding(wire, model, move |request: &Request| {
            let answer = answer.clone();
            if wire.asks_for_stream(request.url.path(), &request.body) {
                answer.set_body_raw(wire.stream(&name, &text), "text/event-stream")
            } else {
                answer.set_body_json(wire.answer(&name, &text))
            }
        })
        .await
    }

    /// Answers each request with the next of `texts`, and any further one with the last. A text
    /// may say `@nonce@` for the nonce around the artifact in the request that it answers.
    ///
    /// # Panics
    /// Without a text.
    pub async fn answering_in_turn(wire: Wire, model: &str, texts: &[&str]) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let (name, asked) = (model.to_owned(), Arc::new(AtomicUsize::new(0)));
        Self::responding(wire, model, move |request: &Request| {
            let turn = asked.fetch_add(1, Ordering::Relaxed).min(texts.len() - 1);
            let text = texts[turn].replace("@nonce@", &nonce_in(&request.body));
            ResponseTemplate::new(200).set_body_json(wire.answer(&name, &text))
        })
        .await
    }

    /// Refuses with a status and the format's error object.
    pub async fn refusing(wire: Wire, model: &str, status: u16, code: &str, why: &str) -> Self {
        let refusal = wire.refusal(status, code, why);
        Self::with(wire, model, ResponseTemplate::new(status).set_body_json(refusal)).await
    }

    /// Answers with any response.
    pub async fn with(wire: Wire, model: &str, response: ResponseTemplate) -> Self {
        Self::responding(wire, model, move |_: &Request| response.clone()).await
    }

    async fn responding(
        wire: Wire,
        model: &str,
        respond: impl Fn(&Request) -> ResponseTemplate + Clone + Send + Sync + 'static,
    ) -> Self {
        let server = MockServer::start().await;
        // The two are the same but for Gemini, whose method is in the path.
        for place in [wire.path(model), wire.stream_path(model)] {
            Mock::given(method("POST"))
                .and(path(place))
                .respond_with(respond.clone())
                .mount(&server)
                .await;
        }
        Self { wire, server }
    }

    /// The base URL to write into a policy or a variable.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.server.uri(), self.wire.base())
    }

    /// Everything that arrived, whatever its path.
    ///
    /// # Panics
    /// Never: recording is on.
    pub async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    /// The only request that arrived.
    ///
    /// # Panics
    /// When there was none, or more than one.
    pub async fn request(&self) -> Request {
        let requests = self.requests().await;
        assert_eq!(requests.len(), 1, "requests that arrived");
        requests.into_iter().next().unwrap()
    }
}
