//! A bundle holds no key, whoever recorded.

use std::sync::Arc;

use async_trait::async_trait;
use llm_gateway_core::model::{Completion, Usage};
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::{HttpRequest, Recorder};
use llm_gateway_core::{Environment, Error, Gateway, Request};

const KEY: &str = "sk-canary-0123456789abcdef";

/// A provider of one's own that wants its panels certified, and so records what it sends, its headers too.
struct Recorded(&'static str);

#[async_trait]
impl Provider for Recorded {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        let turns: Vec<_> = call
            .prompt
            .texts()
            .map(|text| serde_json::json!({"role": "user", "content": text}))
            .collect();
        let body =
            serde_json::json!({"model": self.0, "max_tokens": call.max_tokens, "messages": turns});
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static("application/json"));
        headers.insert("authorization", format!("Bearer {KEY}").parse().unwrap());
        let url = "http://127.0.0.1:9/v1/chat/completions".to_owned();
        Ok(Prepared::recorded(call, HttpRequest::post(url, headers, body.to_string())))
    }
    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        recorder.sent(prepared.request.as_ref().expect("it was prepared with one"));
        let body = serde_json::json!({
            "id": format!("resp-{}-0123456789abcdef", self.0), "object": "chat.completion", "model": self.0,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        });
        recorder.received(http::StatusCode::OK, http::HeaderMap::new(), body.to_string());
        let mut completion = Completion::text("yes");
        completion.model = Some(self.0.to_owned());
        completion.usage = Some(Usage::new(3, 2));
        Ok(completion)
    }
}

async fn bundle(environment: Environment) -> String {
    let row = |provider, model| {
        format!(
            "  {provider}: {{kind: openai, base_url: \"http://127.0.0.1:9/v1\", api_key_env: null, models: {{{model}: {{in: 1, out: 2}}}}}}\n"
        )
    };
    let policy = format!(
        "defaults:\n  t: {{members: [{{provider: a, model: ma}}, {{provider: b, model: mb}}], max_tokens: 100, cost_cap_usd: 1}}\nvisibility: {{t: {{mode: blind, require: context_blind, quorum: 2}}}}\nproviders:\n{}{}",
        row("a", "ma"),
        row("b", "mb")
    );
    let builder = Gateway::builder().policy_yaml(policy).environment(environment);
    let builder =
        builder.provider("a", Arc::new(Recorded("ma"))).provider("b", Arc::new(Recorded("mb")));
    let panel =
        builder.build().unwrap().panel(Request::new("t", "Is it so? yes or no")).await.unwrap();
    String::from_utf8_lossy(&panel.bundle.to_bytes()).into_owned()
}

#[tokio::test]
async fn a_key_that_the_gateway_knows_is_in_no_bundle() {
    assert!(!bundle(Environment::empty().with("OPENAI_API_KEY", KEY)).await.contains("canary"));
}

#[tokio::test]
async fn a_header_that_carries_keys_is_in_no_bundle() {
    assert!(!bundle(Environment::empty()).await.contains("canary"));
}
