//! Panels through the gateway: what is sent, what comes back, what is certified, and what is
//! refused.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::certificate::{ClaimResult, VerifyOptions, VerifyResult, verify};
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::outcome::Consensus;
use llm_gateway_core::policy::Level;
use llm_gateway_core::prompt::Message;
use llm_gateway_core::{
    Category, Envelope, Environment, Event, Failure, Gateway, PanelAnswer, Reply, Request,
    Scripted, Task,
};
use serde_json::json;

use crate::support::{WORST_CASE, gateway_in, spent};

mod adapters;
mod answers;
mod generated;
mod money;
mod names;
mod odd_servers;
mod receipts;
mod spared;

/// A policy of three members of three developers at $1 per million tokens in and $10 out. Nothing
/// is retried.
const POLICY: &str = "
providers:
  openai: {models: {gpt-6-luna: {in: 1, out: 10}}}
  anthropic: {models: {claude-haiku-5-5: {in: 1, out: 10}}}
  gemini: {models: {gemini-3.8-flash: {in: 1, out: 10}}}
defaults:
  single: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
      - {provider: gemini, model: gemini-3.8-flash}
    max_tokens: 100
reliability: {retry: {max_retries: 0}}
";

fn gateway(policy: &str, script: Scripted, ledger: Arc<MemoryLedger>) -> Gateway {
    gateway_in(policy, script, ledger, Environment::empty())
}

async fn ask(policy: &str, script: Scripted) -> Result<PanelAnswer, Failure> {
    gateway(policy, script, Arc::default()).panel(Request::new("three", "hi")).await
}

/// Returns the policy with keys for the visibility of its panel.
fn promising(promise: &str) -> String {
    format!("{POLICY}\nvisibility: {{three: {{mode: blind, {promise}}}}}")
}

#[tokio::test]
async fn a_panel_of_three_answers_and_is_certified() {
    let script = Scripted::new().answer("42").answer("41").answer("**42**");
    let panel = ask(&promising("require: lineage_distinct, enforce: hard"), script.clone()).await;
    let panel = panel.unwrap();
    assert_eq!(panel.answers().count(), 3);
    assert_eq!(panel.agreement.outcome, Consensus::Majority);
    assert_eq!(panel.agreement.clusters[0].members, [2], "dissent comes first");
    assert_eq!(panel.certificate().level, Level::LineageDistinct);
    assert!(panel.independence_certified());
    assert!(panel.text().contains("## 2. anthropic/claude-haiku-5-5\n\n41"), "{}", panel.text());
    // No request contains anything of another member's answer.
    for request in script.requests() {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert!(!body.contains("42") && !body.contains("41"), "{body}");
    }
}

#[tokio::test]
async fn the_envelope_of_a_panel() {
    let script = Scripted::new().answer("yes").status(500).answer("no");
    let panel = ask(&promising("quorum: 2"), script).await.unwrap();
    insta::assert_json_snapshot!(Envelope::from(&panel), {
        ".**.latency_ms" => 0,
        ".**.waited_ms" => 0,
        ".meta.certificate.receipt.digest" => "[digest]",
    });
}

#[tokio::test]
async fn every_request_is_fixed_before_the_first_is_sent() {
    let panel = ask(POLICY, Scripted::new()).await.unwrap();
    let bundle: serde_json::Value = serde_json::from_slice(&panel.bundle.to_bytes()).unwrap();
    let members = bundle["evidence"]["members"].as_array().unwrap().clone();
    let committed: Vec<_> = members.iter().map(|it| it["committed"]["sequence"].clone()).collect();
    assert_eq!(committed, [1, 2, 3]);
    for member in &members {
        assert!(member["exchanges"][0]["sent"].as_u64().unwrap() > 3);
        // The request is that of the moment at which it was committed.
        assert_eq!(member["exchanges"][0]["request"], member["committed"]["sequence"]);
    }
}

#[tokio::test]
async fn a_retry_inside_a_panel_sends_the_committed_bytes() {
    let policy = POLICY.replace("max_retries: 0", "max_retries: 2, base_delay_s: 0.001");
    let panel = ask(&policy, Scripted::new().status(503).status(503)).await.unwrap();
    assert_eq!(panel.answers().count(), 3);
    assert_eq!(panel.attempts().count(), 5);
    assert!(panel.independence_certified(), "{:?}", panel.certificate().claims);
    let bundle = panel.bundle.to_bytes();
    let verified = verify(&panel.receipt.to_bytes(), VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(verified.result, VerifyResult::Holds, "{:?}", verified.findings);
}

#[tokio::test]
async fn too_few_answers_are_an_error_that_keeps_those_that_came() {
    for enforce in ["hard", "soft"] {
        let policy = promising(&format!("quorum: 2, enforce: {enforce}"));
        let script = Scripted::new().answer("paid for").status(500).status(500);
        let failure = ask(&policy, script).await.unwrap_err();
        assert_eq!(failure.category(), Category::Quorum);
        let tried = failure.panel().unwrap().attempts();
        assert!(tried.eq(failure.attempts()) && !failure.attempts().is_empty());
        let envelope = json!(Envelope::from(&failure));
        assert_eq!(envelope["data"]["members"][0]["data"]["text"], "paid for");
        assert_eq!(envelope["data"]["members"][1]["meta"]["error_category"], "provider_5xx");
        assert_eq!(envelope["meta"]["error_category"], "quorum");
        assert_eq!(
            (&envelope["meta"]["answered"], &envelope["meta"]["asked"]),
            (&json!(1), &json!(3))
        );
        assert!(failure.error().hint().unwrap().contains("500"), "{failure:?}");
        let text = failure.panel().unwrap().text();
        assert!(text.contains("## 2. anthropic/claude-haiku-5-5: no answer"), "{text}");
    }
}

/// Returns an answer in the name of another model.
fn rerouted(model: &str) -> Scripted {
    let openai = format!(
        r#"{{"id": "a", "model": "{model}", "choices": [{{"message": {{"content": "yes"}},
        "finish_reason": "stop"}}], "usage": {{"prompt_tokens": 1, "completion_tokens": 1}}}}"#
    );
    Scripted::new().raw(200, openai)
}

#[tokio::test]
async fn two_members_that_silently_became_one_are_not_certified() {
    let soft = ask(POLICY, rerouted("claude-haiku-5-5")).await.unwrap();
    assert!(!soft.independence_certified());
    let claims = &soft.certificate().claims;
    assert_eq!(claims.model_distinct.result, ClaimResult::Fail);
    assert_eq!(claims.context_blind.result, ClaimResult::Pass);
    assert!(claims.model_distinct.because.contains("claude-haiku-5-5"), "{claims:?}");

    let hard = promising("require: model_distinct, enforce: hard");
    let failure = ask(&hard, rerouted("claude-haiku-5-5")).await.unwrap_err();
    assert_eq!(failure.category(), Category::Independence);
    assert_eq!(failure.panel().unwrap().answers().count(), 3, "the answers are attached");
    assert!(failure.error().hint().unwrap().contains("model_distinct"), "{failure:?}");
    assert!(
        ask(&promising("require: context_blind, enforce: hard"), rerouted("claude-haiku-5-5"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_the_answers_are_worth_follows_from_the_certificate() {
    let worth = |panel: &PanelAnswer, value: f64, because: &str| {
        let votes = panel.agreement.n_effective;
        assert_eq!(votes.value, value, "{because}: {votes:?}");
        assert!(votes.source.contains(because), "{because}: {votes:?}");
    };
    worth(&ask(POLICY, Scripted::new()).await.unwrap(), 1.5, "a prior");
    let rerouted = ask(POLICY, rerouted("claude-haiku-5-5")).await.unwrap();
    worth(&rerouted, 1.29, "lineage_distinct failed");
    let two_ids_alike = (0..2).fold(Scripted::new(), |script, _| {
        script.raw(
            200,
            r#"{"id": "chatcmpl-f1e1d0a1b2c3", "model": "gpt-6-luna", "choices": [{"message":
            {"content": "yes"}, "finish_reason": "stop"}]}"#,
        )
    });
    let policy = POLICY.replace(
        "{provider: anthropic, model: claude-haiku-5-5}",
        "{provider: openai, model: gpt-6-luna}",
    );
    worth(&ask(&policy, two_ids_alike).await.unwrap(), 1.0, "fresh failed");
    let turns = vec![Message::user("one"), Message::assistant("two"), Message::user("three")];
    let told = Request::conversation("three", turns);
    let told = gateway(POLICY, Scripted::new(), Arc::default()).panel(told).await.unwrap();
    worth(&told, 1.0, "context_blind failed");
    let down = (0..3).fold(Scripted::new(), |script, _| script.status(500));
    let down = ask(POLICY, down).await.unwrap_err();
    worth(down.panel().unwrap(), 0.0, "no member answered");
}

#[tokio::test(start_paused = true)]
async fn members_are_asked_at_the_same_time_and_sealed_until_all_are_in() {
    let slow = |script: Scripted, _| script.delay(Duration::from_secs(10)).answer("slow");
    let script = (0..3).fold(Scripted::new(), slow);
    let gateway = gateway(POLICY, script, Arc::default());
    let began = tokio::time::Instant::now();
    let mut run = gateway.start(Request::new("three", "hi"));
    let Reply::Panel(panel) = run.outcome.await.unwrap() else { panic!("no panel") };
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    let mut members = Vec::new();
    while let Some(event) = run.events.next().await {
        if let Event::Member { member, of, answered, .. } = event {
            assert!(answered && of == 3);
            members.push(member);
        }
    }
    members.sort_unstable();
    assert_eq!(members, [1, 2, 3]);
    assert_eq!(panel.latency, Duration::from_secs(10));
}

#[tokio::test]
async fn a_cancelled_panel_leaves_no_hold() {
    let ledger = Arc::new(MemoryLedger::new());
    let script = Scripted::new().hang().hang().hang();
    let gateway = gateway(POLICY, script.clone(), ledger.clone());
    let run = gateway.start(Request::new("three", "hi"));
    tokio::select! {
        biased;
        _ = run.outcome => panic!("a hanging panel answered"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(script.requests().len(), 3);
    let spent = spent(&ledger, SpendBy::Provider).await;
    assert_eq!(spent.held, NanoUsd::ZERO);
    assert_eq!(spent.settled.as_nanos(), 3 * WORST_CASE, "nobody knows what they cost");
}

#[tokio::test]
async fn each_door_takes_its_own_kind() {
    let gateway = gateway(POLICY, Scripted::new(), Arc::default());
    let panel = gateway.route(Request::new("three", "hi")).await.unwrap_err();
    let single = gateway.panel(Request::new("single", "hi")).await.unwrap_err();
    for failure in [panel, single] {
        assert_eq!(failure.category(), Category::InvalidRequest);
        assert!(failure.error().hint().unwrap().contains("Gateway::"), "{failure:?}");
    }
    let overridden = Request::new("three", "hi").override_model("gpt-4o");
    assert_eq!(gateway.panel(overridden).await.unwrap_err().category(), Category::InvalidRequest);
}

#[tokio::test]
async fn a_caller_who_quotes_an_earlier_answer_is_warned() {
    let gateway = gateway(
        POLICY,
        Scripted::new().answer("the moon is made of cheese, mostly"),
        Arc::default(),
    );
    gateway.route(Request::new("single", "hi")).await.unwrap();
    let question = "One said: the moon is made of cheese, mostly. Is it?";
    let panel = gateway.panel(Request::new("three", question)).await.unwrap();
    assert_eq!(panel.certificate().warnings.len(), 1, "{:?}", panel.certificate().warnings);
    assert!(panel.independence_certified(), "a warning is no failure");
    let fresh = gateway.panel(Request::new("three", "hi")).await.unwrap();
    assert!(fresh.certificate().warnings.is_empty());
}

#[tokio::test]
async fn what_a_worker_wrote_is_an_earlier_answer() {
    let worker = "roles: {worker: {provider: openai, model: gpt-6-luna}}";
    let policy = format!("{POLICY}\norchestration: {{{worker}}}");
    let script = Scripted::new().answer("the moon is made of cheese, mostly");
    let gateway = gateway(&policy, script, Arc::default());
    gateway.orchestrate(Task::new("hi").depth("trivial")).await.unwrap();
    let question = "One said: the moon is made of cheese, mostly. Is it?";
    let panel = gateway.panel(Request::new("three", question)).await.unwrap();
    assert_eq!(panel.certificate().warnings.len(), 1, "{:?}", panel.certificate().warnings);
}

#[tokio::test]
async fn answers_that_were_cut_alike_do_not_agree() {
    let cut = json!({
        "choices": [{"message": {"content": "42"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1}
    });
    let policy = POLICY.replace("openai: {models", "openai: {stream: false, models");
    let script = Scripted::new().raw(200, cut.to_string()).answer("42").answer("42");
    let panel = ask(&policy, script).await.unwrap();
    assert_eq!(panel.answers().count(), 3);
    assert_eq!(panel.agreement.outcome, Consensus::NotComparable);
}

#[tokio::test]
async fn a_conversation_is_no_blind_question() {
    let gateway = gateway(POLICY, Scripted::new(), Arc::default());
    let turns = vec![Message::user("one"), Message::assistant("two"), Message::user("three")];
    let panel = gateway.panel(Request::conversation("three", turns)).await.unwrap();
    assert_eq!(panel.certificate().claims.context_blind.result, ClaimResult::Fail);
    let system = Request::new("three", "hi").system("Be brief.");
    assert!(gateway.panel(system).await.unwrap().independence_certified());
}

#[tokio::test]
async fn a_long_panel_is_cut_member_by_member() {
    // The words are long, because the script makes each of them an event of its own.
    let long = |letter: &str| format!("{} ", letter.repeat(19)).repeat(2_000);
    let script = Scripted::new().answer(long("a")).answer("short").answer(long("c"));
    let panel = ask(POLICY, script).await.unwrap();
    let bounded = Envelope::from(&panel).bounded(30_000);
    let written = serde_json::to_string(&bounded).unwrap();
    assert!(written.chars().count() <= 30_000);
    let members = bounded.data.unwrap()["members"].as_array().unwrap().clone();
    let text = |at: usize| members[at]["data"]["text"].as_str().unwrap().to_owned();
    assert!(text(0).len() > 8_000 && text(2).len() > 8_000, "each has its share");
    assert_eq!(text(1), "short");
    assert!(text(0).contains("characters left out"));
}

#[tokio::test]
async fn a_model_that_is_asked_twice_is_warned_of_and_not_certified() {
    let policy = POLICY.replace(
        "{provider: gemini, model: gemini-3.8-flash}",
        "{provider: openai, model: gpt-6-luna}",
    );
    let gateway = gateway(&policy, Scripted::new(), Arc::default());
    let warned = gateway.problems().iter().map(ToString::to_string).collect::<String>();
    assert!(warned.contains("`three` asks openai/gpt-6-luna twice"), "{warned}");
    let panel = gateway.panel(Request::new("three", "hi")).await.unwrap();
    assert_eq!(panel.certificate().claims.model_distinct.result, ClaimResult::Fail);
}

#[tokio::test]
async fn two_models_of_which_only_the_price_is_known_are_not_certified() {
    let policy = "
providers:
  one: {kind: openai, base_url: http://127.0.0.1:9/v1, api_key_env: null, models: {llama3.3: {in: 1, out: 1}}}
  two: {kind: openai, base_url: http://127.0.0.1:8/v1, api_key_env: null, models: {meta/Llama-3.3: {in: 1, out: 1}}}
defaults:
  three: {members: [{provider: one, model: llama3.3}, {provider: two, model: meta/Llama-3.3}]}
visibility: {three: {mode: blind, enforce: hard}}
";
    let failure = ask(policy, Scripted::new()).await.unwrap_err();
    assert_eq!(failure.category(), Category::Independence);
    let claim = &failure.panel().unwrap().certificate().claims.model_distinct;
    assert_eq!(claim.result, ClaimResult::Unknown);
    assert!(failure.error().hint().unwrap().starts_with("model_distinct: "), "{failure:?}");
}
