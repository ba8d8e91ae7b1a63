//! Tests of the gateway's reports about its spending.

use std::sync::Arc;

use llm_gateway_core::describe::Description;
use llm_gateway_core::ledger::{MemoryLedger, Month, PeriodSpend, SpendBy};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::spend::SpendState;
use llm_gateway_core::{Category, Environment, GatewayBuilder, Request};
use serde_json::{Value, json};

use crate::ledgers::Silent;
use crate::support::obeying;

const POLICY: &str = "
providers: {openai: {models: {m: {in: 1, out: 10}}}}
defaults: {quick: {provider: openai, model: m, max_tokens: 100}}
";

fn builder(variables: &[(&str, &str)]) -> GatewayBuilder {
    let environment = variables
        .iter()
        .fold(Environment::empty(), |environment, (name, value)| environment.with(*name, *value));
    let environment = environment.with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    obeying(POLICY).environment(environment).offline()
}

fn spend_of(description: &Description) -> Value {
    json!(description)["spend"].clone()
}

#[tokio::test]
async fn a_report_has_the_shape_of_the_contract() {
    let caps =
        [("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "1"), ("LLM_GATEWAY_CAP_OPENAI_MONTHLY", "0.000000001")];
    // The first process has no cap.
    let ledger = Arc::new(MemoryLedger::new());
    let uncapped = builder(&[]).ledger(ledger.clone()).build().unwrap();
    let answer = uncapped.route(Request::new("quick", "hi")).await.unwrap();
    let cost = answer.cost.amount.unwrap();
    uncapped.drain().await.unwrap();

    let gateway = builder(&caps).ledger(ledger).build().unwrap();
    let report = gateway.spent(None, SpendBy::Model).await.unwrap();
    let left = NanoUsd::from_nanos(1_000_000_000 - cost.as_nanos());
    let totals = json!({
        "month": "2026-11", "total_usd": cost, "held_usd": 0.0, "unsettled_usd": 0.0,
        "caps": {
            "total/month": { "cap_usd": 1.0, "left_usd": left },
            "openai/month": { "cap_usd": 1e-9, "left_usd": 0.0 },
        },
    });
    let mut expected = totals.clone();
    expected["rows"] = json!([{ "model": "m", "cost_usd": cost, "calls": 1 }]);
    assert_eq!(json!(report), expected);

    let mut expected = totals;
    expected["enabled"] = json!(true);
    assert_eq!(spend_of(&gateway.describe_with_spend().await.unwrap()), expected);
    assert_eq!(spend_of(&gateway.describe().unwrap()), Value::Null, "nobody asked");
}

#[tokio::test]
async fn another_month_is_another_count() {
    let gateway = builder(&[]).ledger(Arc::new(MemoryLedger::new())).build().unwrap();
    gateway.route(Request::new("quick", "hi")).await.unwrap();
    let october = Month::parse("2026-10").unwrap();
    let report = gateway.spent(Some(october.into()), SpendBy::Provider).await.unwrap();
    assert_eq!(report.spent, PeriodSpend::new(october.into()));
    let november = gateway.spent(None, SpendBy::Provider).await.unwrap();
    assert_eq!(november.spent.rows.len(), 1);
}

#[tokio::test]
async fn without_a_ledger_that_is_what_is_told() {
    let gateway = builder(&[]).build().unwrap();
    let description = gateway.describe_with_spend().await.unwrap();
    assert_eq!(spend_of(&description), json!({ "enabled": false }));
    let error = gateway.spent(None, SpendBy::Provider).await.unwrap_err();
    assert_eq!(error.category(), Category::Ledger);
    assert!(error.hint().unwrap().contains("LLM_GATEWAY_LEDGER=1"));
    assert_eq!(gateway.drop_unsettled(None).await.unwrap_err().category(), Category::Ledger);
}

#[tokio::test]
async fn without_a_policy_nothing_is_known_of_the_ledger() {
    let gateway = obeying("defaults: {}").offline().build_always();
    assert!(gateway.describe_with_spend().await.is_err());
    let error = gateway.spent(None, SpendBy::Provider).await.unwrap_err();
    assert_eq!(error.category(), Category::PolicyInvalid);
    assert_eq!(gateway.drop_unsettled(None).await.unwrap_err().category(), Category::PolicyInvalid);
}

#[tokio::test(start_paused = true)]
async fn a_description_waits_a_second_for_the_ledger_and_no_longer() {
    let gateway = builder(&[]).ledger(Arc::new(Silent::Locked)).build().unwrap();
    let began = tokio::time::Instant::now();
    let description = gateway.describe_with_spend().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 1);
    let Some(SpendState::Unknown { error, hint, .. }) = &description.spend else {
        panic!("{:?}", description.spend);
    };
    let told = json!({ "enabled": true, "error": error, "hint": hint });
    assert_eq!(spend_of(&description), told);
    assert!(error.contains("within 1 s"), "{error}");
    assert_eq!(description.task_classes.len(), 1, "all the rest is told");
}
