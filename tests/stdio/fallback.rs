//! When the first target cannot answer, the next one is asked; when the caller is at fault,
//! nobody is.

use serde_json::{Value, json};
use test_support::{FakeProvider, FakeSocket, Place, Wire};

use crate::{asking, failure_of, provider_at, question, redacted, server, session, success};

/// `ask` goes to openai, then to anthropic.
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
async fn everything_that_is_the_targets_fault_goes_to_the_next() {
    for (status, code) in [
        (401, "invalid_api_key"),
        (404, "model_not_found"),
        (429, "insufficient_quota"),
        (429, "rate_limit_exceeded"),
        (500, "server_error"),
    ] {
        let first = FakeProvider::refusing(Wire::OpenAi, "gpt-test", status, code, "no").await;
        let second = FakeProvider::answering(Wire::Anthropic, "claude-test", "hello").await;
        let (_place, mut session) = session(&policy(&first.base_url(), &second.base_url())).await;
        let envelope = success(&session.call("llm_route", question()).await);
        assert_eq!(envelope["meta"]["provider"], "anthropic", "{status} {code}");
    }
}

#[tokio::test]
async fn a_caller_at_fault_is_told_and_nobody_else_is_asked() {
    for (code, category) in [
        ("invalid_value", "invalid_request"),
        ("context_length_exceeded", "context_length"),
        ("content_policy_violation", "content_filter"),
    ] {
        let first = FakeProvider::refusing(Wire::OpenAi, "gpt-test", 400, code, "no").await;
        let second = FakeProvider::answering(Wire::Anthropic, "claude-test", "hello").await;
        let (_place, mut session) = session(&policy(&first.base_url(), &second.base_url())).await;
        failure_of(category, &session.call("llm_route", question()).await);
        assert!(second.requests().await.is_empty(), "{code} went on");
    }
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

#[tokio::test]
async fn when_all_fail_every_attempt_is_told() {
    let first = FakeProvider::refusing(Wire::OpenAi, "gpt-test", 500, "x", "one").await;
    let second =
        FakeProvider::refusing(Wire::Anthropic, "claude-test", 529, "overloaded_error", "two")
            .await;
    let (_place, mut session) = session(&policy(&first.base_url(), &second.base_url())).await;
    let envelope = crate::failure(&session.call("llm_route", question()).await);
    let attempts = envelope["meta"]["attempts"].as_array().unwrap();
    let outcomes: Vec<_> = attempts.iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(outcomes, ["provider_5xx", "overloaded"]);
}
