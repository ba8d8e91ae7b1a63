//! A gateway with a new policy takes the place of another: what the new policy changes counts, and
//! what outlives a policy is not forgotten.

mod files;

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::config::PolicySource;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::outcome::BlockedBy;
use llm_gateway_core::{Category, Environment, Gateway, Request, Scripted};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{WORST_CASE, ask, obeying, spent};

/// A policy with one class, which costs [`WORST_CASE`] at most. `REST` stands for further lines.
const POLICY: &str = "
providers:
  openai: {models: {m: {in: 1, out: 10}}, limits: {LIMITS}}
  anthropic: {models: {m: {in: 1, out: 10}}}
defaults:
  CLASS: {provider: openai, model: m, max_tokens: 100}
reliability: {retry: {max_retries: 0}, breaker: {failure_threshold: 1, cooldown_s: 60}}
";

fn policy(class: &str) -> String {
    POLICY.replace("CLASS", class).replace("LIMITS", "")
}

fn limited(limits: &str) -> String {
    POLICY.replace("CLASS", "ask").replace("LIMITS", limits)
}

fn text(policy: impl Into<String>) -> PolicySource {
    PolicySource::Text(policy.into())
}

fn described(gateway: &Gateway) -> Value {
    json!(gateway.describe().unwrap())
}

/// Returns the category with which a request fails; `None` if it is answered.
async fn category(gateway: &Gateway, class: &str) -> Option<Category> {
    ask(gateway, class).await.err().map(|failure| failure.category())
}

#[tokio::test(start_paused = true)]
async fn new_classes_count_and_old_ones_are_gone() {
    let before = obeying(policy("ask")).offline().build().unwrap();
    let after = before.with_policy(text(policy("talk")));
    assert!(after.policy_error().is_none());
    assert!(ask(&after, "talk").await.is_ok());
    assert_eq!(category(&after, "ask").await, Some(Category::UnknownTaskClass));
    assert!(ask(&before, "ask").await.is_ok(), "the old one works on");
    assert_ne!(described(&before)["policy_digest"], described(&after)["policy_digest"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_ends_on_the_policy_it_began_with() {
    let script = Scripted::new().delay(Duration::from_secs(5)).answer("on the old policy");
    let before = obeying(policy("ask")).scripted(script.clone()).build().unwrap();
    let under_way = tokio::spawn(before.start(Request::new("ask", "hi")).outcome);
    // A run that has not been polled belongs to its gateway too.
    let not_begun = before.start(Request::new("ask", "hi"));
    tokio::task::yield_now().await;
    let after = before.with_policy(text(policy("talk").replace("100", "7")));
    drop(before);
    assert_eq!(under_way.await.unwrap().unwrap().text(), "on the old policy");
    assert!(not_begun.await.is_ok());
    ask(&after, "talk").await.unwrap();
    let bodies = script.requests().into_iter().map(|sent| {
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        body["max_tokens"].as_u64().or(body["max_completion_tokens"].as_u64()).unwrap()
    });
    assert_eq!(bodies.collect::<Vec<_>>(), [100, 100, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_cannot_be_used_changes_nothing_and_is_told() {
    let good = obeying(policy("ask")).offline().build().unwrap();
    let bad = good.with_policy(text("defaults: {ask: {provider: opnai, model: m}, two: 5}"));
    assert!(ask(&bad, "ask").await.is_ok(), "the last good one is in force");
    let told = &described(&bad)["policy_error"];
    assert_eq!((&told["line"], &told["column"]), (&json!(1), &json!(28)), "{told}");
    assert_eq!(told["hint"], "did you mean `openai`?");
    assert_eq!(told["more"], 1);
    let shown = described(&bad);
    assert_eq!(shown["policy_digest"], described(&good)["policy_digest"]);
    assert_eq!(described(&good).get("policy_error"), None);

    let other = bad.with_policy(text("defaults: [")).with_policy(text(""));
    assert!(other.policy_error().is_some() && ask(&other, "ask").await.is_ok());
    let mended = other.with_policy(text(policy("talk")));
    assert_eq!(described(&mended).get("policy_error"), None);
    assert!(ask(&mended, "talk").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_was_broken_from_the_start_can_be_mended() {
    let broken = obeying("defaults: {ask: 5}").offline().build_always();
    assert_eq!(category(&broken, "ask").await, Some(Category::PolicyInvalid));
    let worse = broken.with_policy(text("defaults: {ask: 5, two: 6}"));
    assert!(worse.policy_error().is_none(), "no policy is in force");
    let told = worse.policy().unwrap_err().to_string();
    assert!(told.contains("two"), "the newest problems are told: {told}");
    let mended = worse.with_policy(text(policy("ask")));
    assert!(ask(&mended, "ask").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_is_open_stays_open_and_keeps_its_time() {
    let script = Scripted::new().status(503).answer("well again");
    let mut gateway = obeying(policy("ask")).scripted(script).build().unwrap();
    assert!(category(&gateway, "ask").await.is_some());
    for class in ["talk", "ask", "talk"] {
        tokio::time::advance(Duration::from_secs(10)).await;
        gateway = gateway.with_policy(text(policy(class)));
        gateway = gateway.with_policy(text("defaults: ["));
        let breaker = &described(&gateway)["circuit_breakers"]["openai/m"];
        assert_eq!(breaker["state"], "open", "{breaker}");
        assert_eq!(category(&gateway, class).await, Some(Category::BreakerOpen));
    }
    assert_eq!(described(&gateway)["circuit_breakers"]["openai/m"]["cooldown_remaining_s"], 30.0);
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(ask(&gateway, "talk").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn retries_that_were_used_up_stay_used_up() {
    let retrying = policy("ask")
        .replace("max_retries: 0", "max_retries: 10, base_delay_s: 0.001, max_delay_s: 0.001");
    let retrying = retrying.replace("failure_threshold: 1", "failure_threshold: 1000");
    let script = (0..200).fold(Scripted::new(), |script, _| script.status(503));
    let mut gateway = obeying(&retrying).scripted(script).build().unwrap();
    let mut tries = 0;
    for number in 0..4 {
        gateway = gateway.with_policy(text(format!("{retrying}\n# {number}\n")));
        let quick = retrying.replace("ask:", "ask: # quick\n");
        gateway = gateway.with_policy(text(quick));
        tries += ask(&gateway, "ask").await.unwrap_err().attempts().len();
    }
    // With a budget of its own, each of them would make all its ten retries.
    assert!(tries < 44, "{tries}");
}

#[tokio::test(start_paused = true)]
async fn what_a_session_has_cost_stays_counted() {
    let environment = Environment::empty().with("LLM_GATEWAY_CAP_SESSION", "0.005");
    let script = Scripted::new().hang().hang().hang().hang().hang();
    let builder = obeying(policy("ask")).environment(environment).scripted(script);
    let mut gateway = builder.build().unwrap();
    let mut answered = 0;
    for number in 0..8 {
        // A call that is broken off costs its worst case, so five of them do not fit.
        let asked = tokio::time::timeout(Duration::from_secs(1), ask(&gateway, "ask"));
        match asked.await {
            Err(_) => answered += 1,
            Ok(refused) => {
                let failure = refused.unwrap_err();
                assert_eq!(failure.error().blocked_by(), Some(BlockedBy::Cap));
            }
        }
        gateway = gateway.with_policy(text(format!("{}\n# {number}\n", policy("ask"))));
    }
    assert_eq!(answered, 5_000_000 / WORST_CASE);
}

#[tokio::test(start_paused = true)]
async fn a_class_that_gets_a_budget_begins_to_count_then() {
    let budget = |usd: &str| {
        policy("ask").replace(
            "max_tokens: 100",
            &format!("max_tokens: 100, budget: {{usd: {usd}, per: session}}"),
        )
    };
    let script = (0..9).fold(Scripted::new(), |script, _| script.hang());
    let gateway = obeying(policy("ask")).scripted(script).build().unwrap();
    let spend = async |gateway: &Gateway| {
        tokio::time::timeout(Duration::from_secs(1), ask(gateway, "ask")).await.is_err()
    };
    assert!(spend(&gateway).await, "it is not counted");
    let capped = gateway.with_policy(text(budget("0.003")));
    assert!(spend(&capped).await && spend(&capped).await);
    assert!(!spend(&capped).await, "two of three are spent");
    let raised = capped.with_policy(text(budget("0.004")));
    assert!(spend(&raised).await, "a cap that is raised counts what was spent");
    assert!(!spend(&raised).await);
    let without = raised.with_policy(text(policy("ask")));
    assert!(spend(&without).await);
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_used_up_stays_used_up_and_a_place_stays_taken() {
    let script = Scripted::new().delay(Duration::from_secs(50)).answer("slow");
    let gateway = obeying(limited("concurrent: 1")).scripted(script).build().unwrap();
    let slow = tokio::spawn(gateway.start(Request::new("ask", "hi")).outcome);
    tokio::task::yield_now().await;
    let same = gateway.with_policy(text(format!("{}\n# touched\n", limited("concurrent: 1"))));
    let wider = same.clone();
    let began = Instant::now();
    assert!(ask(&same, "ask").await.is_ok());
    assert_eq!(began.elapsed(), Duration::from_secs(50), "it waited for the place");
    assert!(slow.await.unwrap().is_ok());

    let gateway = wider.with_policy(text(limited("requests_per_minute: 2")));
    assert!(ask(&gateway, "ask").await.is_ok() && ask(&gateway, "ask").await.is_ok());
    let gateway = gateway.with_policy(text(limited("requests_per_minute: 3")));
    let began = Instant::now();
    assert!(ask(&gateway, "ask").await.is_ok());
    assert_eq!(began.elapsed(), Duration::ZERO, "one of three is left");
    assert!(ask(&gateway, "ask").await.is_ok());
    assert_eq!(began.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn limits_of_a_policy_that_cannot_be_used_do_not_count() {
    let gateway = obeying(policy("ask")).offline().build().unwrap();
    let refused = format!("{}\nnonsense: 1\n", limited("requests_per_minute: 1"));
    let gateway = gateway.with_policy(text(refused));
    let began = Instant::now();
    for _ in 0..5 {
        assert!(ask(&gateway, "ask").await.is_ok());
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_comes_back_begins_anew() {
    let mine = "
providers:
  mine:
    {kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: null, models: {m: {in: 1, out: 10}}, limits: {requests_per_minute: 1}}
defaults:
  ask: {provider: mine, model: m, max_tokens: 100}
";
    let mut gateway = obeying(mine).offline().build().unwrap();
    let began = Instant::now();
    for _ in 0..3 {
        assert!(ask(&gateway, "ask").await.is_ok());
        gateway = gateway.with_policy(text(policy("other"))).with_policy(text(mine));
        assert!(gateway.policy_error().is_none(), "{:?}", gateway.policy_error());
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_the_program_brought_is_handed_on() {
    let ledger = Arc::new(MemoryLedger::new());
    let script = Scripted::new().answer("one").answer("two");
    let builder = obeying(policy("ask")).scripted(script).ledger(ledger.clone());
    let first = builder.build().unwrap();
    let one = ask(&first, "ask").await.unwrap();
    let second = first.with_policy(text(policy("talk")));
    let two = ask(&second, "talk").await.unwrap();
    assert_eq!((one.text(), two.text()), ("one".to_owned(), "two".to_owned()));
    assert_ne!(one.run_id, two.run_id, "the random generator is shared");
    assert_eq!(second.today(), first.today());
    let booked = spent(&ledger, SpendBy::TaskClass).await;
    assert_eq!(booked.rows.len(), 2, "{booked:?}");
    second.drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_policies_leave_no_trace() {
    let ledger = Arc::new(MemoryLedger::new());
    let builder = obeying(policy("ask")).offline().ledger(ledger.clone());
    let mut gateway = builder.build().unwrap();
    let at_first = Arc::strong_count(&ledger);
    for number in 0..200 {
        let bad = if number % 2 == 0 { "" } else { "\nnonsense: 1" };
        gateway = gateway.with_policy(text(format!("{}{bad}\n# {number}\n", policy("ask"))));
    }
    assert!(ask(&gateway, "ask").await.is_ok());
    assert!(gateway.policy_error().is_some());
    assert_eq!(Arc::strong_count(&ledger), at_first, "no gateway that was replaced is kept");
}
