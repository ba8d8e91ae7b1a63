//! How much a result says: `output.detail`, and the one copy for a client that pays for both.

use serde_json::{Value, json};
use test_support::{FakeProvider, Place, Session, Wire};

use crate::panels::asking_panel;
use crate::{asking, failure_of, question, server, session, success, text_block, with_keys};

fn brief(mut policy: Value) -> Value {
    policy["output"] = json!({ "detail": "brief" });
    policy
}

fn keys(object: &Value) -> Vec<&String> {
    object.as_object().unwrap().keys().collect()
}

/// Starts a session of Codex under a policy.
async fn codex(policy: &Value) -> (Place, Session) {
    let place = Place::with_policy(policy.to_string());
    let session = with_keys(server().at(&place)).connect_as("codex-mcp-client").await;
    (place, session)
}

#[tokio::test]
async fn a_brief_answer_says_what_is_new_and_its_result_says_all() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let (_place, mut session) = session(&brief(asking(&fake.base_url()))).await;
    let short = success(&session.call("llm_route", question()).await);
    assert_eq!(short["data"]["text"], "hello");
    assert_eq!(
        keys(&short["meta"]),
        ["task_class", "provider", "model", "latency_ms", "tokens", "cost_usd_approx", "run_id"]
    );
    let full = json!({ "run_id": short["meta"]["run_id"] });
    let full = success(&session.call("llm_result", full).await);
    for key in ["attempts", "preflight", "cost_basis", "finish_reason"] {
        assert!(!full["meta"][key].is_null(), "{key}: {full:#}");
    }
}

#[tokio::test]
async fn a_brief_panel_keeps_answers_and_what_is_certified() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let policy = asking_panel(&fake.base_url());
    let (_place, mut full) = session(&policy).await;
    let (_place, mut short) = session(&brief(policy)).await;
    let full = text_block(&full.call("llm_route", question()).await);
    let short = text_block(&short.call("llm_route", question()).await);
    assert_eq!(short["data"]["agreement"], full["data"]["agreement"]);
    for key in ["independence_certified", "level"] {
        assert_eq!(short["meta"]["visibility"][key], full["meta"]["visibility"][key], "{key}");
    }
    for (member, whole) in
        (0..3).map(|at| (&short["data"]["members"][at], &full["data"]["members"][at]))
    {
        assert_eq!(member["data"], whole["data"]);
        assert_eq!(member["meta"]["member"], whole["meta"]["member"]);
    }
    assert!(short.to_string().len() * 3 < full.to_string().len() * 2, "it is shorter by a third");
}

#[tokio::test]
async fn a_word_that_is_no_detail_is_refused() {
    let mut policy = asking("http://127.0.0.1:9/v1");
    policy["output"] = json!({ "detail": "breif" });
    let (_place, mut session) = session(&policy).await;
    let failed = failure_of("policy_invalid", &session.call("llm_route", question()).await);
    assert!(failed.to_string().contains("did you mean `brief`"), "{failed:#}");
}

#[tokio::test]
async fn codex_gets_one_copy_that_it_can_hand_on_whole() {
    let large = "\"x\u{1F980}\n".repeat(40_000);
    for text in ["hello", large.as_str()] {
        let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", text).await;
        let (_place, mut session) = codex(&asking(&fake.base_url())).await;
        let result = session.call("llm_route", question()).await;
        let whole = |result: &Value| result.to_string().chars().count();
        assert!(whole(&result) <= 9_000, "{}", whole(&result));
        let line = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(line, "The result is in structuredContent; its status is success.");
        let envelope = &result["structuredContent"];
        assert_eq!(envelope["status"], "success");
        let mut joined = String::new();
        let pages = envelope["meta"]["pages"].as_u64().unwrap_or(1);
        for page in 1..=pages {
            let wanted = json!({ "run_id": "latest", "page": page });
            let result = session.call("llm_result", wanted).await;
            assert!(whole(&result) <= 9_000);
            joined.push_str(result["structuredContent"]["data"]["text"].as_str().unwrap());
        }
        assert!(joined == text);
        assert_eq!(envelope["meta"]["truncated"] == true, text.len() > 9_000);
        let info = session.call("llm_routing_info", json!({})).await;
        assert!(whole(&info) <= 9_000 && info["structuredContent"]["status"] == "success");
    }
}

#[tokio::test]
async fn a_long_description_has_whole_ids_of_runs_for_codex() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let mut policy = asking(&fake.base_url());
    for number in 0..80 {
        policy["defaults"][format!("class_{number}")] = policy["defaults"]["ask"].clone();
    }
    let (_place, mut session) = codex(&policy).await;
    for _ in 0..20 {
        let result = session.call("llm_route", question()).await;
        let run_id = result["structuredContent"]["meta"]["run_id"].clone();
        let info = session.call("llm_routing_info", json!({})).await["structuredContent"].take();
        assert_eq!(info["meta"]["truncated"], true);
        assert_eq!(info["data"]["runs"][0]["run_id"], run_id, "{}", info["data"]["runs"]);
    }
}

/// Codex shows its model the text of an error.
#[tokio::test]
async fn an_error_is_text_for_codex_too() {
    let (_place, mut session) = codex(&asking("http://127.0.0.1:9/v1")).await;
    failure_of("network", &session.call("llm_route", question()).await);
}
