//! A provider that bills more than the worst case exceeds a bound once, but not twice.

use std::sync::Arc;

use llm_gateway_core::ledger::MemoryLedger;
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::outcome::Ending;
use llm_gateway_core::{
    Category, Environment, Failure, Gateway, OrchestrationOutcome, Scripted, Task,
};
use serde_json::json;

use super::money::spent;
use super::{Echo, POLICY, TASK, builder, keys};
use crate::support::obeying;

/// Adds an answer of the worker that is billed at $1, despite a bound of 100 tokens.
fn overbilled(script: Scripted, text: &str) -> Scripted {
    let answer = json!({
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 100_000}
    });
    script.raw(200, answer.to_string())
}

/// Returns a script of a refused round, and one that is accepted.
fn two_rounds() -> Scripted {
    let script = overbilled(Scripted::new().answer("plan one"), "Lyon.").answer("REVISE: wrong");
    overbilled(script.answer("plan two"), "Paris.").answer("ACCEPT")
}

async fn complex(gateway: &Gateway) -> Result<OrchestrationOutcome, Failure> {
    gateway.orchestrate(Task::new(TASK).depth("complex")).await
}

/// Asserts that the second round is refused, and that the first is kept with its verdict.
#[track_caller]
fn ends_after_the_first_round(outcome: Result<OrchestrationOutcome, Failure>, script: &Scripted) {
    let failure = outcome.expect_err("the bound is passed");
    assert_eq!(failure.category(), Category::PolicyBlocked, "{failure}");
    assert_eq!(failure.failed_stage(), Some("plan"));
    let work = failure.orchestration().unwrap();
    assert_eq!((work.artifact(), work.rounds.len()), (Some("Lyon."), 2));
    assert_eq!(work.verdict().unwrap().reasons, ["wrong"]);
    assert_eq!(script.requests().len(), 3, "what was made was judged, and nothing more made");
}

#[tokio::test]
async fn no_further_round_passes_a_cap_that_is_passed_already() {
    let environment =
        |cap: &str| -> Environment { keys().with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", cap) };
    let (script, ledger) = (two_rounds(), Arc::new(MemoryLedger::new()));
    let gateway = builder(POLICY, &script, &ledger).environment(environment("0.5"));
    ends_after_the_first_round(complex(&gateway.build().unwrap()).await, &script);
    let after = spent(&ledger).await;
    assert_eq!(after.held, NanoUsd::ZERO);
    assert!((1.0..1.1).contains(&after.settled.as_usd()), "{}", after.settled);

    let (script, ledger) = (two_rounds(), Arc::new(MemoryLedger::new()));
    let gateway = builder(POLICY, &script, &ledger).environment(environment("5"));
    let done = complex(&gateway.build().unwrap()).await.unwrap();
    assert_eq!((done.ending.clone(), done.artifact()), (Ending::Success, Some("Paris.")));
    let after = spent(&ledger).await;
    assert_eq!((Some(after.settled), after.held), (done.total_cost(), NanoUsd::ZERO));
}

#[tokio::test]
async fn no_further_round_passes_max_usd_with_or_without_a_ledger() {
    let bounded =
        |usd| POLICY.replace("  verdict: plain", &format!("  verdict: plain\n  max_usd: {usd}"));
    let unbooked = |policy: &str, script: &Scripted| {
        let gateway = obeying(policy).environment(keys());
        gateway.transport(Arc::new(Echo(script.clone()))).build().unwrap()
    };
    let script = two_rounds();
    let gateway = builder(&bounded("0.5"), &script, &Arc::default()).build().unwrap();
    ends_after_the_first_round(complex(&gateway).await, &script);

    let script = two_rounds();
    ends_after_the_first_round(complex(&unbooked(&bounded("0.5"), &script)).await, &script);

    let script = two_rounds();
    let done = complex(&unbooked(&bounded("5"), &script)).await.unwrap();
    assert_eq!(done.ending, Ending::Success);
}
