//! When the first target cannot answer, the next one is asked. The table of all faults is in
//! `matrix` of the library's tests.

use serde_json::{Value, json};
use test_support::{FakeProvider, FakeSocket, Place, Wire};

use crate::{asking, provider_at, question, redacted, server, session, success};

/// Returns a policy whose class `ask` goes to openai, then to anthropic.
fn policy(openai: &str, anthropic: &str) -> Value {
    let mut policy = asking(openai);
    policy["providers"]["anthropic"] = provider_at(anthropic, "claude-test");
    policy["fallback"] = json!({ "ask": [{ "provider": "anthropic", "model": "claude-test" }] });
    policy
}

#[tokio::test]
async fn the_next_target_answers_and_the_envelope_tells_why() {
    let first = FakeProvider::refusing(Wire::OpenAi, "gpt-test", 503, "busy", "sorry").await;
    let second = FakeProvider::answering(Wire::Anthropic, "claude-test", "hello").await;
    let (_place, mut session) = session(&policy(&first.base_url(), &second.base_url())).await;
    let envelope = success(&session.call("llm_route", question()).await);
    assert_eq!(
        envelope["meta"]["fallback_from"],
        json!({ "provider": "openai", "model": "gpt-test" })
    );
    insta::assert_json_snapshot!(redacted(envelope));
}

#[tokio::test]
async fn a_missing_key_goes_to_the_next_target() {
    let second = FakeProvider::answering(Wire::Anthropic, "claude-test", "hello").await;
    let place = Place::with_policy(policy("http://127.0.0.1:9/v1", &second.base_url()).to_string());
    let mut session = server().at(&place).variable("ANTHROPIC_API_KEY", crate::KEY).connect().await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    assert_eq!(info["data"]["task_classes"][0]["available"], true, "one key is enough");
    let envelope = success(&session.call("llm_route", question()).await);
    assert_eq!(envelope["meta"]["attempts"][0]["outcome"], "missing_key");
    assert_eq!(envelope["meta"]["fallback_from"]["provider"], "openai");
}

#[tokio::test]
async fn a_target_above_the_price_bound_goes_to_the_next() {
    let first = FakeProvider::answering(Wire::OpenAi, "gpt-test", "dear").await;
    let second = FakeProvider::answering(Wire::Anthropic, "claude-test", "cheap").await;
    let mut policy = policy(&first.base_url(), &second.base_url());
    policy["providers"]["openai"]["models"]["gpt-test"]["out"] = json!(900);
    policy["cost_preflight"] = json!({ "block_usd": 0.01 });
    let (_place, mut session) = session(&policy).await;
    let envelope = success(&session.call("llm_route", question()).await);
    assert_eq!(envelope["data"]["text"], "cheap");
    assert_eq!(envelope["meta"]["attempts"][0]["outcome"], "policy_blocked");
    assert!(first.requests().await.is_empty());
}

#[tokio::test]
async fn a_silent_target_goes_to_the_next() {
    let first = FakeSocket::hanging().await;
    let second = FakeProvider::answering(Wire::Anthropic, "claude-test", "hello").await;
    let mut policy = policy(&first.base_url(), &second.base_url());
    policy["providers"]["openai"]["timeout_s"] = json!(0.2);
    let (_place, mut session) = session(&policy).await;
    let envelope = success(&session.call("llm_route", question()).await);
    assert_eq!(envelope["meta"]["attempts"][0]["outcome"], "timeout");
    first.left(1).await;
}
