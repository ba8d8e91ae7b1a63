//! `llm_result`: what is kept of a run, in one piece and in pages.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{ACCEPTS, FakeProvider, FakeSocket, PATIENCE, Session, Wire};

use crate::orchestrate::{Crew, TASK, ended};
use crate::panels::asking_panel;
use crate::{KEY, asking, failure_of, question, session, success, text_block};

/// Returns the pages of a run's whole text, each checked against the bound, joined.
async fn joined(session: &mut Session, run_id: &Value, max_chars: usize) -> String {
    let first = session.call("llm_result", json!({ "run_id": run_id, "page": 1 })).await;
    let pages = text_block(&first)["meta"]["pages"].as_u64().unwrap();
    let mut whole = String::new();
    for page in 1..=pages {
        let result = session.call("llm_result", json!({ "run_id": run_id, "page": page })).await;
        let length = result["content"][0]["text"].as_str().unwrap().chars().count();
        assert!(length <= max_chars, "page {page}: {length} of {max_chars}");
        let envelope = text_block(&result);
        let meta = &envelope["meta"];
        assert_eq!((&meta["page"], &meta["pages"]), (&json!(page), &json!(pages)), "{meta}");
        assert_eq!(&meta["run_id"], run_id);
        whole.push_str(envelope["data"]["text"].as_str().unwrap());
    }
    whole
}

/// Returns 200 kB of everything that JSON escapes and of what takes several bytes.
fn large() -> String {
    let text = "äö\u{1F980} \"quoted\" \\ \n\t\u{1} words ".repeat(7_000);
    assert!(text.len() > 200_000);
    format!("HEAD {text} TAIL")
}

#[tokio::test]
async fn a_large_answer_is_had_whole_page_by_page() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &large()).await;
    for max_chars in [2_000, 30_000] {
        let mut policy = asking(&fake.base_url());
        policy["output"] = json!({ "max_chars": max_chars });
        let (_place, mut session) = session(&policy).await;
        let result = session.call("llm_route", question()).await;
        let envelope = success(&result);
        let meta = &envelope["meta"];
        assert_eq!(meta["truncated"], true);
        assert!(meta["pages"].as_u64().unwrap() > 5, "{meta}");
        let shown = envelope["data"]["text"].as_str().unwrap();
        assert!(shown.contains("llm_result has them"), "{shown}");
        let again = session.call("llm_result", json!({ "run_id": meta["run_id"] })).await;
        assert_eq!(again, result, "without a page it is the same bounded envelope");
        let whole = joined(&mut session, &meta["run_id"], max_chars).await;
        assert!(whole == large(), "{} of {} characters", whole.len(), large().len());
    }
}

#[tokio::test]
async fn a_panels_answers_follow_each_other() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &large()).await;
    let (_place, mut session) = session(&asking_panel(&fake.base_url())).await;
    let envelope = text_block(&session.call("llm_route", question()).await);
    assert!(envelope["meta"]["pages"].as_u64().unwrap() > 20, "{}", envelope["meta"]);
    let whole = joined(&mut session, &envelope["meta"]["run_id"], 30_000).await;
    assert_eq!(whole.matches(&large()).count(), 3);
    for heading in ["## 1. ", "\n## 2. ", "\n## 3. "] {
        assert!(whole.contains(heading), "{heading}");
    }
}

#[tokio::test]
async fn a_panel_shows_every_member_within_any_bound() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &large()).await;
    for max_chars in [2_000, 4_000, 30_000] {
        let mut policy = asking_panel(&fake.base_url());
        policy["output"] = json!({ "max_chars": max_chars });
        let (_place, mut session) = session(&policy).await;
        let result = session.call("llm_route", question()).await;
        assert!(result["content"][0]["text"].as_str().unwrap().chars().count() <= max_chars);
        let envelope = text_block(&result);
        let run_id = &envelope["meta"]["run_id"];
        for (at, name) in ["one", "two", "three"].iter().enumerate() {
            let member = &envelope["data"]["members"][at];
            let meta = &member["meta"];
            assert_eq!((&member["status"], &meta["provider"]), (&json!("success"), &json!(name)));
            assert_eq!((&meta["run_id"], meta["model"].is_string()), (run_id, true), "{meta}");
            let text = member["data"]["text"].as_str().unwrap();
            assert!(text.starts_with("HEAD") && text.ends_with("TAIL"), "{max_chars}: {text}");
            assert!(text.contains(" left out"), "{max_chars}: {text}");
        }
    }
}

#[tokio::test]
async fn what_was_made_of_a_task_follows_each_other() {
    let crew = Crew::saying(&["the plan of it all"], &[&large()], &[ACCEPTS]).await;
    let (_place, mut session) = session(&crew.policy()).await;
    let arguments = json!({ "task": TASK, "depth": "complex" });
    let envelope = text_block(&session.call("llm_orchestrate", arguments).await);
    let whole = joined(&mut session, &envelope["meta"]["run_id"], 30_000).await;
    assert!(whole.starts_with(&format!("## Artifact\n\n{}\n", large())), "the artifact is whole");
    assert!(whole.contains("## Plan\n\nthe plan of it all\n"));
    assert!(whole.contains("## Verdict"));
}

#[tokio::test]
async fn a_page_that_is_not_there_is_told_with_those_that_are() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &large()).await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let meta = success(&session.call("llm_route", question()).await)["meta"].clone();
    let (run_id, pages) = (&meta["run_id"], meta["pages"].as_u64().unwrap());
    let range = format!("1 to {pages}");
    for page in
        [json!(0), json!(-1), json!(1.5), json!("two"), json!([1]), json!(pages + 1), json!(1e15)]
    {
        let result = session.call("llm_result", json!({ "run_id": run_id, "page": page })).await;
        let envelope = failure_of("invalid_request", &result);
        assert!(envelope.to_string().contains(&range), "{page}: {envelope:#}");
    }
    for page in [json!(1.0), json!("1"), json!(" 1 ")] {
        let result = session.call("llm_result", json!({ "run_id": run_id, "page": page })).await;
        assert_eq!(success(&result)["meta"]["page"], 1, "{page}");
    }
    // A null is no page.
    let result = session.call("llm_result", json!({ "run_id": run_id, "page": null })).await;
    assert_eq!(success(&result)["meta"]["tokens"], meta["tokens"]);
}

#[tokio::test]
async fn a_run_that_is_not_kept_is_told_with_what_is_kept() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let latest = json!({ "run_id": "latest" });
    let none = failure_of("invalid_request", &session.call("llm_result", latest.clone()).await);
    assert_eq!(none["error"], "no run was started yet");
    let run_id = success(&session.call("llm_route", question()).await)["meta"]["run_id"].clone();
    for named in
        ["latest", " LATEST ", run_id.as_str().unwrap(), &run_id.as_str().unwrap().to_uppercase()]
    {
        let envelope = success(&session.call("llm_result", json!({ "run_id": named })).await);
        assert_eq!(
            (&envelope["meta"]["run_id"], &envelope["data"]["text"]),
            (&run_id, &json!("hello"))
        );
    }
    let unknown = "0".repeat(32);
    let long = "x".repeat(100_000);
    for named in [unknown.as_str(), "", "last", "0", "\u{0}", "../../etc", long.as_str(), "ä"] {
        let result = session.call("llm_result", json!({ "run_id": named })).await;
        let envelope = failure_of("invalid_request", &result);
        assert!(envelope.to_string().chars().count() < 500, "{envelope}");
        assert!(envelope["meta"]["hint"].as_str().unwrap().contains("latest"), "{envelope}");
    }
    for wrong in [
        json!({}),
        json!({ "run_id": 5 }),
        json!({ "page": 1 }),
        json!({ "run_id": run_id, "pge": 1 }),
    ] {
        failure_of("invalid_request", &session.call("llm_result", wrong).await);
    }
}

/// opencode cancels every call that was answered.
#[tokio::test]
async fn a_call_that_is_cancelled_after_its_answer_keeps_its_result() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let id = session.begin_call("llm_route", question());
    let run_id = success(&session.result(id).await)["meta"]["run_id"].clone();
    session.notify("notifications/cancelled", json!({ "requestId": id }));
    let kept = success(&session.call("llm_result", json!({ "run_id": run_id })).await);
    assert_eq!(kept["data"]["text"], "hello");
}

#[tokio::test]
async fn a_failure_is_kept_too() {
    let fake = FakeProvider::refusing(Wire::OpenAi, "gpt-test", 401, "invalid_api_key", "no").await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let result = session.call("llm_route", question()).await;
    let failed = failure_of("auth", &result);
    let again = session.call("llm_result", json!({ "run_id": failed["meta"]["run_id"] })).await;
    assert_eq!(again, result);
    let page = json!({ "run_id": "latest", "page": 1 });
    let page = failure_of("auth", &session.call("llm_result", page).await);
    assert_eq!(page["data"]["text"], failed["error"]);
}

#[tokio::test]
async fn a_cancelled_task_keeps_what_was_paid_for() {
    let crew = Crew::saying(&["a plan"], &["an artifact"], &[ACCEPTS]).await;
    let verifier = FakeSocket::hanging().await;
    let policy = crew.policy_verified_at(&verifier.base_url());
    let (_place, mut session) = session(&policy).await;
    let id = session.begin_call("llm_orchestrate", json!({ "task": TASK, "depth": "complex" }));
    verifier.asked(1).await;
    session.notify("notifications/cancelled", json!({ "requestId": id }));
    verifier.left(1).await;
    let kept = session.call("llm_result", json!({ "run_id": "latest" })).await;
    let kept = failure_of("cancelled", &kept);
    assert_eq!(
        (&kept["data"]["artifact"], &kept["data"]["plan"]),
        (&json!("an artifact"), &json!("a plan"))
    );
    assert_eq!(session.leave().await.replies_to(id), 0);
}

#[tokio::test]
async fn a_cancelled_answer_is_kept_as_cancelled() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let id = session.begin_call("llm_route", question());
    fake.asked(1).await;
    session.notify("notifications/cancelled", json!({ "requestId": id }));
    fake.left(1).await;
    let kept = session.call("llm_result", json!({ "run_id": "latest" })).await;
    let kept = failure_of("cancelled", &kept);
    assert_eq!(kept["meta"]["task_class"], "ask", "{kept}");
    let info = success(&session.call("llm_routing_info", json!({})).await);
    assert_eq!(info["data"]["runs"][0]["state"], "done");
}

/// Asks models that fall silent half-way and cancels the calls, until one had written something.
/// Returns what is kept of that one, and its pages joined.
async fn cancelled_half_way(policy: &Value, fake: &FakeSocket) -> (Value, String) {
    let (_place, mut session) = session(policy).await;
    let mut patience = Duration::from_millis(50);
    while patience < PATIENCE {
        let id = session.begin_call("llm_route", question());
        fake.asked(fake.left_so_far() + 1).await;
        tokio::time::sleep(patience).await;
        session.notify("notifications/cancelled", json!({ "requestId": id }));
        let kept = session.call("llm_result", json!({ "run_id": "latest" })).await;
        let kept = failure_of("cancelled", &kept);
        if kept.get("data").is_some() {
            let pages = joined(&mut session, &kept["meta"]["run_id"], 30_000).await;
            assert_eq!(session.leave().await.replies_to(id), 0);
            return (kept, pages);
        }
        fake.left(fake.asked_so_far()).await;
        patience *= 2;
    }
    panic!("nothing that had come was kept");
}

#[tokio::test]
async fn a_cancelled_answer_keeps_what_had_come_of_it() {
    let said = format!("Keys such as {KEY} are not kept, all else is. ").repeat(50);
    let stream = Wire::OpenAi.stream("gpt-test", &said);
    let fake = FakeSocket::stalling(&stream).await;
    let (kept, pages) = cancelled_half_way(&asking(&fake.base_url()), &fake).await;
    let text = kept["data"]["text"].as_str().unwrap();
    assert!(said.replace(KEY, "[redacted]").starts_with(text) && text.len() > 100, "{text}");
    assert_eq!(pages, text);
    let from = json!({ "provider": "openai", "model": "gpt-test" });
    assert_eq!((&kept["meta"]["text_from"], kept["meta"].get("committed")), (&from, None));
}

/// A server that a signal ends answers with what there is.
#[tokio::test]
async fn a_signal_answers_with_what_had_come() {
    let stream = Wire::OpenAi.stream("gpt-test", &"All is paid for. ".repeat(50));
    let mut patience = Duration::from_millis(50);
    while patience < PATIENCE {
        let fake = FakeSocket::stalling(&stream).await;
        let (_place, mut session) = session(&asking(&fake.base_url())).await;
        let id = session.begin_call("llm_route", question());
        fake.asked(1).await;
        tokio::time::sleep(patience).await;
        session.signal("TERM");
        let ending = session.exit().await;
        assert_eq!(ending.replies_to(id), 1);
        if ending.stdout.iter().any(|line| line.contains("All is paid for.")) {
            return;
        }
        patience *= 2;
    }
    panic!("nothing that had come was answered");
}

#[tokio::test]
async fn three_hundred_runs_leave_the_newest() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let mut runs = Vec::new();
    for _ in 0..300 {
        let envelope = success(&session.call("llm_route", question()).await);
        runs.push(envelope["meta"]["run_id"].clone());
        session.forget();
    }
    for (at, run_id) in runs.iter().enumerate() {
        let result = session.call("llm_result", json!({ "run_id": run_id })).await;
        assert_eq!(result["isError"] == true, at < 44, "run {at}");
    }
    let info = success(&session.call("llm_routing_info", json!({})).await);
    let shown = info["data"]["runs"].as_array().unwrap();
    let newest: Vec<&Value> = runs.iter().rev().take(16).collect();
    assert_eq!(shown.iter().map(|run| &run["run_id"]).collect::<Vec<_>>(), newest);
    let only = json!({ "run_id": newest[0], "task_class": "ask", "state": "done", "age_s": shown[0]["age_s"] });
    assert_eq!(shown[0], only);
}

#[tokio::test]
async fn whoever_refused_a_task_is_told_on_every_page() {
    let crew = Crew::saying(&["p"], &["bad"], &[test_support::REFUSES]).await;
    let (_place, mut session) = session(&crew.policy()).await;
    let result = session.call("llm_orchestrate", json!({ "task": TASK })).await;
    let envelope = ended("needs_human_review", &result);
    let page = json!({ "run_id": envelope["meta"]["run_id"], "page": 1 });
    ended("needs_human_review", &session.call("llm_result", page).await);
}

/// What was refused before anybody was asked takes no place among the results.
#[tokio::test]
async fn a_refused_call_takes_no_result_away() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let mut policy = asking(&fake.base_url());
    // Classes that a cap refuses: of a single model, and of a panel.
    let broke = json!({ "usd": 0, "per": "session" });
    let mut single = policy["defaults"]["ask"].clone();
    let member = json!({ "provider": "openai", "model": "gpt-test" });
    let panel = json!({ "members": [member, member], "max_tokens": 100, "budget": broke });
    single["budget"] = broke;
    (policy["defaults"]["broke"], policy["defaults"]["panel"]) = (single, panel);
    let (_place, mut session) = session(&policy).await;
    let paid = success(&session.call("llm_route", question()).await);
    for number in 0..300 {
        let class = ["nobody", "broke", "panel"][number % 3];
        let refused = json!({ "task_class": class, "prompt": "hi" });
        assert_eq!(session.call("llm_route", refused).await["isError"], true, "{class}");
    }
    let latest = success(&session.call("llm_result", json!({ "run_id": "latest" })).await);
    assert_eq!(latest["meta"]["run_id"], paid["meta"]["run_id"]);
    let info = success(&session.call("llm_routing_info", json!({})).await);
    assert_eq!(info["data"]["runs"].as_array().unwrap().len(), 1);
}
