//! Adds providers of its own whose answers a certificate can judge.
//!
//!     cargo run --bin recorded_provider
//!
//! A certificate is worked out from recorded bytes, in one of the wire formats that it can read.
//! Each provider of this example encodes its call in OpenAI's format, fixes those bytes in
//! `prepare`, and notes what it sent and received in the recorder. The policy names the format by
//! `kind` and says who made the models.
#![allow(clippy::print_stdout)] // an example shows its result

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, StatusCode, header};
use llm_gateway_core::model::{Completion, Usage};
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::{HttpRequest, Recorder};
use llm_gateway_core::{Error, Gateway, Request};
use serde_json::json;

const POLICY: &str = r"
defaults:
  pair:
    members: [{provider: north, model: boreal-1}, {provider: south, model: austral-1}]
    max_tokens: 100
visibility:
  pair: {mode: blind, enforce: hard, require: lineage_distinct}
providers:
  north:
    kind: openai
    base_url: http://127.0.0.1:1/v1
    api_key_env: null
    models: {boreal-1: {in: 1, out: 2, developer: north, lineage: [boreal]}}
  south:
    kind: openai
    base_url: http://127.0.0.1:2/v1
    api_key_env: null
    models: {austral-1: {in: 1, out: 2, developer: south, lineage: [austral]}}
";

/// A model that is reached by some way of its own, at the place that the policy names.
struct InHouse {
    base_url: &'static str,
    response_id: &'static str,
}

#[async_trait]
impl Provider for InHouse {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        let texts: Vec<&str> = call.prompt.texts().collect();
        let question = json!({"role": "user", "content": texts.concat()});
        let body =
            json!({"model": call.model, "messages": [question], "max_tokens": call.max_tokens});
        let url = format!("{}/chat/completions", self.base_url);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        let request = HttpRequest::post(url, headers, body.to_string());
        Ok(Prepared::recorded(call, request))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        // What is sent must be the bytes that `prepare` fixed.
        if let Some(request) = &prepared.request {
            recorder.sent(request);
        }
        let text = "No.";
        let message = json!({"role": "assistant", "content": text});
        let response = json!({
            "id": self.response_id,
            "model": prepared.call.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
        });
        recorder.received(StatusCode::OK, HeaderMap::new(), response.to_string());
        let mut completion = Completion::text(text.to_owned());
        completion.usage = Some(Usage::new(9, 2));
        Ok(completion)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let north = InHouse { base_url: "http://127.0.0.1:1/v1", response_id: "resp-8d1f02c4a7b9" };
    let south = InHouse { base_url: "http://127.0.0.1:2/v1", response_id: "resp-17e6a90b3c55" };
    let gateway = Gateway::builder()
        .policy_yaml(POLICY)
        .provider("north", Arc::new(north))
        .provider("south", Arc::new(south))
        .build()?;
    // `enforce: hard` makes the request fail if the panel cannot be certified.
    let panel = gateway.panel(Request::new("pair", "Is a tomato a vegetable?")).await?;
    println!("{}", panel.text());
    println!("certified: {}", panel.certificate().level.as_str());
    Ok(())
}
