//! The MCP server as a client meets it: the real binary on real pipes, in front of
//! providers that answer over real HTTP. Expectations come from the public contract, not from the
//! code.
//!
//! No test measures time. Time limits only end a test that would hang.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod canary;
mod cascades;
mod clients;
mod detail;
mod ending;
mod errors;
mod fallback;
mod faults;
mod fuzz;
mod hand_off;
mod hand_off_end;
mod handshake;
mod keys;
mod lines;
mod money;
mod orchestrate;
mod panels;
mod policy_file;
mod pressure;
mod progress;
mod raw;
mod reload;
mod results;
mod robustness;
mod route;
mod stopping;
mod streams;

use serde_json::{Value, json};
use test_support::{Launch, Place, Session};

/// A made-up key.
const KEY: &str = "sk-test-0123456789";

/// Returns the launch of the server under test.
fn server() -> Launch {
    Launch::of(env!("CARGO_BIN_EXE_llm-gateway-stdio"))
}

/// Returns a policy whose class `ask` is answered by `gpt-test` of openai at `base_url`.
fn asking(base_url: &str) -> Value {
    asking_of("openai", "gpt-test", base_url)
}

/// Returns a policy whose class `ask` is answered by a model of a built-in provider, at prices that
/// can be checked by hand: 1 $/M in, 0.50 $/M cached, 2 $/M out.
fn asking_of(provider: &str, model: &str, base_url: &str) -> Value {
    json!({
        "version": "1.0.0",
        "defaults": {
            "ask": { "provider": provider, "model": model, "max_tokens": 100, "rationale": "Asks." },
        },
        "providers": { provider: provider_at(base_url, model) },
        "reliability": { "retry": { "max_retries": 0 } },
    })
}

/// Returns a provider at `base_url` with one priced model.
fn provider_at(base_url: &str, model: &str) -> Value {
    let facts = json!({
        "in": 1, "out": 2, "cache_read": 0.5, "context": 10_000_000, "max_output": 4096,
    });
    json!({ "base_url": base_url, "stream": false, "models": { model: facts } })
}

/// Starts a session with a policy and every key.
async fn session(policy: &Value) -> (Place, Session) {
    let place = Place::with_policy(policy.to_string());
    let session = with_keys(server().at(&place)).connect().await;
    (place, session)
}

/// Adds the key of every built-in provider.
fn with_keys(launch: Launch) -> Launch {
    ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY"]
        .into_iter()
        .fold(launch, |launch, name| launch.variable(name, KEY))
}

/// Returns the arguments of a plain question to the class `ask`.
fn question() -> Value {
    json!({ "task_class": "ask", "prompt": "What is a monad?" })
}

/// Asks the plain question under a policy. Returns the result of the tool.
async fn ask(policy: &Value) -> Value {
    let (_place, mut session) = session(policy).await;
    session.call("llm_route", question()).await
}

/// Returns the envelope of a success, which is the same in the text block and in
/// `structuredContent`.
fn success(result: &Value) -> Value {
    let envelope = text_block(result);
    assert_ne!(result["isError"], true, "{envelope:#}");
    assert_eq!(result["structuredContent"], envelope);
    assert_eq!(envelope["status"], "success", "{envelope:#}");
    envelope
}

/// Returns the envelope of an error, which is in the text block alone.
fn failure(result: &Value) -> Value {
    let envelope = text_block(result);
    assert_eq!(result["isError"], true, "{envelope:#}");
    assert_eq!(result.get("structuredContent"), None, "clients drop errors that carry it");
    assert_eq!(envelope["status"], "error", "{envelope:#}");
    let sentence = envelope["error"].as_str().expect("an error is a sentence");
    assert!(!sentence.is_empty());
    envelope
}

/// Returns the envelope of an error, and asserts on its category.
fn failure_of(category: &str, result: &Value) -> Value {
    let envelope = failure(result);
    assert_eq!(envelope["meta"]["error_category"], category, "{envelope:#}");
    envelope
}

fn text_block(result: &Value) -> Value {
    let content = result["content"].as_array().expect("a result has content");
    assert_eq!(content.len(), 1, "one block: {result}");
    assert_eq!(content[0]["type"], "text");
    serde_json::from_str(content[0]["text"].as_str().unwrap()).expect("the text is JSON")
}

/// Replaces everything that differs between two runs.
fn redacted(mut envelope: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    match (key.as_str(), &*value) {
                        ("latency_ms", Value::Number(_)) => *value = json!("[ms]"),
                        // No policy makes these requests wait, but a busy machine may.
                        ("waited_ms", Value::Number(_)) => *value = json!(0),
                        ("run_id", Value::String(_)) => *value = json!("[run_id]"),
                        _ => walk(value),
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut envelope);
    envelope
}
