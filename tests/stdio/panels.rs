//! Panels: three providers over real HTTP, none of which sees what another said.

use serde_json::{Value, json};
use test_support::{FakeProvider, Place, Wire};

use crate::{KEY, failure_of, provider_at, redacted, server, session, success};

/// A member: its wire format, its provider, its model, the developer of that model.
const MEMBERS: [(Wire, &str, &str, &str); 3] = [
    (Wire::OpenAi, "openai", "gpt-test", "openai"),
    (Wire::Anthropic, "anthropic", "claude-test", "anthropic"),
    (Wire::Gemini, "gemini", "gemini-test", "google"),
];

/// Returns the class `review`: the first members, one at each of these base URLs.
fn reviewing<'a>(urls: impl IntoIterator<Item = &'a str>, promise: &Value) -> Value {
    let mut policy = json!({
        "defaults": { "review": { "members": [], "max_tokens": 100, "rationale": "Reviews." } },
        "visibility": { "review": { "mode": "blind" } },
        "reliability": { "retry": { "max_retries": 0 } },
    });
    for (url, (_, provider, model, developer)) in urls.into_iter().zip(MEMBERS) {
        let members = policy["defaults"]["review"]["members"].as_array_mut().unwrap();
        members.push(json!({ "provider": provider, "model": model }));
        let mut at = provider_at(url, model);
        // The default of a built-in provider is to stream.
        at.as_object_mut().unwrap().remove("stream");
        at["models"][model]["developer"] = json!(developer);
        at["models"][model]["lineage"] = json!([model]);
        policy["providers"][provider] = at;
    }
    for (key, value) in promise.as_object().unwrap() {
        policy["visibility"]["review"][key] = value.clone();
    }
    policy
}

/// Returns a policy whose class `ask` is a panel of three providers, all at one base URL of the
/// `openai` format, and which is not certified by force.
pub(crate) fn asking_panel(base_url: &str) -> Value {
    let mut policy = json!({
        "defaults": { "ask": { "members": [], "max_tokens": 100, "rationale": "Asks." } },
        "reliability": { "retry": { "max_retries": 0 } },
    });
    for name in ["one", "two", "three"] {
        let model = format!("model-{name}");
        let members = policy["defaults"]["ask"]["members"].as_array_mut().unwrap();
        members.push(json!({ "provider": name, "model": model }));
        let mut at = provider_at(base_url, &model);
        (at["kind"], at["api_key_env"]) = (json!("openai"), Value::Null);
        policy["providers"][name] = at;
    }
    policy
}

/// Asks the panel of these providers. Returns the result of the tool.
async fn review(fakes: &[FakeProvider], promise: Value) -> Value {
    let urls: Vec<String> = fakes.iter().map(FakeProvider::base_url).collect();
    let policy = reviewing(urls.iter().map(String::as_str), &promise);
    let (_place, mut session) = session(&policy).await;
    let question = json!({ "task_class": "review", "prompt": "6 x 7 = ?" });
    session.call("llm_route", question).await
}

/// Starts the first providers, each with the text of its model.
async fn saying(texts: &[&str]) -> Vec<FakeProvider> {
    let mut fakes = Vec::new();
    for (text, (wire, _, model, _)) in texts.iter().zip(MEMBERS) {
        fakes.push(FakeProvider::answering(wire, model, text).await);
    }
    fakes
}

/// Replaces everything that differs between two runs.
fn shape(envelope: Value) -> Value {
    let mut envelope = redacted(envelope);
    let digest = &mut envelope["meta"]["certificate"]["receipt"]["digest"];
    assert_eq!(digest.as_str().unwrap().len(), 64, "SHA-256 in hex: {digest}");
    *digest = json!("[digest]");
    envelope
}

#[tokio::test]
async fn a_panel_that_agrees_is_certified() {
    let fakes = saying(&["42", "The answer is 42.", "**42**"]).await;
    let promise = json!({ "enforce": "hard", "require": "lineage_distinct" });
    let envelope = success(&review(&fakes, promise).await);
    insta::assert_json_snapshot!(shape(envelope));
    for fake in &fakes {
        let request = fake.request().await;
        let body = String::from_utf8(request.body).unwrap();
        assert!(body.contains("6 x 7") && !body.contains("42"), "each sees the question: {body}");
    }
}

#[tokio::test]
async fn a_member_that_fails_leaves_a_panel_with_its_quorum() {
    let mut fakes = saying(&["yes", "no"]).await;
    fakes.push(FakeProvider::refusing(Wire::Gemini, "gemini-test", 500, "INTERNAL", "sorry").await);
    let envelope = success(&review(&fakes, json!({ "quorum": 2 })).await);
    let (data, meta) = (&envelope["data"], &envelope["meta"]);
    assert_eq!((&meta["answered"], &meta["asked"]), (&json!(2), &json!(3)));
    assert_eq!(meta["certificate"]["claims"]["answered_quorum"]["result"], "pass");
    assert_eq!(meta["visibility"]["independence_certified"], true);
    assert_eq!(data["agreement"]["outcome"], "no_consensus");
    assert_eq!(data["members"][2]["meta"]["error_category"], "provider_5xx");
    let failed = &data["members"][2]["meta"];
    assert_eq!((&failed["provider"], &failed["model"]), (&json!("gemini"), &json!("gemini-test")));
    assert_eq!(failed["member"], 3);
}

#[tokio::test]
async fn too_few_answers_are_a_quorum_error_that_keeps_what_came() {
    let mut fakes = saying(&["paid for"]).await;
    for (wire, _, model, _) in &MEMBERS[1..] {
        fakes.push(FakeProvider::refusing(*wire, model, 500, "INTERNAL", "sorry").await);
    }
    let promise = json!({ "quorum": 2, "enforce": "soft" });
    let envelope = failure_of("quorum", &review(&fakes, promise).await);
    let data = &envelope["data"];
    assert_eq!(data["members"][0]["data"]["text"], "paid for");
    assert_eq!(data["members"].as_array().unwrap().len(), 3);
    assert_eq!(envelope["meta"]["answered"], 1);
    assert!(envelope["meta"]["hint"].as_str().unwrap().contains("500"), "{envelope:#}");
}

#[tokio::test]
async fn two_members_that_one_model_answers_are_no_panel() {
    let fakes = [
        FakeProvider::answering(Wire::OpenAi, "gpt-test", "42").await,
        // A router that admits it: Anthropic's API, answered by the other member's model.
        FakeProvider::answering(Wire::Anthropic, "gpt-test", "42").await,
    ];
    let promise = json!({ "enforce": "hard", "require": "model_distinct" });
    let envelope = failure_of("independence", &review(&fakes, promise).await);
    let claim = &envelope["meta"]["certificate"]["claims"]["model_distinct"];
    assert_eq!(claim["result"], "fail");
    assert!(claim["because"].as_str().unwrap().contains("gpt-test"), "{claim}");
    assert_eq!(envelope["meta"]["visibility"]["independence_certified"], false);
    for (member, provider) in [(0, "openai"), (1, "anthropic")] {
        let member = &envelope["data"]["members"][member];
        assert_eq!(
            (&member["data"]["text"], &member["meta"]["model"]),
            (&json!("42"), &json!("gpt-test"))
        );
        assert_eq!(member["meta"]["provider"], provider);
    }
    let soft = success(&review(&fakes, json!({ "enforce": "soft" })).await);
    assert_eq!(soft["data"]["agreement"]["outcome"], "unanimous");
    assert_eq!(soft["meta"]["visibility"]["independence_certified"], false);
}

#[tokio::test]
async fn a_panel_is_available_with_the_keys_of_its_quorum() {
    let nowhere = "http://127.0.0.1:9";
    for (quorum, keys, available, missing) in [
        (None, vec![], false, "OPENAI_API_KEY and ANTHROPIC_API_KEY and GEMINI_API_KEY"),
        (None, vec!["OPENAI_API_KEY", "GEMINI_API_KEY"], false, "ANTHROPIC_API_KEY"),
        (Some(2), vec!["OPENAI_API_KEY"], false, "2 of 3 members"),
        (Some(2), vec!["OPENAI_API_KEY", "GEMINI_API_KEY"], true, ""),
    ] {
        let promise = quorum.map_or(json!({}), |quorum: u32| json!({ "quorum": quorum }));
        let place = Place::with_policy(reviewing([nowhere; 3], &promise).to_string());
        let launch = keys.iter().fold(server().at(&place), |it, key| it.variable(key, KEY));
        let info = success(&launch.connect().await.call("llm_routing_info", json!({})).await);
        let class = &info["data"]["task_classes"][0];
        assert_eq!((&class["kind"], &class["available"]), (&json!("panel"), &json!(available)));
        assert_eq!(class["missing_keys"].as_array().unwrap().len(), 3 - keys.len());
        let why = class["unavailable_because"].as_str().unwrap_or_default();
        assert!(why.contains(missing), "{why}");
        assert_eq!(info["data"]["panels"], json!(["review"]));
        assert_eq!(info["data"]["visibility"]["review"]["quorum"], quorum.unwrap_or(3));
    }
}

#[tokio::test]
async fn a_panel_takes_no_other_model() {
    let policy = reviewing(["http://127.0.0.1:9"; 3], &json!({}));
    let (_place, mut session) = session(&policy).await;
    let arguments = json!({ "task_class": "review", "prompt": "hi", "override_model": "gpt-test" });
    failure_of("invalid_request", &session.call("llm_route", arguments).await);
}
