//! Tests of the money of panels: a panel's own cap, the caps of the month and the kill switches,
//! applied to all members together, and to each retry.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::{Category, Envelope, Environment, Failure, PanelAnswer, Request, Scripted};
use serde_json::json;

use super::{POLICY, ask};
use crate::support::{WORST_CASE, gateway_in, obeying, outcomes, spent};

/// Returns the policy with a cap on the panel, in nano-dollars.
fn capped(nanos: u64) -> String {
    let usd = NanoUsd::from_nanos(nanos).to_string();
    let cap = format!("    max_tokens: 100\n    cost_cap_usd: {}\n", usd.trim_start_matches('$'));
    POLICY.replace("    max_tokens: 100\n", &cap)
}

/// Returns the policy with a cap on the panel and one retry for each member.
fn retrying(nanos: u64) -> String {
    capped(nanos).replace("max_retries: 0", "max_retries: 1")
}

/// Asks a panel without a ledger.
async fn ask_uncounted(policy: &str, script: Scripted) -> Result<PanelAnswer, Failure> {
    let gateway = obeying(policy).scripted(script).build().unwrap();
    gateway.panel(Request::new("three", "hi")).await
}

#[tokio::test]
async fn a_panel_above_its_cap_is_refused_before_its_first_request() {
    let script = Scripted::new();
    let failure = ask(&capped(3 * WORST_CASE - 1), script.clone()).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert!(failure.to_string().contains("cost_cap_usd"), "{failure}");
    assert_eq!(script.requests().len(), 0);
    let panel = ask(&capped(3 * WORST_CASE), script).await.unwrap();
    assert_eq!(panel.cap_exceeded(), Some(false));
    let unpriced = POLICY.replace("model: gemini-3.8-flash", "model: nobody-knows");
    let unpriced =
        unpriced.replace("    max_tokens: 100\n", "    max_tokens: 100\n    cost_cap_usd: 1\n");
    let failure = ask(&unpriced, Scripted::new()).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
}

#[tokio::test]
async fn a_panel_is_reserved_whole_or_not_at_all() {
    let environment = |calls: u64, less: u64| {
        let cap = NanoUsd::from_nanos(calls * WORST_CASE - less).to_string();
        Environment::empty()
            .with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", cap.trim_start_matches('$'))
            .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db")
    };
    let ledger = Arc::new(MemoryLedger::new());
    let script = Scripted::new();
    let short = gateway_in(POLICY, script.clone(), ledger.clone(), environment(3, 1));
    let failure = short.panel(Request::new("three", "hi")).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert_eq!(script.requests().len(), 0, "not one member is asked");
    let enough = gateway_in(POLICY, script.clone(), ledger.clone(), environment(3, 0));
    let panel = enough.panel(Request::new("three", "hi")).await.unwrap();
    let spent = spent(&ledger, SpendBy::TaskClass).await;
    assert_eq!((Some(spent.settled), spent.held), (panel.total_cost(), NanoUsd::ZERO));
}

#[tokio::test]
async fn the_switch_against_expensive_calls_counts_the_whole_panel() {
    // Each member may cost $0.50.
    let policy = POLICY.replace("max_tokens: 100\nrel", "max_tokens: 50000\nrel");
    let environment = Environment::empty().with("LLM_GATEWAY_EXPENSIVE_DISABLED", "1");
    let script = Scripted::new();
    let gateway = gateway_in(&policy, script.clone(), Arc::default(), environment);
    let failure = gateway.panel(Request::new("three", "hi")).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert!(failure.to_string().contains("LLM_GATEWAY_EXPENSIVE_DISABLED"), "{failure}");
    assert_eq!(script.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_could_pass_the_cap_is_not_sent() {
    let script = || (0..3).fold(Scripted::new(), |script, _| script.cut());
    let (counted, uncounted) = (script(), script());
    let policy = retrying(4 * WORST_CASE - 1);
    let failures = [
        ask(&policy, counted.clone()).await.unwrap_err(),
        ask_uncounted(&policy, uncounted.clone()).await.unwrap_err(),
    ];
    // The cost of a cut answer is unknown, so it counts its whole hold.
    assert_eq!((counted.requests().len(), uncounted.requests().len()), (3, 3));
    for failure in failures {
        for member in &failure.panel().unwrap().members {
            let member = member.as_ref().unwrap_err();
            assert_eq!(member.category(), Category::Truncated, "the error of the last try");
            assert_eq!(outcomes(member.attempts()), ["truncated", "policy_blocked"]);
            let hint = member.error().hint().unwrap();
            assert!(
                hint.starts_with("not tried again: ") && hint.contains("cost_cap_usd"),
                "{hint}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_stays_below_the_cap_is_sent() {
    let cut = Scripted::new().cut();
    assert_eq!(ask(&retrying(4 * WORST_CASE), cut.clone()).await.unwrap().answers().count(), 3);
    assert_eq!(cut.requests().len(), 4);
    // An error status is not billed, so its retry uses the room of the first try.
    let refused = Scripted::new().status(503).status(503).status(503);
    let panel = ask_uncounted(&retrying(3 * WORST_CASE), refused.clone()).await.unwrap();
    assert_eq!((panel.answers().count(), refused.requests().len()), (3, 6));
    // The others answered for less than their worst case, and what they left may be used.
    let cheap = Scripted::new().cut();
    let panel = ask(&retrying(3 * WORST_CASE), cheap.clone()).await.unwrap();
    assert_eq!((panel.answers().count(), cheap.requests().len()), (3, 4));
    assert!(panel.total_cost() <= panel.cost_cap, "{:?}", panel.total_cost());
}

#[tokio::test(start_paused = true)]
async fn of_two_retries_at_the_same_time_only_the_one_that_fits_is_sent() {
    // The third member holds its worst case all the time, and so does the first retry.
    let slow = |script: Scripted| script.delay(Duration::from_secs(60)).answer("slow");
    let script = slow(slow(Scripted::new().cut().cut()));
    let policy = retrying(4 * WORST_CASE + WORST_CASE / 2);
    let failure = ask_uncounted(&policy, script.clone()).await.unwrap_err();
    assert_eq!(failure.category(), Category::Quorum);
    assert_eq!(script.requests().len(), 4);
    let panel = failure.panel().unwrap();
    assert_eq!(panel.answers().count(), 2);
    let refused = panel.members.iter().find_map(|member| member.as_ref().err()).unwrap();
    assert_eq!(outcomes(refused.attempts()), ["truncated", "policy_blocked"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_tokens_nobody_counted_takes_its_worst_case() {
    let unmetered = r#"{"id": "a", "model": "gpt-6-luna",
        "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}"#;
    let script = Scripted::new().raw(200, unmetered).cut().delay(Duration::from_secs(60));
    let script = script.answer("slow");
    let policy = retrying(4 * WORST_CASE - 1);
    ask_uncounted(&policy, script.clone()).await.unwrap_err();
    assert_eq!(script.requests().len(), 3);
}

/// An answer that is billed for far more tokens than were allowed.
const DEAR: &str = r#"{"id": "a", "model": "gpt-6-luna", "usage": {"prompt_tokens": 1,
    "completion_tokens": 1000}, "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}"#;

#[tokio::test]
async fn whether_the_cap_was_exceeded_is_unknown_where_the_cost_is() {
    let policy =
        |nanos| format!("{}\nvisibility: {{three: {{mode: blind, quorum: 2}}}}", capped(nanos));
    let wide = policy(10 * WORST_CASE);
    let cut = || Scripted::new().cut();
    assert_eq!(ask(&wide, cut()).await.unwrap().cap_exceeded(), Some(false));
    let unknown = ask_uncounted(&wide, cut()).await.unwrap();
    assert_eq!((unknown.total_cost(), unknown.cap_exceeded()), (None, None));
    let envelope = json!(Envelope::from(&unknown));
    assert_eq!(envelope["meta"]["cap_exceeded"], json!(null));
    let unpriced = POLICY.replace("model: gemini-3.8-flash", "model: nobody-knows");
    assert_eq!(ask(&unpriced, Scripted::new()).await.unwrap().cap_exceeded(), None);
    // The known costs alone exceed it.
    let exceeded =
        ask_uncounted(&policy(3 * WORST_CASE), Scripted::new().raw(200, DEAR).cut()).await;
    let exceeded = exceeded.unwrap();
    assert_eq!((exceeded.total_cost(), exceeded.cap_exceeded()), (None, Some(true)));
}
