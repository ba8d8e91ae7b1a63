//! The money of cascades: what they cost, what they may cost, and what is refused because of it.

use std::sync::Arc;

use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{CostBasis, NanoUsd};
use llm_gateway_core::outcome::AnsweredBy;
use llm_gateway_core::{Category, Envelope, Environment, Scripted};
use serde_json::json;

use super::{POLICY, ask, described, gateway, question};
use crate::support::{WORST_CASE, gateway_in, obeying, spent};

#[tokio::test]
async fn the_cost_is_that_of_every_try_of_every_call() {
    let policy = POLICY.replace("max_retries: 0", "max_retries: 1, base_delay_s: 0.001");
    let ledger = Arc::new(MemoryLedger::new());
    // The first tries of the first member and of the strong model are cut, so each costs its whole
    // hold.
    let script = Scripted::new().raw(200, "{").answer("41").answer("42").raw(200, "{").answer("43");
    let gateway = gateway_in(&policy, script.clone(), ledger.clone(), Environment::empty());
    let cascade = gateway.cascade(question()).await.unwrap();
    assert_eq!(script.requests().len(), 5);
    assert_eq!((cascade.attempts().count(), cascade.answered_by), (5, AnsweredBy::Else));
    let total = cascade.total_cost().unwrap();
    assert_eq!(total, spent(&ledger, SpendBy::TaskClass).await.settled);
    assert!(total.as_nanos() > 3 * WORST_CASE, "two cut tries and three answers: {total}");
    assert_eq!(cascade.cost_basis(), CostBasis::Estimated);
    let meta = Envelope::from(&cascade).meta;
    assert_eq!(meta["cost_usd_approx"], json!(total));
    assert_eq!(meta["attempts"].as_array().unwrap().len(), 5);
    assert_eq!(meta["retries"], 1, "of the call that answered");
}

#[tokio::test]
async fn a_price_that_nobody_knows_makes_the_sum_unknown() {
    let policy = POLICY.replace("model: claude-opus-5-5", "model: nobody-knows");
    let script = Scripted::new().answer("1").answer("2").answer("3");
    let cascade = ask(&policy, script).await.unwrap();
    assert_eq!((cascade.total_cost(), cascade.cost_basis()), (None, CostBasis::Unknown));
    assert_eq!((cascade.preflight.max_usd, cascade.preflight.expected_usd), (None, None));
    assert!(cascade.preflight.min_usd.is_some());
}

#[tokio::test]
async fn the_switch_against_expensive_calls_counts_the_dearest_way() {
    let environment = || Environment::empty().with("LLM_GATEWAY_EXPENSIVE_DISABLED", "1");
    // 25 000 tokens are $0.25 at each cheap model and $0.50 at the strong one: $1 and the prompt.
    for (bound, is_let_in) in [(25_000, false), (24_000, true)] {
        let script = Scripted::new().answer("42").answer("42");
        let gateway = gateway_in(POLICY, script.clone(), Arc::default(), environment());
        let outcome = gateway.cascade(question().max_tokens(bound)).await;
        assert_eq!(outcome.is_ok(), is_let_in, "{bound}");
        assert_eq!(script.requests().len(), if is_let_in { 2 } else { 0 });
        if let Err(failure) = outcome {
            assert_eq!(failure.category(), Category::PolicyBlocked);
            assert!(failure.to_string().contains("the cascade `sums`"), "{failure}");
        }
    }
}

/// Returns an environment with a cap on everything.
fn capped(nanos: u64) -> Environment {
    capped_by("TOTAL", nanos)
}

/// Returns an environment with a cap on everything or on one provider.
fn capped_by(name: &str, nanos: u64) -> Environment {
    let cap = NanoUsd::from_nanos(nanos).to_string();
    Environment::empty()
        .with(format!("LLM_GATEWAY_CAP_{name}_MONTHLY"), cap.trim_start_matches('$'))
        .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db")
}

/// The worst case of the gate and of the strong model, which is twice as expensive as one of the
/// gate's two models.
const BOTH_WAYS: u64 = 4 * WORST_CASE;

#[tokio::test]
async fn a_cap_without_room_for_both_ways_refuses_the_cascade_whole() {
    for nanos in [2 * WORST_CASE, BOTH_WAYS - 1] {
        let ledger = Arc::new(MemoryLedger::new());
        let script = Scripted::new().answer("42").answer("42");
        let gateway = gateway_in(POLICY, script.clone(), ledger.clone(), capped(nanos));
        let failure = gateway.cascade(question()).await.unwrap_err();
        assert_eq!(failure.category(), Category::PolicyBlocked);
        let asked = NanoUsd::from_nanos(BOTH_WAYS).to_string();
        assert!(failure.to_string().contains(&asked), "{failure}");
        assert!(failure.panel().is_none() && script.requests().is_empty());
        let spent = spent(&ledger, SpendBy::TaskClass).await;
        assert_eq!((spent.settled, spent.held), (NanoUsd::ZERO, NanoUsd::ZERO));
    }
}

#[tokio::test]
async fn a_cap_with_room_for_both_ways_lets_both_in_and_what_is_not_needed_goes_back() {
    for (second, by) in [("41", AnsweredBy::Else), ("42", AnsweredBy::Gate)] {
        let ledger = Arc::new(MemoryLedger::new());
        let script = Scripted::new().answer("42").answer(second).answer("43");
        let gateway = gateway_in(POLICY, script, ledger.clone(), capped(BOTH_WAYS));
        let cascade = gateway.cascade(question()).await.unwrap();
        assert_eq!(cascade.answered_by, by);
        gateway.drain().await.unwrap();
        let spent = spent(&ledger, SpendBy::TaskClass).await;
        assert_eq!((Some(spent.settled), spent.held), (cascade.total_cost(), NanoUsd::ZERO));
        let left = NanoUsd::from_nanos(BOTH_WAYS).saturating_sub(spent.settled);
        assert_eq!(cascade.answer.budget.unwrap().left_usd, left);
    }
}

#[tokio::test]
async fn a_cap_on_another_provider_lets_an_unknown_price_in() {
    let unpriced = POLICY.replace("model: claude-opus-5-5", "model: nobody-knows");
    let environment = capped_by("OPENAI", 1_000 * WORST_CASE);
    let script = Scripted::new().answer("42").answer("41").answer("43");
    let gateway = gateway_in(&unpriced, script, Arc::default(), environment);
    assert_eq!(gateway.cascade(question()).await.unwrap().answered_by, AnsweredBy::Else);
}

#[tokio::test]
async fn what_can_never_pass_is_refused_before_the_gate_is_paid_for() {
    let unpriced = POLICY.replace("model: claude-opus-5-5", "model: nobody-knows");
    let blocked = format!("{POLICY}\ncost_preflight: {{block_usd: 0.002}}");
    let plenty = capped(1_000 * WORST_CASE);
    let disabled = Environment::empty().with("LLM_GATEWAY_DISABLED", "1");
    for (policy, environment, why) in [
        (unpriced.as_str(), plenty, "no known price"),
        (POLICY, capped(2 * WORST_CASE - 1), "more than the whole monthly cap of"),
        (
            POLICY,
            capped_by("ANTHROPIC", 2 * WORST_CASE - 1),
            "on provider `anthropic`, which leaves",
        ),
        (blocked.as_str(), Environment::empty(), "block_usd"),
        (POLICY, disabled, "LLM_GATEWAY_DISABLED"),
    ] {
        let script = Scripted::new().answer("42").answer("42");
        let gateway = gateway_in(policy, script.clone(), Arc::default(), environment);
        let failure = gateway.cascade(question()).await.unwrap_err();
        assert_eq!(failure.category(), Category::PolicyBlocked, "{failure}");
        assert!(failure.to_string().contains(why), "{why}: {failure}");
        assert_eq!(failure.error().target().unwrap().provider.as_str(), "anthropic");
        let preflight = &json!(Envelope::from(&failure))["meta"]["preflight"];
        assert_eq!(preflight["action"] == "block", why == "block_usd", "{preflight}");
        assert!(failure.panel().is_none());
        assert_eq!(script.requests().len(), 0, "{why}");
        assert_eq!(described(&gateway).escalation.unwrap().asked, 0);
    }
}

#[tokio::test]
async fn only_a_cap_that_counts_the_strong_model_is_held_against_it() {
    let script = Scripted::new().answer("42").answer("41").answer("43");
    let of_the_gate = capped_by("OPENAI", WORST_CASE);
    let gateway = gateway_in(POLICY, script, Arc::default(), of_the_gate);
    assert_eq!(gateway.cascade(question()).await.unwrap().text(), "43");
    let own = NanoUsd::from_nanos(WORST_CASE).to_string();
    let both = capped(2 * WORST_CASE - 1)
        .with("LLM_GATEWAY_CAP_ANTHROPIC_MONTHLY", own.trim_start_matches('$'));
    let gateway = gateway_in(POLICY, Scripted::new(), Arc::default(), both);
    let failure = gateway.cascade(question()).await.unwrap_err();
    assert!(failure.to_string().contains("on everything"), "the first of two: {failure}");
}

#[tokio::test]
async fn a_strong_model_without_a_key_is_told_of_before_the_gate_is_paid_for() {
    let keys = Environment::empty().with("OPENAI_API_KEY", "k").with("GEMINI_API_KEY", "k");
    for (environment, requests) in [(keys.clone(), 0), (keys.with("ANTHROPIC_API_KEY", "k"), 2)] {
        let script = Scripted::new().answer("42").answer("42");
        let transport = Arc::new(script.clone());
        let builder = obeying(POLICY).environment(environment).transport(transport);
        let gateway = builder.build().unwrap();
        let outcome = gateway.cascade(question()).await;
        assert_eq!(script.requests().len(), requests);
        assert_eq!(outcome.is_ok(), described(&gateway).available, "as it is described");
        if let Err(failure) = outcome {
            assert_eq!(failure.category(), Category::MissingKey);
            assert!(failure.error().hint().unwrap().contains("set ANTHROPIC_API_KEY"), "{failure}");
        }
    }
}

#[tokio::test]
async fn a_gate_that_cannot_settle_is_not_paid_for() {
    let keys = Environment::empty().with("OPENAI_API_KEY", "k").with("ANTHROPIC_API_KEY", "k");
    let script = Scripted::new().answer("43");
    let builder = obeying(POLICY).environment(keys).transport(Arc::new(script.clone()));
    let cascade = builder.build().unwrap().cascade(question()).await.unwrap();
    assert_eq!((cascade.answered_by, cascade.text().as_str()), (AnsweredBy::Else, "43"));
    assert_eq!(script.requests().len(), 1, "the strong model alone");
    let why = "gemini/gemini-3.8-flash of the gate gave no answer: missing_key";
    assert_eq!(cascade.because, why);
}

#[tokio::test]
async fn a_gate_for_which_a_cap_has_no_room_ends_the_request() {
    let environment = Environment::empty()
        .with("LLM_GATEWAY_CAP_OPENAI_MONTHLY", "0.000001")
        .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    let script = Scripted::new();
    let gateway = gateway_in(POLICY, script.clone(), Arc::default(), environment);
    let failure = gateway.cascade(question()).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert_eq!(script.requests().len(), 0);
}

#[tokio::test]
async fn a_provider_that_bills_nothing_leaves_no_estimate() {
    let policy = POLICY.replace("in: 1, out: 10", "in: 0, out: 0");
    let cascade = ask(&policy, Scripted::new().answer("42").answer("42")).await.unwrap();
    assert_eq!(
        (cascade.total_cost(), cascade.cost_basis()),
        (Some(NanoUsd::ZERO), CostBasis::Free)
    );
    let exact = ask(POLICY, Scripted::new().answer("42").answer("42")).await.unwrap();
    assert_eq!(exact.cost_basis(), CostBasis::Exact);
}

#[tokio::test]
async fn what_a_gate_has_done_so_far_is_shown_and_prices_the_next() {
    let script = Scripted::new().answer("1").answer("1").answer("1").answer("2").answer("3");
    let gateway = gateway(POLICY, script.answer("4").answer("4"));
    let told = || json!(described(&gateway).escalation);
    assert_eq!(told(), json!({"asked": 0, "escalated": 0, "rate": null}));
    let first = gateway.cascade(question()).await.unwrap().preflight;
    assert_eq!(first.escalation_rate.value, 0.355);
    assert_eq!(told(), json!({"asked": 1, "escalated": 0, "rate": 0.0}));
    let second = gateway.cascade(question()).await.unwrap().preflight;
    assert_eq!(second.expected_usd, second.min_usd, "none has escalated yet");
    assert_eq!(told(), json!({"asked": 2, "escalated": 1, "rate": 0.5}));
    let third = gateway.cascade(question()).await.unwrap().preflight;
    assert_eq!(third.escalation_rate.source, "1 of 2 in this process");
    let amount = |usd: Option<NanoUsd>| usd.unwrap().as_nanos();
    assert_eq!(2 * amount(third.expected_usd), amount(third.min_usd) + amount(third.max_usd));
}

#[tokio::test]
async fn a_cancelled_cascade_leaves_no_hold() {
    let gate_hangs = || Scripted::new().hang().hang();
    let strong_hangs = || Scripted::new().answer("1").answer("2").hang();
    for (script, requests) in [(gate_hangs(), 2), (strong_hangs(), 3)] {
        let ledger = Arc::new(MemoryLedger::new());
        let gateway = gateway_in(POLICY, script.clone(), ledger.clone(), Environment::empty());
        let run = gateway.start(question());
        let until = async {
            while script.requests().len() < requests {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = run.outcome => panic!("a hanging cascade answered"),
            () = until => {}
        }
        let spent = spent(&ledger, SpendBy::TaskClass).await;
        assert_eq!(spent.held, NanoUsd::ZERO);
        assert!(spent.settled.as_nanos() >= 2 * WORST_CASE, "nobody knows what it cost");
    }
}
