//! Tests of builds without an adapter: what is refused, and what still works. With all features on,
//! the same policies build.

use std::sync::Arc;

use llm_gateway_core::config::PolicyProblems;
use llm_gateway_core::ledger::MemoryLedger;
use llm_gateway_core::model::Completion;
use llm_gateway_core::{Environment, Gateway, GatewayBuilder, Request};

use crate::support::{obeying, own_provider};

const POLICY: &str = "defaults: {ask: {provider: openai, model: gpt-6-luna}}";

/// A policy whose only target is a provider of the program.
const OWN: &str = "
defaults: {ask: {provider: house, model: parrot}}
providers: {house: {models: {parrot: {in: 0, out: 0}}}}
";

fn with_a_cap(policy: &str) -> GatewayBuilder {
    let environment = Environment::empty()
        .with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "25")
        .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    obeying(policy).environment(environment)
}

/// Asserts that a build fails over a missing adapter exactly if its feature is off.
fn needs(feature: &str, is_on: bool, built: Result<Gateway, PolicyProblems>) {
    match built {
        Ok(_) => assert!(is_on, "built without the feature `{feature}`"),
        Err(problems) => {
            assert!(!is_on, "{problems}");
            let [problem] = problems.diagnostics() else { panic!("{problems}") };
            assert_eq!(problem.file, "build");
            assert!(problem.hint.contains(&format!("enable the feature `{feature}`")), "{problem}");
        }
    }
}

#[test]
fn a_policy_of_remote_models_needs_a_transport() {
    needs("reqwest", cfg!(feature = "reqwest"), obeying(POLICY).build());
}

#[test]
fn a_role_of_an_orchestration_needs_a_transport_too() {
    let policy = format!(
        "{OWN}\norchestration: {{roles: {{worker: {{provider: openai, model: gpt-6-luna}}}}}}"
    );
    let built =
        obeying(policy).provider("house", own_provider(|_| Ok(Completion::text("hello")))).build();
    needs("reqwest", cfg!(feature = "reqwest"), built);
}

#[test]
fn a_cap_needs_a_ledger_file() {
    // The memory of one process is no ledger for a cap that holds for all of them.
    let built =
        with_a_cap(OWN).provider("house", own_provider(|_| Ok(Completion::text("hello")))).build();
    needs("sqlite", cfg!(feature = "sqlite"), built);
}

#[tokio::test]
async fn a_server_without_an_adapter_starts_and_says_so() {
    let gateway = obeying(POLICY).build_always();
    let is_on = cfg!(feature = "reqwest");
    assert_eq!(gateway.policy().is_ok(), is_on);
    assert_eq!(gateway.problems().is_empty(), is_on);
}

#[tokio::test]
async fn what_the_program_brings_needs_no_feature() {
    let own = with_a_cap(OWN).ledger(Arc::new(MemoryLedger::new()));
    let own =
        own.provider("house", own_provider(|_| Ok(Completion::text("hello")))).build().unwrap();
    assert_eq!(own.route(Request::new("ask", "hi")).await.unwrap().text(), "hello");
    let offline = with_a_cap(POLICY).offline().build().unwrap();
    offline.route(Request::new("ask", "hi")).await.unwrap();
}
