//! Cascades: two cheap providers and a strong one over real HTTP.

use serde_json::{Value, json};
use test_support::{FakeProvider, Place, Wire};

use crate::{KEY, failure_of, provider_at, redacted, server, session, success};

/// The gate, then the strong model: a wire format, its provider, its model.
const TARGETS: [(Wire, &str, &str); 3] = [
    (Wire::OpenAi, "openai", "gpt-test"),
    (Wire::Gemini, "gemini", "gemini-test"),
    (Wire::Anthropic, "anthropic", "claude-test"),
];

/// Returns the class `sums`: a gate of two and a strong model, at these base URLs.
fn summing(urls: [&str; 3]) -> Value {
    let target = |(_, provider, model)| json!({ "provider": provider, "model": model });
    let [one, two, strong] = TARGETS.map(target);
    let mut policy = json!({
        "defaults": { "sums": {
            "cascade": { "gate": [one, two], "else": strong }, "max_tokens": 100,
            "rationale": "Adds.",
        } },
        "reliability": { "retry": { "max_retries": 0 } },
    });
    for (url, (_, provider, model)) in urls.into_iter().zip(TARGETS) {
        let mut at = provider_at(url, model);
        at["models"][model]["developer"] = json!(provider);
        at["models"][model]["lineage"] = json!([model]);
        policy["providers"][provider] = at;
    }
    policy
}

/// Starts the first providers, each with the text of its model.
async fn saying(texts: &[&str]) -> Vec<FakeProvider> {
    let mut fakes = Vec::new();
    for (text, (wire, _, model)) in texts.iter().zip(TARGETS) {
        fakes.push(FakeProvider::answering(wire, model, text).await);
    }
    fakes
}

/// Asks the cascade of these providers. Returns the result of the tool, and how
/// `llm_routing_info` describes the class after it.
async fn add(fakes: &[FakeProvider]) -> (Value, Value) {
    let urls: Vec<String> = fakes.iter().map(FakeProvider::base_url).collect();
    let [one, two, three] = urls.as_slice() else { panic!("three providers") };
    let (_place, mut session) = session(&summing([one, two, three])).await;
    let question = json!({ "task_class": "sums", "prompt": "6 x 7 = ?" });
    let result = session.call("llm_route", question).await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    (result, info["data"]["task_classes"][0].clone())
}

#[tokio::test]
async fn a_gate_that_agrees_answers_for_the_strong_model() {
    let fakes = saying(&["The answer is 42.", "**42**", "never said"]).await;
    let (result, class) = add(&fakes).await;
    let mut envelope = redacted(success(&result));
    let digest = &mut envelope["meta"]["cascade"]["certificate"]["receipt"]["digest"];
    assert_eq!(digest.as_str().unwrap().len(), 64, "SHA-256 in hex: {digest}");
    *digest = json!("[digest]");
    insta::assert_json_snapshot!(envelope);
    assert_eq!(fakes[2].requests().await.len(), 0, "the strong model was not asked");
    assert_eq!(class["escalation"], json!({"asked": 1, "escalated": 0, "rate": 0.0}));
}

#[tokio::test]
async fn a_gate_that_differs_escalates_and_shows_nothing_of_it() {
    let fakes = saying(&["4711", "4712", "strong"]).await;
    let (result, class) = add(&fakes).await;
    let envelope = success(&result);
    let (data, meta) = (&envelope["data"], &envelope["meta"]);
    assert_eq!(data["text"], "strong");
    assert_eq!(
        (&data["gate"][0]["gist"], &data["gate"][1]["gist"]),
        (&json!("4711"), &json!("4712"))
    );
    assert_eq!((&meta["provider"], &meta["model"]), (&json!("anthropic"), &json!("claude-test")));
    let cascade = &meta["cascade"];
    assert_eq!((&cascade["answered_by"], &cascade["escalated"]), (&json!("else"), &json!(true)));
    // 20 tokens in, 5 of them cached, 10 out: $0.0000375 a call.
    assert_eq!(meta["cost_usd_approx"], 0.000_112_5);
    assert_eq!(meta["attempts"].as_array().unwrap().len(), 3);
    let body = String::from_utf8(fakes[2].request().await.body).unwrap();
    assert!(body.contains("6 x 7") && !body.contains("471"), "{body}");
    assert_eq!(class["escalation"], json!({"asked": 1, "escalated": 1, "rate": 1.0}));
}

#[tokio::test]
async fn a_strong_model_that_fails_leaves_what_the_gate_said() {
    let mut fakes = saying(&["paid for", "and this"]).await;
    let refusing =
        FakeProvider::refusing(Wire::Anthropic, "claude-test", 500, "api_error", "sorry");
    fakes.push(refusing.await);
    let envelope = failure_of("provider_5xx", &add(&fakes).await.0);
    assert_eq!(envelope["data"]["members"][0]["data"]["text"], "paid for");
    assert_eq!(envelope["meta"]["cost_usd_approx"], 0.000_075);
    assert_eq!(envelope["meta"]["cascade"]["answered_by"], Value::Null);
}

#[tokio::test]
async fn a_cascade_is_listed_and_available_with_the_key_of_its_strong_model() {
    let policy = summing(["http://127.0.0.1:9"; 3]).to_string();
    for (key, is_available) in [("OPENAI_API_KEY", false), ("ANTHROPIC_API_KEY", true)] {
        let place = Place::with_policy(&policy);
        let mut session = server().at(&place).variable(key, KEY).connect().await;
        let info = success(&session.call("llm_routing_info", json!({})).await);
        let class = &info["data"]["task_classes"][0];
        assert_eq!(
            (&class["kind"], &class["available"]),
            (&json!("cascade"), &json!(is_available))
        );
        let tools = session.request("tools/list", json!({})).await["result"]["tools"].clone();
        let route = &tools[0];
        assert_eq!(route["inputSchema"]["properties"]["task_class"]["enum"], json!(["sums"]));
        let told = route["description"].as_str().unwrap();
        assert!(told.contains("- sums (cascade): Adds."), "{told}");
        assert!(told.contains("asks cheap models first"), "{told}");
        assert_eq!(told.contains("unavailable: set ANTHROPIC_API_KEY"), !is_available, "{told}");
    }
}
