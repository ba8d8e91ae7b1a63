//! Caps and switches that the program sets in code, beside those of variables and of the policy.

use std::sync::Arc;

use llm_gateway_core::config::{Diagnostic, PolicySource, Severity};
use llm_gateway_core::ledger::{Cap, MemoryLedger, Per, Scope, SpendBy};
use llm_gateway_core::model::{NanoUsd, ProviderName, TaskClass};
use llm_gateway_core::outcome::BlockedBy;
use llm_gateway_core::policy::Caps;
use llm_gateway_core::{
    Category, Environment, Error, Gateway, GatewayBuilder, Request, Scripted, Task,
};

use crate::support::{WORST_CASE, ask, obeying};

const POLICY: &str = "
providers:
  openai: {models: {m: {in: 1, out: 10}, dear: {in: 100, out: 1000}}}
  anthropic: {models: {m: {in: 1, out: 10}}}
defaults:
  quick: {provider: openai, model: m, max_tokens: 100BUDGET}
  dear: {provider: openai, model: dear, max_tokens: 2000}
  unpriced: {provider: openai, model: nobody-knows}
  two:
    members: [{provider: openai, model: m}, {provider: anthropic, model: m}]
    max_tokens: 100
  sums:
    cascade:
      gate: [{provider: openai, model: m}, {provider: anthropic, model: m}]
      else: {provider: openai, model: m}
    max_tokens: 100
orchestration:
  roles:
    worker: {provider: openai, model: m, max_tokens: 100}
    verifier: {provider: anthropic, model: m, max_tokens: 100}
reliability: {retry: {max_retries: 0}}
";

fn builder() -> GatewayBuilder {
    let environment = Environment::empty().with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    let builder = obeying(POLICY.replace("BUDGET", "")).environment(environment);
    builder.scripted(Scripted::new()).ledger(Arc::new(MemoryLedger::new()))
}

fn nanos(nanos: u64) -> NanoUsd {
    NanoUsd::from_nanos(nanos)
}

fn on_openai(per: Per, limit: NanoUsd) -> Cap {
    Cap::new(Scope::Provider(ProviderName::new("openai").unwrap()), per, limit)
}

fn on_class(class: &str, per: Per, limit: NanoUsd) -> Cap {
    Cap::new(Scope::Class(TaskClass::new(class).unwrap()), per, limit)
}

async fn refused(gateway: &Gateway, class: &str) -> Error {
    ask(gateway, class).await.unwrap_err().error().clone()
}

fn problems(builder: GatewayBuilder) -> Vec<Diagnostic> {
    let problems = builder.build().unwrap_err();
    let errors = problems.diagnostics().iter().filter(|it| it.severity == Severity::Error);
    errors.cloned().collect()
}

#[tokio::test]
async fn a_cap_in_code_limits_its_scope_in_its_period_to_the_nano_dollar() {
    for per in [Per::Session, Per::Day, Per::Month] {
        for cap in [
            Cap::new(Scope::Total, per, nanos(WORST_CASE)),
            on_openai(per, nanos(WORST_CASE)),
            on_class("quick", per, nanos(WORST_CASE)),
        ] {
            let exact = builder().caps(Caps::new().with(cap.clone())).build().unwrap();
            ask(&exact, "quick").await.unwrap();
            let error = refused(&exact, "quick").await;
            assert_eq!(error.blocked_by(), Some(BlockedBy::Cap), "{cap}");
            let hint = error.hint().unwrap();
            assert!(hint.contains(&format!("`{}` of the program", cap.key())), "{hint}");
            let below = Cap::new(cap.scope, per, nanos(WORST_CASE - 1));
            let below = builder().caps(Caps::new().with(below)).build().unwrap();
            assert_eq!(refused(&below, "quick").await.category(), Category::PolicyBlocked);
        }
    }
}

#[tokio::test]
async fn of_what_the_program_its_user_and_the_policy_set_the_lowest_counts() {
    let (low, high) = (WORST_CASE - 1, 10 * WORST_CASE);
    for (code, variable, is_allowed) in [(low, high, false), (high, low, false), (high, high, true)]
    {
        let usd = nanos(variable).to_string();
        let environment = Environment::empty()
            .with("LLM_GATEWAY_CAP_TOTAL_DAILY", usd.trim_start_matches('$'))
            .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
        let caps = Caps::new().everything(Per::Day, nanos(code));
        let gateway = builder().environment(environment).caps(caps).build().unwrap();
        assert_eq!(ask(&gateway, "quick").await.is_ok(), is_allowed, "{code} {variable}");
    }
    let budget = ", budget: {usd: 0.0000001, per: day}";
    let policy = POLICY.replace("BUDGET", budget);
    let caps = Caps::new().with(on_class("quick", Per::Day, nanos(100)));
    let gateway = builder().policy_yaml(policy).caps(caps).build().unwrap();
    let hint = refused(&gateway, "quick").await.hint().unwrap().to_owned();
    let both = "defaults.quick.budget and `class:quick/day` of the program";
    assert!(hint.contains(both), "{hint}");
}

#[tokio::test]
async fn a_limit_of_zero_in_code_refuses_what_costs_anything() {
    let caps = Caps::new().everything(Per::Session, NanoUsd::ZERO);
    let gateway = builder().caps(caps).build().unwrap();
    assert_eq!(refused(&gateway, "quick").await.blocked_by(), Some(BlockedBy::Cap));
}

#[tokio::test]
async fn a_switch_in_code_refuses_every_shape_unsent_and_says_who_set_it() {
    let script = Scripted::new();
    let caps = Caps::new().refuse_all();
    let gateway = builder().scripted(script.clone()).caps(caps).build().unwrap();
    let mut errors = Vec::new();
    for class in ["quick", "two", "sums", "unpriced"] {
        errors.push(gateway.start(Request::new(class, "hi")).await.unwrap_err().error().clone());
    }
    errors.push(gateway.orchestrate(Task::new("hi")).await.unwrap_err().error().clone());
    for error in errors {
        assert_eq!(error.blocked_by(), Some(BlockedBy::Switch));
        assert!(error.message().contains("the program has switched calls off"), "{error}");
        assert!(error.hint().unwrap().contains("`Caps`"), "{error:?}");
    }
    assert!(script.requests().is_empty());
    let description = gateway.describe().unwrap();
    assert!(description.switches.disabled);
    assert!(description.task_classes.iter().all(|class| !class.available));
}

#[tokio::test]
async fn a_switch_against_expensive_calls_leaves_the_others() {
    let gateway = builder().caps(Caps::new().refuse_expensive()).build().unwrap();
    ask(&gateway, "quick").await.unwrap();
    for class in ["dear", "unpriced"] {
        let error = refused(&gateway, class).await;
        assert_eq!(error.blocked_by(), Some(BlockedBy::Switch), "{class}");
        assert!(error.message().contains("the program has switched expensive calls off"));
    }
}

#[tokio::test]
async fn a_variable_that_is_set_too_is_the_one_that_is_named() {
    let environment = Environment::empty().with("LLM_GATEWAY_DISABLED", "1");
    let gateway = builder().environment(environment).caps(Caps::new().refuse_all());
    let error = refused(&gateway.build().unwrap(), "quick").await;
    assert!(error.message().contains("LLM_GATEWAY_DISABLED is set"), "{error}");
}

#[tokio::test]
async fn caps_in_code_outlive_a_new_policy() {
    let caps = Caps::new().everything(Per::Day, nanos(WORST_CASE));
    let gateway = builder().caps(caps).build().unwrap();
    ask(&gateway, "quick").await.unwrap();
    let gateway = gateway.with_policy(PolicySource::Text(POLICY.replace("BUDGET", "")));
    assert_eq!(refused(&gateway, "quick").await.blocked_by(), Some(BlockedBy::Cap));
    let report = gateway.spent(None, SpendBy::Model).await.unwrap();
    assert_eq!(report.caps.len(), 1);
}

#[test]
fn a_cap_on_what_the_policy_does_not_have_is_a_problem_of_the_build() {
    let of = |name: &str| Scope::Provider(ProviderName::new(name).unwrap());
    for (cap, named, hint) in [
        (Cap::new(of("opneai"), Per::Day, nanos(1)), "provider `opneai`", "did you mean `openai`?"),
        (on_class("quik", Per::Day, nanos(1)), "task class `quik`", "did you mean `quick`?"),
        (on_class("zzzzzz", Per::Session, nanos(1)), "task class `zzzzzz`", "use one of: quick"),
    ] {
        let problems = problems(builder().caps(Caps::new().with(cap)));
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert!(problem.message.contains(named) && problem.hint.contains(hint), "{problem}");
        assert_eq!(problem.file, "build");
    }
    let tasks = Caps::new().with(on_class("orchestrate", Per::Day, nanos(1)));
    assert!(builder().caps(tasks).build().is_ok());
}

#[tokio::test]
async fn a_cap_that_is_set_twice_is_named_once() {
    let cap = || Cap::new(Scope::Total, Per::Day, nanos(1));
    let gateway = builder().caps(Caps::new().with(cap()).with(cap())).build().unwrap();
    let error = refused(&gateway, "quick").await;
    assert_eq!(error.hint().unwrap().matches("total/day").count(), 1, "{error:?}");
}

/// Builds on the network and the ledger's file, which not every build has.
#[cfg(all(feature = "reqwest", feature = "sqlite"))]
#[test]
fn without_a_cap_nothing_is_asked_for() {
    let bare = || obeying(POLICY.replace("BUDGET", ""));
    assert!(bare().caps(Caps::new()).build().unwrap().ledger().is_none());
    assert!(bare().caps(Caps::new().everything(Per::Session, nanos(1))).build().is_ok());
    // A day takes a ledger, and without a place for its file the gateway is not built.
    let day = Caps::new().everything(Per::Day, nanos(1));
    assert!(problems(bare().caps(day))[0].message.contains("HOME"));
}
