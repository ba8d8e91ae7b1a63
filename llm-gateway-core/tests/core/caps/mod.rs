//! Caps by place and length of time: of a session, a day, a provider and a task class, from the
//! environment and from the policy.

mod advised;
mod budgets;
mod concerned;
mod explained;
mod left;
mod midnight;
mod spelled;
mod together;
mod watched;

use std::sync::Arc;

use llm_gateway_core::ledger::{Day, MemoryLedger, SpendBy};
use llm_gateway_core::model::{CostBasis, NanoUsd};
use llm_gateway_core::outcome::BlockedBy;
use llm_gateway_core::{
    Category, Envelope, Environment, Failure, Gateway, Request, Scripted, Task,
};
use serde_json::{Value, json};
use test_support::nanos;

use crate::support::{WORST_CASE, ask, obeying, outcomes};

/// A policy at $1 per million tokens in and $10 out. `BUDGET` stands for a budget of `quick`.
const POLICY: &str = "
providers:
  openai: {models: {m: {in: 1, out: 10}, free: {in: 0, out: 0}, n: {in: 1, out: 10}}}
  anthropic: {models: {m: {in: 1, out: 10}}}
  gemini: {models: {m: {in: 1, out: 10}}}
defaults:
  quick: {provider: openai, model: m, max_tokens: 100BUDGET}
  other: {provider: openai, model: m, max_tokens: 100}
  free: {provider: openai, model: free, max_tokens: 100}
  unpriced: {provider: openai, model: nobody-knows}
  three:
    members: [{provider: openai, model: m}, {provider: anthropic, model: m}, {provider: gemini, model: m}]
    max_tokens: 100
  sums:
    cascade:
      gate: [{provider: openai, model: m}, {provider: gemini, model: m}]
      else: {provider: anthropic, model: m}
    max_tokens: 100
orchestration:
  roles:
    worker: {provider: openai, model: m, max_tokens: 100}
    verifier: {provider: anthropic, model: m, max_tokens: 100}
reliability: {retry: {max_retries: 0}}
";

const SESSION: &str = "LLM_GATEWAY_CAP_SESSION";

fn policy(budget: &str) -> String {
    POLICY.replace("BUDGET", budget)
}

/// Returns nano-dollars as a policy and a variable write them.
fn usd(nanos: u64) -> String {
    NanoUsd::from_nanos(nanos).to_string().trim_start_matches('$').to_owned()
}

fn variables(all: &[(&str, String)]) -> Environment {
    let path = Environment::empty().with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    all.iter().fold(path, |environment, (name, value)| environment.with(*name, value))
}

fn gateway(policy: &str, script: Scripted, all: &[(&str, String)]) -> Gateway {
    obeying(policy).environment(variables(all)).scripted(script).build().unwrap()
}

/// Returns a gateway whose session may cost this many nano-dollars, and that has no ledger.
fn in_session(script: Scripted, nanos: u64) -> Gateway {
    let gateway = gateway(&policy(""), script, &[(SESSION, usd(nanos))]);
    assert_eq!(gateway.policy().unwrap().spending().ledger, None);
    gateway
}

/// Returns what is left of each cap, in nano-dollars, as a description shows it.
async fn left(gateway: &Gateway, cap: &str) -> u64 {
    let description = json!(gateway.describe_with_spend().await.unwrap());
    nanos(&description["spend"]["caps"][cap]["left_usd"])
}

fn meta(failure: &Failure) -> Value {
    Value::Object(Envelope::from(failure).meta)
}

#[tokio::test]
async fn a_session_cap_is_exact_without_a_ledger() {
    let script = Scripted::new();
    let gateway = in_session(script.clone(), 2 * WORST_CASE);
    let mut spent = 0;
    let refused = loop {
        match ask(&gateway, "quick").await {
            Ok(answer) => spent += answer.cost.amount.unwrap().as_nanos(),
            Err(refused) => break refused,
        }
        assert!(spent <= 2 * WORST_CASE, "the cap is passed");
        assert_eq!(left(&gateway, "session").await, 2 * WORST_CASE - spent);
    };
    assert!(spent > 0 && spent <= 2 * WORST_CASE && 2 * WORST_CASE - spent < WORST_CASE);
    assert_eq!(refused.error().blocked_by(), Some(BlockedBy::Cap));
    let cap = json!({
        "scope": "total", "per": "session",
        "cap_usd": NanoUsd::from_nanos(2 * WORST_CASE),
        "left_usd": NanoUsd::from_nanos(2 * WORST_CASE - spent),
    });
    assert_eq!(meta(&refused)["cap"], cap);
    assert!(ask(&gateway, "free").await.is_ok(), "what costs nothing is never refused");
    let another = in_session(Scripted::new(), 2 * WORST_CASE);
    assert!(ask(&another, "quick").await.is_ok(), "another process has a session of its own");
}

#[tokio::test]
async fn however_many_calls_run_at_once_a_session_pays_for_no_more() {
    let script = (0..50).fold(Scripted::new(), |script, _| script.hang());
    let gateway = in_session(script.clone(), 3 * WORST_CASE);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move { ask(&gateway, "quick").await.map(drop) })
        })
        .collect();
    // Refused calls end at once, and the others wait for an answer that never comes.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(calls.iter().filter(|call| call.is_finished()).count(), 47);
    assert_eq!((script.requests().len(), left(&gateway, "session").await), (3, 0));
    for call in &calls {
        call.abort();
    }
    for call in calls {
        let _ = call.await;
    }
    // Nobody knows what a call under way did cost, so it counts whole.
    assert_eq!(left(&gateway, "session").await, 0);
    assert!(ask(&gateway, "quick").await.is_err());
}

#[tokio::test]
async fn what_was_certainly_not_billed_goes_back_into_the_session() {
    for script in
        [Scripted::new().status(500), Scripted::new().refuse(), Scripted::new().status(401)]
    {
        let gateway = in_session(script, WORST_CASE);
        assert!(ask(&gateway, "quick").await.is_err());
        assert_eq!(left(&gateway, "session").await, WORST_CASE);
    }
}

#[tokio::test]
async fn what_nobody_counted_uses_up_the_whole_hold_of_a_session() {
    let uncounted = r#"{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}"#;
    let script = Scripted::new().raw(200, uncounted);
    let gateway = in_session(script, 2 * WORST_CASE);
    let answer = ask(&gateway, "quick").await.unwrap();
    assert_eq!((answer.cost.basis, answer.spend_recorded()), (CostBasis::Estimated, None));
    assert_eq!(left(&gateway, "session").await, WORST_CASE);
    let cut = in_session(Scripted::new().cut(), 2 * WORST_CASE);
    assert!(ask(&cut, "quick").await.is_err());
    assert_eq!(left(&cut, "session").await, WORST_CASE);
    let above = r#"{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 2000, "completion_tokens": 100}}"#;
    let above = in_session(Scripted::new().raw(200, above), 2 * WORST_CASE);
    assert!(ask(&above, "quick").await.is_ok());
    assert_eq!(left(&above, "session").await, 0, "3 000 000 n$ is more than the cap, and counts");
}

#[tokio::test]
async fn a_call_that_the_ledger_refuses_takes_nothing_out_of_the_session() {
    let all =
        [(SESSION, usd(5 * WORST_CASE)), ("LLM_GATEWAY_CAP_TOTAL_DAILY", usd(WORST_CASE - 1))];
    let script = Scripted::new();
    let gateway = gateway(&policy(""), script.clone(), &all);
    for _ in 0..3 {
        let refused = ask(&gateway, "quick").await.unwrap_err();
        assert_eq!(meta(&refused)["cap"]["per"], "day");
    }
    assert_eq!((script.requests().len(), left(&gateway, "session").await), (0, 5 * WORST_CASE));
}

#[tokio::test]
async fn a_call_without_a_price_is_refused_by_the_caps_that_limit_it_and_only_by_those() {
    for (budget, variable, is_refused) in [
        ("", SESSION, true),
        ("", "LLM_GATEWAY_CAP_TOTAL_DAILY", true),
        ("", "LLM_GATEWAY_CAP_OPENAI_DAILY", true),
        ("", "LLM_GATEWAY_CAP_GEMINI_DAILY", false),
        (", budget: {usd: 1, per: session}", "LLM_GATEWAY_CAP_GEMINI_DAILY", false),
        (", budget: {usd: 1, per: day}", "LLM_GATEWAY_CAP_GEMINI_DAILY", false),
    ] {
        let all = [(variable, "100".to_owned())];
        let asked = ask(&gateway(&policy(budget), Scripted::new(), &all), "unpriced").await;
        match asked {
            Ok(answer) => assert!(!is_refused && answer.cost.basis == CostBasis::Unknown),
            Err(refused) => {
                assert!(is_refused, "{variable}: {refused}");
                assert_eq!(refused.error().blocked_by(), Some(BlockedBy::Price));
                assert!(refused.to_string().contains("has no known price"), "{refused}");
            }
        }
    }
}

#[tokio::test]
async fn a_panel_a_gate_and_an_orchestration_are_refused_whole() {
    for (nanos, is_let_in) in [(3 * WORST_CASE - 1, false), (3 * WORST_CASE, true)] {
        let script = Scripted::new();
        let gateway = in_session(script.clone(), nanos);
        let asked = gateway.panel(Request::new("three", "hi")).await;
        assert_eq!(asked.is_ok(), is_let_in);
        assert_eq!(script.requests().len(), if is_let_in { 3 } else { 0 });
        if let Err(refused) = asked {
            assert_eq!(meta(&refused)["cap"]["scope"], "total");
            assert_eq!(left(&gateway, "session").await, nanos);
        }
    }
    let script = Scripted::new();
    let gate = in_session(script.clone(), 2 * WORST_CASE - 1);
    let refused = gate.cascade(Request::new("sums", "hi")).await.unwrap_err();
    assert_eq!(
        (meta(&refused)["cap"]["per"].clone(), script.requests().len()),
        (json!("session"), 0)
    );
    let task = in_session(script.clone(), 2 * WORST_CASE);
    let refused = task.orchestrate(Task::new("hi")).await.unwrap_err();
    assert_eq!((refused.category(), script.requests().len()), (Category::PolicyBlocked, 0));
    let hint = refused.error().hint().unwrap().to_owned();
    assert!(hint.contains("lower max_tokens of the roles") && hint.contains(SESSION), "{hint}");
    assert_eq!(left(&task, "session").await, 2 * WORST_CASE);
}

#[tokio::test]
async fn the_strong_model_of_a_cascade_that_no_cap_could_let_pass_is_named_with_the_cap() {
    for (all, scope, per) in [
        (vec![(SESSION, usd(WORST_CASE - 1))], "total", "session"),
        (vec![("LLM_GATEWAY_CAP_ANTHROPIC_DAILY", usd(WORST_CASE - 1))], "anthropic", "day"),
    ] {
        let script = Scripted::new();
        let gateway = gateway(&policy(""), script.clone(), &all);
        let refused = gateway.cascade(Request::new("sums", "hi")).await.unwrap_err();
        let cap = json!({
            "scope": scope, "per": per, "cap_usd": NanoUsd::from_nanos(WORST_CASE - 1),
            "left_usd": NanoUsd::from_nanos(WORST_CASE - 1),
        });
        assert_eq!(meta(&refused)["cap"], cap);
        assert!(refused.error().hint().unwrap().contains(all[0].0));
        assert_eq!(script.requests().len(), 0);
    }
}

#[tokio::test]
async fn a_budget_of_orchestrations_limits_tasks_and_nothing_else() {
    for per in ["session", "day", "month"] {
        let with = format!("orchestration:\n  budget: {{usd: 0.0001, per: {per}}}\n");
        let policy = policy("").replace("orchestration:\n", &with);
        let gateway = gateway(&policy, Scripted::new(), &[]);
        let refused = gateway.orchestrate(Task::new("hi")).await.unwrap_err();
        let cap = &meta(&refused)["cap"];
        assert_eq!((&cap["scope"], &cap["per"]), (&json!("class:orchestrate"), &json!(per)));
        assert!(refused.error().hint().unwrap().contains("orchestration.budget"));
        assert!(ask(&gateway, "quick").await.is_ok());
    }
}

#[tokio::test]
async fn a_providers_daily_cap_sends_the_call_to_the_next_provider() {
    let with = "fallback: {quick: [{provider: gemini, model: m}]}\nreliability:";
    let policy = policy("").replace("reliability:", with);
    let all = [("LLM_GATEWAY_CAP_OPENAI_DAILY", usd(WORST_CASE - 1))];
    let answer = ask(&gateway(&policy, Scripted::new(), &all), "quick").await.unwrap();
    assert_eq!(answer.target.provider.as_str(), "gemini");
    assert_eq!(outcomes(&answer.attempts), ["policy_blocked", "ok"]);
}

#[tokio::test]
async fn the_budget_of_a_class_leaves_room_for_a_cheaper_fallback() {
    let with = "fallback: {quick: [{provider: openai, model: free}]}\nreliability:";
    for per in ["session", "day", "month"] {
        let budget = format!(", budget: {{usd: 0.0001, per: {per}}}");
        let policy = policy(&budget).replace("reliability:", with);
        let answer = ask(&gateway(&policy, Scripted::new(), &[]), "quick").await.unwrap();
        assert_eq!(answer.target.model.as_str(), "free");
        assert_eq!(outcomes(&answer.attempts), ["policy_blocked", "ok"]);
    }
    // The cap on everything ends the request, as a kill switch does.
    let all = [(SESSION, "0.0001".to_owned())];
    let policy = policy("").replace("reliability:", with);
    assert!(ask(&gateway(&policy, Scripted::new(), &all), "quick").await.is_err());
}

#[tokio::test]
async fn all_caps_are_described_with_what_is_left_of_each() {
    let all = [
        (SESSION, "1".to_owned()),
        ("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "5".to_owned()),
        ("LLM_GATEWAY_CAP_TOTAL_DAILY", "2".to_owned()),
        ("LLM_GATEWAY_CAP_OPENAI_DAILY", "3".to_owned()),
    ];
    let policy = policy(", budget: {usd: 4, per: day}");
    let gateway = gateway(&policy, Scripted::new(), &all);
    let spent = ask(&gateway, "quick").await.unwrap().cost.amount.unwrap().as_nanos();
    gateway.drain().await.unwrap();
    let caps = [
        ("total/month", 5),
        ("total/day", 2),
        ("openai/day", 3),
        ("class:quick/day", 4),
        ("session", 1),
    ];
    for (cap, limit) in caps {
        assert_eq!(left(&gateway, cap).await, limit * 1_000_000_000 - spent, "{cap}");
    }
    let keys = |report: Value| -> Vec<String> {
        report["caps"].as_object().unwrap().keys().cloned().collect()
    };
    let report = |period| {
        let gateway = &gateway;
        async move { json!(gateway.spent(period, SpendBy::Model).await.unwrap()) }
    };
    let everything = caps.map(|(cap, _)| cap);
    assert_eq!(keys(report(None).await), everything);
    let today = report(Some(gateway.today().into())).await;
    assert_eq!((&today["day"], today.get("month")), (&json!("2026-11-21"), None));
    assert_eq!(today["total_usd"], json!(NanoUsd::from_nanos(spent)));
    assert_eq!(keys(today), everything);
    // A time that is over has its own caps only.
    let before = Day::parse("2026-10-31").unwrap();
    assert_eq!(keys(report(Some(before.into())).await), everything[..4]);
    assert_eq!(keys(report(Some(before.month().into())).await), everything[..1]);
}

#[tokio::test]
async fn every_session_is_its_own_and_the_ledger_is_shared() {
    let ledger = Arc::new(MemoryLedger::new());
    let all = [(SESSION, usd(WORST_CASE)), ("LLM_GATEWAY_CAP_TOTAL_DAILY", usd(2 * WORST_CASE))];
    let (mut refusals, mut answers) = (Vec::new(), 0);
    while refusals.last() != Some(&json!("day")) {
        let builder = obeying(policy("")).environment(variables(&all)).scripted(Scripted::new());
        let gateway = builder.ledger(ledger.clone()).build().unwrap();
        let refused = loop {
            match ask(&gateway, "quick").await {
                Ok(_) if answers < 1_000 => answers += 1,
                Ok(_) => panic!("no cap refuses"),
                Err(refused) => break refused,
            }
        };
        refusals.push(meta(&refused)["cap"]["per"].clone());
        assert!(refusals.len() < 1_000, "the day never ends the sessions");
    }
    assert_eq!((refusals.first(), answers > 1), (Some(&json!("session")), true));
}
