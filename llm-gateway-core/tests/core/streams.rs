//! Answers that come as streams, through the whole gateway.

use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::{Answer, Category, Failure, Request, Scripted};

use crate::support::{obeying, tried};

/// A policy with one model of each API, and a chain of two. Nothing is retried.
const POLICY: &str = "
defaults:
  openai: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  anthropic: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
  gemini: {provider: gemini, model: gemini-3.8-flash, max_tokens: 100}
  chain: {provider: openai, model: gpt-6-luna, max_tokens: 100}
fallback: {chain: [{provider: anthropic, model: claude-haiku-5-5}]}
reliability: {retry: {max_retries: 0}}
";

const WHOLE: &str =
    "providers: {openai: {stream: false}, anthropic: {stream: false}, gemini: {stream: false}}";

async fn ask(policy: &str, class: &str, script: Scripted) -> Result<Answer, Failure> {
    let gateway = obeying(policy).scripted(script).build().unwrap();
    gateway.route(Request::new(class, "Say hello")).await
}

/// Returns whether the only request asks for a stream.
fn asked_for_stream(script: &Scripted) -> bool {
    let requests = script.requests();
    assert_eq!(requests.len(), 1);
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    body["stream"] == true || requests[0].url.ends_with(":streamGenerateContent?alt=sse")
}

#[tokio::test]
async fn a_stream_is_the_same_answer_at_the_same_cost() {
    let whole_policy = [POLICY, WHOLE].concat();
    for class in ["openai", "anthropic", "gemini"] {
        let (streaming, whole) = (Scripted::new(), Scripted::new());
        let one = ask(POLICY, class, streaming.clone()).await.unwrap();
        let other = ask(&whole_policy, class, whole.clone()).await.unwrap();
        assert_eq!((one.text(), one.cost), (other.text(), other.cost), "{class}");
        assert!(
            (asked_for_stream(&streaming), asked_for_stream(&whole)) == (true, false),
            "{class}"
        );
    }
}

#[tokio::test]
async fn what_two_providers_said_is_never_put_together() {
    for (script, first) in [
        (Scripted::new().error_event(529), "openai overloaded"),
        (Scripted::new().cut(), "openai truncated"),
        (Scripted::new().reset(), "openai network"),
    ] {
        let answer = ask(POLICY, "chain", script.answer("from the fallback")).await.unwrap();
        assert_eq!(tried(&answer.attempts), [first, "anthropic ok"]);
        assert_eq!(answer.text(), "from the fallback");
    }
}

#[tokio::test]
async fn an_error_event_counts_as_its_status_would() {
    for class in ["openai", "anthropic", "gemini"] {
        for status in [401, 402, 404, 429, 500, 529] {
            let events = ask(POLICY, class, Scripted::new().error_event(status)).await.unwrap_err();
            let head = ask(POLICY, class, Scripted::new().status(status)).await.unwrap_err();
            // Gemini has one name for both; the status in the body of an event is the same.
            assert_eq!(events.category(), head.category(), "{class} {status}");
        }
    }
}

#[tokio::test]
async fn a_broken_stream_costs_what_it_counted_only_when_that_was_all() {
    let text = r#"data: {"choices":[{"delta":{"content":"hi"}}],"usage":{"prompt_tokens":10,"completion_tokens":1}}"#;
    let last = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":100}}"#;
    for (events, cost) in [
        (format!("{text}\n\n"), None),
        // 10 x 100 n$ + 100 x 500 n$.
        (format!("{text}\n\n{last}\n\n"), Some(NanoUsd::from_nanos(51_000))),
    ] {
        let failure = ask(POLICY, "openai", Scripted::new().events(events)).await.unwrap_err();
        assert_eq!(failure.category(), Category::Truncated);
        assert_eq!(failure.attempts()[0].cost, cost);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_falls_silent_is_left() {
    for class in ["openai", "anthropic", "gemini"] {
        let failure = ask(POLICY, class, Scripted::new().stall()).await.unwrap_err();
        assert_eq!(failure.category(), Category::Timeout);
        assert!(failure.to_string().contains("idle_timeout_s"), "{failure}");
    }
}
