//! The server always starts. What is wrong with the policy is the answer of a tool, not a reason to
//! exit.

use serde_json::{Value, json};
use test_support::{FakeProvider, Launch, Place, Wire};

use crate::{KEY, asking, asking_of, failure_of, question, server, success, with_keys};

/// The answers of both tools under an invalid policy.
struct Complaint {
    route: Value,
    info: Value,
}

/// Starts a server with an invalid policy and calls both tools.
async fn complaint(launch: Launch) -> Complaint {
    let mut session = launch.connect().await;
    let listed = session.request("tools/list", json!({})).await;
    assert!(!listed["result"]["tools"].as_array().unwrap().is_empty(), "the tools stay listed");
    let route = failure_of("policy_invalid", &session.call("llm_route", question()).await);
    let info = failure_of("policy_invalid", &session.call("llm_routing_info", json!({})).await);
    assert_eq!(route["error"], info["error"], "every tool says the same");
    Complaint { route, info }
}

#[tokio::test]
async fn bad_yaml_is_an_answer_with_its_place() {
    let place = Place::with_policy("version: \"1.0.0\"\ndefaults:\n  ask: {provider: openai,\n");
    let complaint = complaint(server().at(&place)).await;
    let error = complaint.route["error"].as_str().unwrap();
    let file = place.policy();
    let after = error.split(file.to_str().unwrap()).nth(1).expect(error);
    let mut numbers = after.trim_start_matches(':').split([':', ' ']);
    for number in ["line", "column"] {
        let text = numbers.next().unwrap();
        assert!(text.parse::<u32>().is_ok_and(|at| at > 0), "{number} in {error}");
    }
}

#[tokio::test]
async fn an_unknown_key_is_named_with_its_place_and_the_right_one() {
    let place = Place::with_policy(
        "version: \"1.0.0\"\ndefaults:\n  ask: {provider: openai, model: gpt-test, max_token: 7}\n",
    );
    let complaint = complaint(server().at(&place)).await;
    let at = format!("{}:3:44", place.policy().display());
    for envelope in [complaint.route, complaint.info] {
        let error = envelope["error"].as_str().unwrap();
        assert!(error.contains(&at) && error.contains("max_token"), "{at} is not in {error}");
        assert!(envelope.to_string().contains("`max_tokens`"), "what is right? {envelope:#}");
    }
}

#[tokio::test]
async fn every_problem_is_told_in_one_answer() {
    let place = Place::with_policy(
        "version: \"1.0.0\"\ndefaults:\n  ask: {provider: opnai, model: gpt-test}\n  \
         two: {provider: openai, model: gpt-test, max_tokens: -1}\nfallback:\n  \
         nobody: [{provider: openai, model: gpt-test}]\nproviders:\n  \
         openai: {models: {gpt-test: {in: 1001, out: 1}}}\n",
    );
    let envelope = complaint(server().at(&place)).await.info.to_string();
    for named in ["opnai", "max_tokens", "nobody", "1001"] {
        assert!(envelope.contains(named), "{named} is not in {envelope}");
    }
}

#[tokio::test]
async fn an_answer_with_a_thousand_problems_stays_small_and_valid() {
    let classes: serde_json::Map<String, Value> = (0..2000)
        .map(|n| (format!("class_{n}"), json!({ "provider": "nobody", "model": "gpt-test" })))
        .collect();
    let place = Place::with_policy(format!("{:#}", json!({ "defaults": classes })));
    let mut session = server().at(&place).connect().await;
    let result = session.call("llm_route", question()).await;
    failure_of("policy_invalid", &result);
    let length = result["content"][0]["text"].as_str().unwrap().chars().count();
    assert!(length <= 30_000, "{length} characters");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_an_answer() {
    let place = Place::empty();
    let envelope = complaint(server().at(&place)).await.route;
    assert!(envelope["error"].as_str().unwrap().contains("routing.yaml"), "{envelope:#}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_an_answer() {
    let directory = Place::empty().file("policy/routing.yaml/in-the-way", "");
    complaint(server().at(&directory)).await;
    let binary = Place::with_policy([0xff, 0xfe, 0x00, 0x80, b'\n']);
    complaint(server().at(&binary)).await;
    let nothing = Place::with_policy("");
    complaint(server().at(&nothing)).await;
}

#[tokio::test]
async fn the_project_that_is_open_is_never_read() {
    let strangers = FakeProvider::answering(Wire::OpenAi, "gpt-test", "stolen").await;
    let policy = asking_of("openai", "gpt-test", &strangers.base_url()).to_string();
    let place = Place::empty().file("project/routing.yaml", policy).file(
        "project/.env",
        format!("OPENAI_API_KEY={KEY}\nOPENAI_BASE_URL={}\n", strangers.base_url()),
    );
    let mut session = server().inside(&place).connect().await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    assert!(!info["data"]["policy_file"].as_str().unwrap().contains("project"), "{info:#}");
    let shown = info.to_string();
    assert!(
        !shown.contains(&strangers.base_url()) && !shown.contains("\"key\":\"set\""),
        "{info:#}"
    );
    assert!(info["data"]["task_classes"].as_array().unwrap().len() > 1, "the embedded policy");
    assert!(strangers.requests().await.is_empty());
}

#[tokio::test]
async fn the_policy_is_looked_for_in_this_order() {
    let policy = |model: &str| {
        let mut policy = asking_of("openai", "gpt-test", "http://127.0.0.1:9/v1");
        policy["defaults"]["ask"]["rationale"] = json!(model);
        policy.to_string()
    };
    let place = Place::with_policy(policy("argument"))
        .file("elsewhere/policy.yaml", policy("variable"))
        .file("xdg/llm-gateway/routing.yaml", policy("xdg"))
        .file("home/.config/llm-gateway/routing.yaml", policy("home"));
    let elsewhere = place.path("elsewhere/policy.yaml").to_str().unwrap().to_owned();
    let xdg = place.path("xdg").to_str().unwrap().to_owned();
    let all = |launch: Launch| {
        launch.variable("LLM_GATEWAY_ROUTING", &elsewhere).variable("XDG_CONFIG_HOME", &xdg)
    };
    assert_eq!(rationale(all(server().at(&place))).await, "argument");
    assert_eq!(rationale(all(server().inside(&place))).await, "variable");
    let without = all(server().inside(&place)).without("LLM_GATEWAY_ROUTING");
    assert_eq!(rationale(without).await, "xdg");
    assert_eq!(rationale(server().inside(&place)).await, "home");
}

#[tokio::test]
async fn without_home_the_embedded_policy_serves() {
    let mut session = server().connect().await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    let classes = info["data"]["task_classes"].as_array().unwrap();
    assert!(classes.iter().any(|class| class["name"] == "quick_answer"));
    for class in classes {
        assert_eq!(class["available"], false, "there is no key: {class}");
        assert!(!class["missing_keys"].as_array().unwrap().is_empty(), "{class}");
    }
}

#[tokio::test]
async fn an_unencrypted_base_url_is_refused_unless_the_provider_says_so() {
    let mut policy = asking("http://192.0.2.1/v1");
    let place = Place::with_policy(policy.to_string());
    let complaint = complaint(with_keys(server().at(&place))).await;
    for envelope in [complaint.route, complaint.info] {
        assert!(envelope.to_string().contains("insecure_http"), "what is right? {envelope:#}");
    }
    policy["providers"]["openai"]["insecure_http"] = json!(true);
    let place = Place::with_policy(policy.to_string());
    let mut session = server().at(&place).connect().await;
    success(&session.call("llm_routing_info", json!({})).await);
}

#[tokio::test]
async fn the_keys_of_version_1_0_0_are_enough() {
    let place = Place::with_policy(
        r#"
version: "1.0.0"
defaults:
  quick: {provider: openai, model: gpt-4o-mini, max_tokens: 1024, rationale: "Quick."}
  review:
    members: [{provider: openai, model: gpt-4o}, {provider: anthropic, model: claude-test}]
    max_tokens: 4000
    cost_cap_usd: 1.00
    rationale: "Two."
cost_preflight: {enabled: true, chars_per_token: 4, warn_usd: 0.50, block_usd: 15.00}
visibility:
  review: {mode: blind, members_see: original_prompt_only, enforce: hard}
fallback:
  quick: [{provider: anthropic, model: claude-test}]
  review: []
orchestration:
  roles:
    planner: {provider: openai, model: gpt-4o, max_tokens: 4000}
    worker: {provider: openai, model: gpt-4o, max_tokens: 4000}
    verifier: {provider: anthropic, model: claude-test, max_tokens: 4000}
  depth:
    trivial: {plan: false, verify: false}
    standard: {plan: false, verify: true}
    complex: {plan: true, verify: true, replan_on_fail: true, max_replans: 1}
"#,
    );
    let mut session = server().at(&place).connect().await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    assert_eq!(info["data"]["orchestration_depths"], json!(["trivial", "standard", "complex"]));
    assert_eq!(info["data"]["panels"], json!(["review"]));
}

async fn rationale(launch: Launch) -> String {
    let mut session = launch.connect().await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    info["data"]["task_classes"][0]["rationale"].as_str().unwrap().to_owned()
}
