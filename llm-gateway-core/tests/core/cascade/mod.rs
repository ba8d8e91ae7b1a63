//! Cascades through the gateway: who answers, who is asked, the costs, and what is refused.

mod agreement;
mod money;

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
use llm_gateway_core::describe::TaskClassDescription;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::outcome::AnsweredBy;
use llm_gateway_core::prompt::Message;
use llm_gateway_core::{
    CascadeAnswer, Category, Envelope, Environment, Event, Failure, Gateway, Reply, Request,
    Scripted,
};
use serde_json::{Value, json};

use crate::source::read;
use crate::support::{gateway_in, obeying, spent};

/// A policy of two cheap models at $1 per million tokens in and $10 out, and a strong one at twice
/// that. Nothing is retried.
const POLICY: &str = "
providers:
  openai: {models: {gpt-6-luna: {in: 1, out: 10, developer: openai, lineage: [gpt], aliases: [luna]}}}
  gemini: {models: {gemini-3.8-flash: {in: 1, out: 10}}}
  anthropic: {models: {claude-opus-5-5: {in: 2, out: 20}}}
defaults:
  sums:
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.8-flash}
      else: {provider: anthropic, model: claude-opus-5-5}
      agree: normalized_exact
    max_tokens: 100
  strong: {provider: anthropic, model: claude-opus-5-5, max_tokens: 100}
reliability: {retry: {max_retries: 0}}
";

fn gateway(policy: &str, script: Scripted) -> Gateway {
    gateway_in(policy, script, Arc::default(), Environment::empty())
}

fn question() -> Request {
    Request::new("sums", "hi")
}

async fn ask(policy: &str, script: Scripted) -> Result<CascadeAnswer, Failure> {
    gateway(policy, script).cascade(question()).await
}

fn described(gateway: &Gateway) -> TaskClassDescription {
    gateway.describe().unwrap().task_classes.remove(0)
}

/// Returns the policy with the second cheap model replaced by an alias of the first.
fn one_model_twice() -> String {
    POLICY.replace("provider: gemini, model: gemini-3.8-flash", "provider: openai, model: luna")
}

/// Returns the policy with the second cheap model replaced by another provider's name for the
/// first.
fn one_model_at_two_hosts() -> String {
    let host = "luna: {in: 1, out: 10, developer: another, lineage: [another]}";
    let policy = POLICY.replace("gemini-3.8-flash: {in: 1, out: 10}", host);
    policy.replace("model: gemini-3.8-flash", "model: luna")
}

#[tokio::test]
async fn a_gate_that_agrees_answers_and_nobody_else_is_asked() {
    for texts in [["42", "**42**"], ["The answer is 42.", "42"], ["Paris", "**Paris**"]] {
        let script = texts.iter().fold(Scripted::new(), |script, text| script.answer(*text));
        let cascade = ask(POLICY, script.clone()).await.unwrap();
        assert_eq!(cascade.answered_by, AnsweredBy::Gate);
        assert_eq!(cascade.text(), texts[0], "as the first member wrote it");
        assert_eq!(cascade.answer.target.to_string(), "openai/gpt-6-luna");
        assert!(cascade.escalated().is_none());
        assert_eq!(script.requests().len(), 2);
    }
}

#[tokio::test]
async fn anything_but_certified_agreement_escalates() {
    let says = |one: &str, other: &str| Scripted::new().answer(one).answer(other);
    let once = POLICY.to_owned();
    for (policy, script, because) in [
        (&once, says("42", "41"), "the gate's answers differ (number)"),
        (&once, says("It is Paris.", "Paris, of course"), "without a guess"),
        (&once, says("42", "forty-two"), "without a guess"),
        (&once, Scripted::new().answer("42").status(500), "gemini/gemini-3.8-flash of the gate"),
        (&once, Scripted::new().status(500).status(500), "gave no answer: provider_5xx"),
        (&one_model_twice(), says("42", "42"), "not certified: model_distinct: "),
        (&one_model_at_two_hosts(), says("42", "42"), "not certified: model_distinct: "),
    ] {
        let script = script.answer("strong");
        let cascade = ask(policy, script.clone()).await.unwrap();
        assert_eq!((cascade.text().as_str(), cascade.answered_by), ("strong", AnsweredBy::Else));
        assert!(cascade.because.contains(because), "{because}: {}", cascade.because);
        assert_eq!(cascade.escalated().unwrap().target.to_string(), "anthropic/claude-opus-5-5");
        assert_eq!(script.requests().len(), 3);
    }
}

/// Returns one answer of each API of the gate, with the reason why the model stopped.
fn stopping(text: &str, [openai, gemini]: [&str; 2]) -> Scripted {
    let choice = json!({"message": {"content": text}, "finish_reason": openai});
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1});
    let one = json!({"id": "a", "model": "gpt-6-luna", "choices": [choice], "usage": usage});
    let said = json!({"role": "model", "parts": [{"text": text}]});
    let candidate = json!({"content": said, "finishReason": gemini});
    let usage = json!({"promptTokenCount": 1, "candidatesTokenCount": 1});
    let other = json!({"candidates": [candidate], "usageMetadata": usage});
    Scripted::new().raw(200, one.to_string()).raw(200, other.to_string())
}

#[tokio::test]
async fn answers_that_were_cut_or_filtered_agree_on_nothing() {
    let whole = POLICY.replace("models:", "stream: false, models:");
    let done = ask(&whole, stopping("4", ["stop", "STOP"])).await.unwrap();
    assert_eq!(done.answered_by, AnsweredBy::Gate);
    for (reasons, because) in [
        (["length", "MAX_TOKENS"], "openai/gpt-6-luna of the gate did not end by itself: length"),
        (
            ["stop", "MAX_TOKENS"],
            "gemini/gemini-3.8-flash of the gate did not end by itself: length",
        ),
        (["content_filter", "SAFETY"], "did not end by itself: content_filter"),
        (["tool_calls", "STOP"], "did not end by itself: tool_calls"),
        (["no such reason", "STOP"], "did not end by itself: other"),
    ] {
        let script = stopping("4", reasons).answer("strong");
        let cascade = ask(&whole, script).await.unwrap();
        assert_eq!((cascade.text().as_str(), cascade.answered_by), ("strong", AnsweredBy::Else));
        assert!(cascade.because.contains(because), "{because}: {}", cascade.because);
    }
}

#[tokio::test]
async fn an_upstream_that_lets_one_model_answer_for_both_escalates() {
    let rerouted = r#"{"id": "a", "model": "gemini-3.8-flash", "choices": [{"message": {"content":
        "42"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}"#;
    let script = Scripted::new().raw(200, rerouted).answer("42").answer("strong");
    let cascade = ask(POLICY, script).await.unwrap();
    assert_eq!(cascade.answered_by, AnsweredBy::Else);
    assert!(cascade.because.contains("gemini-3.8-flash"), "{}", cascade.because);
}

#[tokio::test]
async fn a_conversation_is_no_blind_question_and_escalates() {
    let turns = vec![Message::user("one"), Message::assistant("two"), Message::user("three")];
    let script = Scripted::new().answer("42").answer("42").answer("strong");
    let cascade = gateway(POLICY, script).cascade(Request::conversation("sums", turns)).await;
    assert!(cascade.unwrap().because.contains("context_blind"));
}

#[tokio::test]
async fn a_caller_who_quotes_the_strong_models_answer_is_warned() {
    let strong = "the moon is made of cheese, mostly";
    let script = Scripted::new().answer("1").answer("2").answer(strong).answer("3").answer("4");
    let gateway = gateway(POLICY, script.answer("5"));
    let first = gateway.cascade(question()).await.unwrap();
    assert!(first.gate.certificate().warnings.is_empty());
    let quoting = Request::new("sums", format!("One said: {strong}. Is it?"));
    let second = gateway.cascade(quoting).await.unwrap();
    let warnings = &second.gate.certificate().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[tokio::test]
async fn the_strong_model_is_asked_what_it_would_be_asked_alone() {
    let script = Scripted::new().answer("4711").answer("4712").answer("strong").answer("alone");
    let gateway = gateway(POLICY, script.clone());
    gateway.cascade(question().system("Be brief.")).await.unwrap();
    gateway.route(Request::new("strong", "hi").system("Be brief.")).await.unwrap();
    let bodies: Vec<_> = script
        .requests()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    assert_eq!(bodies.len(), 4);
    assert_eq!(bodies[2], bodies[3]);
    for body in bodies {
        assert!(!body.contains("471"), "a gate's answer is in a request: {body}");
    }
}

#[tokio::test]
async fn a_strong_model_that_fails_loses_nothing_that_the_gate_said() {
    let ledger = Arc::new(MemoryLedger::new());
    let script = Scripted::new().answer("paid for").answer("and so is this").status(500);
    let gateway = gateway_in(POLICY, script, ledger.clone(), Environment::empty());
    let failure = gateway.cascade(question()).await.unwrap_err();
    assert_eq!(failure.category(), Category::Provider5xx);
    assert_eq!(failure.panel().unwrap().answers().count(), 2);
    assert_eq!(failure.attempts().len(), 3, "the gate's and its own");
    let envelope = json!(Envelope::from(&failure));
    assert_eq!(
        envelope["meta"]["cost_usd_approx"],
        json!(spent(&ledger, SpendBy::TaskClass).await.settled)
    );
    insta::assert_json_snapshot!(envelope["meta"], {
        ".**.latency_ms" => 0,
        ".**.waited_ms" => 0,
        ".cascade.certificate.receipt.digest" => "[digest]",
    });
    let said = |at: usize| envelope["data"]["members"][at]["data"]["text"].clone();
    assert_eq!((said(0), said(1)), (json!("paid for"), json!("and so is this")));
    assert_eq!(described(&gateway).escalation.unwrap().escalated, 1);
}

fn snapshot_of(cascade: &CascadeAnswer) -> Value {
    let mut envelope = json!(Envelope::from(cascade));
    let digest = &mut envelope["meta"]["cascade"]["certificate"]["receipt"]["digest"];
    assert_eq!(digest.as_str().unwrap().len(), 64, "SHA-256 in hex: {digest}");
    *digest = json!("[digest]");
    envelope
}

#[tokio::test]
async fn the_envelope_of_a_gate_that_agrees() {
    let cascade = ask(POLICY, Scripted::new().answer("42").answer("42.")).await.unwrap();
    insta::assert_json_snapshot!(snapshot_of(&cascade), {
        ".**.latency_ms" => 0,
        ".**.waited_ms" => 0,
    });
}

#[tokio::test]
async fn the_envelope_of_an_escalation() {
    let script = Scripted::new().answer("42").status(500).answer("43");
    let cascade = ask(POLICY, script).await.unwrap();
    insta::assert_json_snapshot!(snapshot_of(&cascade), {
        ".**.latency_ms" => 0,
        ".**.waited_ms" => 0,
    });
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_hangs_leaves_half_of_the_time_to_the_strong_model() {
    let policy = POLICY.replace("    max_tokens: 100\n  str", "    deadline_s: 60\n  str");
    let script = Scripted::new().hang().answer("42").answer("strong");
    let cascade = ask(&policy, script).await.unwrap();
    assert_eq!((cascade.text().as_str(), cascade.latency), ("strong", Duration::from_secs(30)));
    assert!(cascade.because.contains("timeout"), "{}", cascade.because);
}

#[tokio::test]
async fn a_watcher_is_told_of_the_members_and_the_escalation() {
    let script = Scripted::new().answer("1").answer("2").answer("3");
    let mut run = gateway(POLICY, script).start(question());
    let Reply::Cascade(cascade) = run.outcome.await.unwrap() else { panic!("no cascade") };
    let mut told = Vec::new();
    while let Some(event) = run.events.next().await {
        match event {
            Event::Member { member, .. } => told.push(format!("member {member}")),
            Event::Escalating { to, because, .. } => {
                assert_eq!(because, cascade.because);
                told.push(to.to_string());
            }
            _ => {}
        }
    }
    assert_eq!(told, ["member 1", "member 2", "anthropic/claude-opus-5-5"]);
}

#[tokio::test]
async fn each_door_takes_its_own_kind() {
    let gateway = gateway(POLICY, Scripted::new());
    for failure in
        [gateway.route(question()).await.unwrap_err(), gateway.panel(question()).await.unwrap_err()]
    {
        assert_eq!(failure.category(), Category::InvalidRequest);
        assert!(failure.error().hint().unwrap().contains("Gateway::cascade"), "{failure:?}");
    }
    let single = gateway.cascade(Request::new("strong", "hi")).await.unwrap_err();
    assert!(single.error().hint().unwrap().contains("Gateway::route"), "{single:?}");
    let overridden = gateway.cascade(question().override_model("gpt-6-luna")).await.unwrap_err();
    assert_eq!(overridden.category(), Category::InvalidRequest);
    let unknown = gateway.cascade(Request::new("sum", "hi")).await.unwrap_err();
    assert!(unknown.error().hint().unwrap().contains("did you mean `sums`"), "{unknown:?}");
}

#[tokio::test]
async fn the_gate_has_a_receipt_that_holds() {
    let folder = tempfile::tempdir().unwrap();
    let policy = format!("{POLICY}\nreceipts: {{dir: {}, bundle: true}}", folder.path().display());
    let cascade = ask(&policy, Scripted::new().answer("1").answer("2").answer("3")).await.unwrap();
    let path = cascade.gate.receipt_path.clone().unwrap();
    let shown =
        json!(Envelope::from(&cascade))["meta"]["cascade"]["certificate"]["receipt"].clone();
    assert_eq!(shown, json!({"digest": cascade.gate.receipt.digest().as_str(), "path": path}));
    let bundle = path.to_str().unwrap().replace(".receipt.", ".bundle.");
    let (receipt, bundle) = (std::fs::read(path).unwrap(), std::fs::read(bundle).unwrap());
    assert_eq!(
        verify(&receipt, VerifyOptions::default().with_bundle(&bundle)).result,
        VerifyResult::Holds
    );
}

#[test]
fn a_cascade_is_available_with_the_key_of_its_strong_model() {
    for (keys, missing, because) in [
        (vec![], 3, Some("set ANTHROPIC_API_KEY, for anthropic/claude-opus-5-5")),
        (vec!["OPENAI_API_KEY", "GEMINI_API_KEY"], 1, Some("set ANTHROPIC_API_KEY")),
        (vec!["ANTHROPIC_API_KEY"], 2, None),
    ] {
        let environment = keys.iter().fold(Environment::empty(), |it, key| it.with(*key, "k"));
        let transport = Arc::new(Scripted::new());
        let gateway =
            obeying(POLICY).environment(environment).transport(transport).build().unwrap();
        let class = described(&gateway);
        assert_eq!((class.available, class.missing_keys.len()), (because.is_none(), missing));
        let told = class.unavailable_because.unwrap_or_default();
        assert!(told.starts_with(because.unwrap_or_default()), "{told}");
        assert_eq!(gateway.describe().unwrap().task_classes[1].escalation, None);
    }
}

#[test]
fn what_a_cascade_does_not_heed_is_warned_of() {
    let twice = POLICY.replace(
        "{provider: gemini, model: gemini-3.8-flash}",
        "{provider: openai, model: gpt-6-luna}",
    );
    let promising = format!("{POLICY}\nvisibility: {{sums: {{mode: blind, quorum: 2}}}}");
    let beside = POLICY.replace("    cascade:", "    agree: by_value\n    cascade:");
    let alone = POLICY.replace("strong: {", "strong: {agree: by_value, ");
    let elsewhere = "`agree` beside the class's own keys holds for panels only";
    for (policy, warned) in [
        (beside, elsewhere),
        (alone, elsewhere),
        (twice, "`sums` asks openai/gpt-6-luna twice"),
        (promising, "the gate of `sums` always needs `model_distinct` of all its models"),
    ] {
        let problems = gateway(&policy, Scripted::new()).problems().to_vec();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].to_string().contains(warned), "{}", problems[0]);
    }
}

#[test]
fn the_example_in_the_repositorys_policy_and_in_the_manual_is_a_cascade_that_runs() {
    let policy = read("routing.yaml");
    let (before, commented) = policy.split_once("  # exam_question:").unwrap();
    let example = format!("  # exam_question:{commented}");
    let (example, after) = example.split_once("\n\n").unwrap();
    let example = example.replace("  # ", "  ");
    let page = read("docs/cascades.md");
    let shown = page.split("```yaml").nth(1).unwrap().split("```").next().unwrap();
    let whole = format!("{before}{example}\n\n{after}");
    for policy in [whole.as_str(), shown] {
        let gateway = gateway(policy, Scripted::new());
        assert_eq!(gateway.problems(), []);
        let classes = gateway.describe().unwrap().task_classes;
        let class = classes.iter().find(|class| class.name == "exam_question").unwrap();
        assert!(class.available && class.escalation.is_some(), "{class:?}");
    }
}
