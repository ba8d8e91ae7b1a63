//! The place of the ledger's file matters only where the file is used.

use std::sync::Arc;

use llm_gateway_core::config::PolicyProblems;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::{Category, Environment, Gateway, GatewayBuilder, Request};

const POLICY: &str = "defaults: {q: {provider: openai, model: gpt-6-luna, max_tokens: 100000}}";

/// The variables of a service under systemd, of a container with an arbitrary user, of a tenant:
/// there is no `HOME`.
fn capped() -> Environment {
    Environment::empty().with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "25")
}

fn problems(built: Result<Gateway, PolicyProblems>) -> Option<String> {
    built.err().map(|it| it.to_string())
}

fn owned() -> GatewayBuilder {
    Gateway::builder().policy_yaml(POLICY).ledger(Arc::new(MemoryLedger::new()))
}

#[test]
fn a_ledger_of_ones_own_needs_no_place() {
    let built = Gateway::builder().environment(capped()).ledger(Arc::new(MemoryLedger::new()));
    // Without the network it is the policy's own models that cannot be asked.
    let built = if cfg!(feature = "reqwest") { built } else { built.offline() };
    assert_eq!(problems(built.build()), None);
}

#[test]
fn offline_writes_no_file() {
    let built = Gateway::builder().environment(capped()).offline().build();
    assert_eq!(problems(built), None);
}

#[test]
fn the_file_needs_one() {
    let built = Gateway::builder().environment(capped()).build();
    assert!(problems(built).is_some_and(|it| it.contains("HOME")));
}

#[test]
fn whatever_turns_the_ledger_on_needs_no_place_either() {
    let switches = [
        ("LLM_GATEWAY_LEDGER", "1"),
        ("LLM_GATEWAY_CAP_TOTAL_DAILY", "25"),
        ("LLM_GATEWAY_CAP_OPENAI_MONTHLY", "25"),
    ];
    let places = [("HOME", "not/absolute"), ("XDG_STATE_HOME", "~/state"), ("HOME", "")];
    for (name, value) in switches {
        for (place, path) in places {
            let environment = || Environment::empty().with(name, value).with(place, path);
            let offline = Gateway::builder().policy_yaml(POLICY).offline();
            for builder in [owned().offline(), offline] {
                let gateway = builder.environment(environment()).build().unwrap();
                assert_eq!(gateway.problems(), [], "{name}, {place}={path}");
            }
        }
    }
}

/// A path that somebody wrote and that cannot be used is told, although nothing is lost by it.
#[test]
fn a_written_place_that_cannot_be_used_is_a_warning() {
    let environment = capped().with("LLM_GATEWAY_LEDGER_PATH", "ledger.db");
    let gateway = owned().offline().environment(environment).build().unwrap();
    let [problem] = gateway.problems() else { panic!("{:?}", gateway.problems()) };
    assert!(problem.message.starts_with("LLM_GATEWAY_LEDGER_PATH is not an absolute path"));
}

#[tokio::test]
async fn the_caps_hold_all_the_same() {
    let environment = || Environment::empty().with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "0.0001");
    let offline = || Gateway::builder().policy_yaml(POLICY).offline();
    for builder in [owned().offline(), offline()] {
        let gateway = builder.environment(environment()).build().unwrap();
        let failure = gateway.route(Request::new("q", "hello")).await.unwrap_err();
        assert_eq!(failure.category(), Category::PolicyBlocked);
        assert!(failure.error().cap().is_some());
        let report = gateway.spent(None, SpendBy::Model).await.unwrap();
        assert_eq!(report.caps.len(), 1);
        // A policy that takes this one's place needs no place either.
        let source = llm_gateway_core::config::PolicySource::Text(POLICY.to_owned());
        let next = gateway.with_policy(source);
        assert!(next.policy_error().is_none() && next.problems().is_empty());
        assert!(next.route(Request::new("q", "hello")).await.is_err());
    }
}
