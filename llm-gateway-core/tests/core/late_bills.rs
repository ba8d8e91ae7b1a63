//! Tests of bills after an error, of the cost of a request over all its tries, and of the reports
//! about switches and limits in force.

use std::sync::Arc;

use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{CostBasis, NanoUsd};
use llm_gateway_core::{Envelope, Environment, Error, Gateway, Request, Scripted};
use serde_json::json;

use crate::support::{obeying, spent};

const POLICY: &str = "
providers:
  openai: {stream: false, models: {m: {in: 2, out: 8}}}
  local: {kind: openai, base_url: 'http://127.0.0.1:1/v1', api_key_env: null, stream: false,
    models: {m: {in: 0, out: 0}}}
reliability: {retry: {max_retries: 1, base_delay_s: 0.01, max_delay_s: 0.01}}
defaults:
  priced: {provider: openai, model: m, max_tokens: 100}
  local: {provider: local, model: m, max_tokens: 100}
";

const ANSWER: &str = r#"{"id":"x","model":"m","choices":[{"index":0,"finish_reason":"stop",
    "message":{"role":"assistant","content":"yes"}}],
    "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;

fn counting() -> Environment {
    Environment::empty()
        .with("OPENAI_API_KEY", "sk-0123456789abcdef")
        .with("LLM_GATEWAY_LEDGER", "1")
        .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db")
}

fn gateway(script: Scripted) -> (Gateway, Arc<MemoryLedger>) {
    let ledger = Arc::new(MemoryLedger::new());
    let builder = obeying(POLICY).environment(counting()).ledger(ledger.clone());
    (builder.scripted(script).build().unwrap(), ledger)
}

#[tokio::test(start_paused = true)]
async fn what_gave_up_waiting_for_a_model_may_be_billed() {
    let error = r#"{"error":{"message":"x"}}"#;
    let counted = r#"{"error":{"message":"x"},"usage":{"prompt_tokens":9,"completion_tokens":1}}"#;
    let nothing = r#"{"error":{"message":"x"},"usage":{"prompt_tokens":0}}"#;
    for (status, body, at_hold) in [
        (408, error, true),
        (504, error, true),
        (504, "<html>Gateway Time-out</html>", true),
        (504, "", true),
        (520, "error code: 520", true),
        (524, "error code: 524", true),
        (598, "", true),
        (500, counted, true),
        (503, counted, true),
        (500, nothing, false),
        (500, error, false),
        (502, error, false),
        (503, error, false),
        (521, "", false),
        (522, "", false),
        (523, "", false),
        (529, error, false),
        (400, error, false),
        (401, counted, false),
        (402, counted, false),
        (404, error, false),
        (429, counted, false),
    ] {
        let script = Scripted::new().raw(status, body).raw(400, error);
        let (gateway, ledger) = gateway(script);
        let failure = gateway.route(Request::new("priced", "hi")).await.unwrap_err();
        let first = &failure.attempts()[0];
        assert_eq!(first.cost.is_some_and(|it| it > NanoUsd::ZERO), at_hold, "{status} {body}");
        if at_hold {
            assert_eq!(first.cost, first.reserved, "{status} {body}");
            assert_eq!(first.cost_basis, CostBasis::Estimated);
        }
        let booked = spent(&ledger, SpendBy::Model).await;
        let costs: u64 = failure.attempts().iter().map(|it| it.cost.unwrap().as_nanos()).sum();
        assert_eq!((booked.settled.as_nanos(), booked.held.as_nanos()), (costs, 0), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_model_costs_what_all_its_tries_did() {
    let (gateway, ledger) = gateway(Scripted::new().raw(504, "").raw(200, ANSWER));
    let answer = gateway.route(Request::new("priced", "hi")).await.unwrap();
    let [late, last] = [&answer.attempts[0], &answer.attempts[1]];
    // 10 tokens at $2 and 5 at $8 a million.
    assert_eq!(last.cost.unwrap().as_nanos(), 10 * 2_000 + 5 * 8_000);
    let sum = late.cost.unwrap().saturating_add(last.cost.unwrap());
    assert_eq!((answer.total_cost(), answer.cost.amount), (Some(sum), last.cost));
    assert_eq!(spent(&ledger, SpendBy::Model).await.settled, sum);
    let meta = Envelope::from(&answer).meta;
    assert_eq!(meta["cost_usd_approx"], json!(sum));
    assert_eq!(meta["cost_basis"], "estimated");
}

#[tokio::test(start_paused = true)]
async fn an_own_provider_without_a_price_costs_nothing_and_not_something_unknown() {
    for counts in [false, true] {
        let script = Scripted::new().reset().raw(200, ANSWER);
        let gateway = match counts {
            true => gateway(script).0,
            false => obeying(POLICY).scripted(script).build().unwrap(),
        };
        let answer = gateway.route(Request::new("local", "hi")).await.unwrap();
        assert_eq!(answer.attempts.len(), 2);
        assert!(answer.attempts.iter().all(|it| it.cost == Some(NanoUsd::ZERO)), "{counts}");
        let meta = Envelope::from(&answer).meta;
        assert_eq!((&meta["cost_usd_approx"], &meta["cost_basis"]), (&json!(0.0), &json!("free")));
    }
}

#[test]
fn what_is_switched_off_is_told() {
    let of = |name: &str| {
        let environment = counting().with(name, "1");
        let builder = obeying(POLICY).environment(environment).scripted(Scripted::new());
        builder.ledger(Arc::new(MemoryLedger::new())).build().unwrap().describe().unwrap()
    };
    let off = json!(of("LLM_GATEWAY_DISABLED"));
    assert_eq!(off["switches"], json!({"disabled": true, "expensive_disabled": false}));
    for class in off["task_classes"].as_array().unwrap() {
        assert_eq!(class["available"], false);
        assert!(class["unavailable_because"].as_str().unwrap().contains("LLM_GATEWAY_DISABLED"));
    }
    let expensive = json!(of("LLM_GATEWAY_EXPENSIVE_DISABLED"));
    assert_eq!(expensive["switches"], json!({"disabled": false, "expensive_disabled": true}));
    assert_eq!(expensive["task_classes"][0]["available"], true);
    let on = json!(of("LLM_GATEWAY_LEDGER"));
    assert_eq!(on["switches"], json!({"disabled": false, "expensive_disabled": false}));
}

#[test]
fn a_name_that_means_a_limit_and_is_none_lets_nothing_run() {
    let problem = |name: &str| {
        let environment = counting().with(name, "5");
        let builder = obeying(POLICY).environment(environment).scripted(Scripted::new());
        let built = builder.ledger(Arc::new(MemoryLedger::new())).build();
        built.err().map(|problems| Error::from(&problems).to_string())
    };
    for name in [
        "LLM_GATEWAY_MONTHLY_CAP",
        "LLM_GATEWAY_CAPS_TOTAL",
        "LLM_GATEWAY_CAP",
        "LLM_GATEWAY_TOTAL_CAP_MONTHLY",
        "LLM_GATEWAY_OPENAI_CAP",
        "llm_gateway_cap_total_monthly",
        "Llm_Gateway_Cap_Total_Monthly",
        "LLM_GATEWAY_cap_total_monthly",
        "LLM_GATEWAY_TOTAL_MONTHLY",
        "LLM_GATEWAY_LIMIT_MONTHLY",
        "LLM_GATEWAY_LIMIT_DAILY",
        "LLM_GATEWAY_CAP_TOTAL_WEEKLY",
        "LLM_GATEWAY_CAP_SESSIONS",
        "LLM_GATEWAY_disabled",
        "llm_gateway_disabled",
        "LLM_GATEWAY_IS_DISABLED",
        "LLM_GATEWAY_EXPENSIVEDISABLED",
        "LLM_GATEWAY_CHEAP_DISABLED",
    ] {
        let problem = problem(name).unwrap_or_else(|| panic!("{name} lets calls run"));
        assert!(problem.contains(name), "{problem}");
    }
    for name in ["LLM_GATEWAY_LOG", "LLM_GATEWAY_DISABLE", "MY_CAP", "OTHER_DISABLED"] {
        assert_eq!(problem(name), None, "{name}");
    }
}
