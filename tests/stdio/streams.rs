//! Answers that come as streams, which is the default of the built-in providers.

use serde_json::{Value, json};
use test_support::{FakeProvider, FakeSocket, Wire};

use crate::{ask, asking_of, failure_of, success};

/// Returns the policy of [`asking_of`] with the default of its provider, which is to stream.
fn streaming(provider: &str, model: &str, base_url: &str) -> Value {
    let mut policy = asking_of(provider, model, base_url);
    policy["providers"][provider].as_object_mut().unwrap().remove("stream");
    policy
}

const WIRES: [(Wire, &str); 4] = [
    (Wire::OpenAi, "openai"),
    (Wire::DeepSeek, "deepseek"),
    (Wire::Anthropic, "anthropic"),
    (Wire::Gemini, "gemini"),
];

#[tokio::test]
async fn a_stream_is_one_answer_with_the_same_bill() {
    for (wire, provider) in WIRES {
        let text = "Eine Monade ist ein Monoid, nämlich der Endofunktoren. 👋";
        let fake = FakeProvider::answering(wire, "m-test", text).await;
        let envelope = success(&ask(&streaming(provider, "m-test", &fake.base_url())).await);
        assert_eq!(envelope["data"]["text"], text, "{provider}");
        let meta = &envelope["meta"];
        assert_eq!((&meta["tokens"]["input"], &meta["tokens"]["output"]), (&json!(20), &json!(10)));
        assert_eq!(meta["cost_usd_approx"], 0.000_037_5, "{provider}");
        assert_eq!(
            (&meta["cost_basis"], &meta["finish_reason"], &meta["model"]),
            (&json!("exact"), &json!("stop"), &json!("m-test"))
        );
        let request = fake.request().await;
        assert!(wire.asks_for_stream(request.url.path(), &request.body), "{provider}");
    }
}

#[tokio::test]
async fn a_stream_is_asked_for_where_the_policy_says_so() {
    for (stream, asked) in [(None, true), (Some(false), false), (Some(true), true)] {
        let fake = FakeProvider::answering(Wire::OpenAi, "llama-test", "hello").await;
        let mut policy = streaming("local", "llama-test", &fake.base_url());
        policy["providers"]["local"]["kind"] = json!("openai");
        if let Some(stream) = stream {
            policy["providers"]["local"]["stream"] = json!(stream);
        }
        assert_eq!(success(&ask(&policy).await)["data"]["text"], "hello");
        let request = fake.request().await;
        assert_eq!(Wire::OpenAi.asks_for_stream(request.url.path(), &request.body), asked);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_answer() {
    let whole = Wire::OpenAi.stream("gpt-test", &"hello ".repeat(50));
    let fake = FakeSocket::streaming_half(&whole).await;
    let policy = streaming("openai", "gpt-test", &fake.base_url());
    failure_of("truncated", &ask(&policy).await);
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_by_the_idle_clock() {
    let mut policy = streaming("openai", "gpt-test", "");
    let whole = Wire::OpenAi.stream("gpt-test", &"hello ".repeat(50));
    let fake = FakeSocket::stalling(&whole).await;
    policy["providers"]["openai"]["base_url"] = json!(fake.base_url());
    policy["providers"]["openai"]["idle_timeout_s"] = json!(0.2);
    let envelope = failure_of("timeout", &ask(&policy).await);
    fake.left(1).await;
    assert!(envelope["error"].as_str().unwrap().contains("idle_timeout_s"), "{envelope}");
}
