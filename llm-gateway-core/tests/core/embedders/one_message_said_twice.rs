//! A chain of errors says each thing once.

use std::error::Error as _;

use llm_gateway_core::config::PolicyProblems;
use llm_gateway_core::ledger::{Day, Month, Problem, ReserveError, UnusableLedger};
use llm_gateway_core::model::{ModelId, NanoUsd, ProviderName};
use llm_gateway_core::transport::{Phase, TransportError};
use llm_gateway_core::{Category, Environment, Error, Failure, Gateway, Request, Scripted};

#[tokio::test]
async fn a_chain_says_each_thing_once() {
    let policy = "defaults: {q: {provider: openai, model: gpt-6-luna}}\nreliability: {retry: {max_retries: 0}}";
    let gateway = Gateway::builder()
        .policy_yaml(policy)
        .environment(Environment::empty())
        .scripted(Scripted::new().status(401))
        .build()
        .unwrap();
    let failure = gateway.route(Request::new("q", "hello")).await.unwrap_err();
    let message = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        assert_ne!(error.to_string(), message, "a cause repeats what it is the cause of");
        cause = error.source();
    }
    assert_eq!(format!("{:#}", anyhow::Error::from(failure)).matches("answered 401").count(), 1);
}

/// The error of a program that wraps those of the gateway.
#[derive(Debug, thiserror::Error)]
enum Wrapped {
    #[error("the work failed")]
    Failed(#[from] Failure),
    #[error("the model failed")]
    Model(#[from] Error),
    #[error("the policy failed")]
    Policy(#[from] PolicyProblems),
    #[error("the ledger failed")]
    Ledger(#[from] ReserveError),
}

/// Returns the messages of a chain of errors, the outermost first.
fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let (mut said, mut next) = (Vec::new(), Some(error));
    while let Some(error) = next {
        said.push(error.to_string());
        next = error.source();
    }
    said
}

/// Checks that a chain says nothing twice, in itself and under the wrappers of programs.
fn check(error: impl std::error::Error + Send + Sync + 'static) {
    let said = chain(&error);
    for (at, message) in said.iter().enumerate() {
        let before = &said[..at];
        assert!(!before.iter().any(|it| it.contains(message.as_str())), "said twice: {said:?}");
    }
    let first = said[0].clone();
    if first.is_empty() {
        return;
    }
    let printed = format!("{:#}", anyhow::Error::from(error).context("the program failed"));
    assert_eq!(printed.matches(&first).count(), 1, "{printed}");
}

/// A cause that repeats its own cause, as careless ones do.
#[derive(Debug, thiserror::Error)]
#[error("outer: {0}")]
struct Careless(#[source] std::io::Error);

#[tokio::test(start_paused = true)]
async fn every_public_error_says_each_thing_once() {
    let policy = "defaults: {q: {provider: openai, model: gpt-6-luna}}\nreliability: {retry: {max_retries: 0}}";
    let gateway = |script| {
        let builder = Gateway::builder().policy_yaml(policy).environment(Environment::empty());
        builder.scripted(script).build().unwrap()
    };
    let scripts = [
        Scripted::new().status(401),
        Scripted::new().status(429),
        Scripted::new().status(500),
        Scripted::new().refuse(),
        Scripted::new().reset(),
        Scripted::new().answer(""),
    ];
    for script in scripts {
        let failure = gateway(script).route(Request::new("q", "hello")).await.unwrap_err();
        check(failure.error().clone());
        check(Wrapped::from(failure.error().clone()));
        check(Wrapped::from(failure.clone()));
        check(failure);
    }
    let failure = gateway(Scripted::new()).route(Request::new("none", "hello")).await.unwrap_err();
    check(failure);
    let broken =
        Gateway::builder().policy_yaml("defaults: {q: 5}").environment(Environment::empty());
    let problems = broken.clone().build().unwrap_err();
    check(Wrapped::from(problems.clone()));
    check(problems);
    check(broken.build_always().route(Request::new("q", "hello")).await.unwrap_err());
    let cause = || std::io::Error::other("disk full");
    let own = [
        Error::new(Category::Internal, "no room: disk full").with_source(cause()),
        Error::new(Category::Internal, "no room").with_source(cause()),
        Error::new(Category::Internal, "no room: outer: disk full").with_source(Careless(cause())),
        Error::new(Category::Internal, "no room")
            .with_source(Error::new(Category::Auth, "no room").with_source(cause())),
        Error::new(Category::Internal, "").with_source(cause()),
    ];
    for error in own {
        let said = chain(&error).join(": ");
        assert_eq!(said.matches("disk full").count(), 1, "{said}");
        check(error);
    }
    let unusable = UnusableLedger::new(Problem::DiskFull, "here", "no room");
    check(ReserveError::from(unusable.clone()));
    check(Wrapped::from(ReserveError::from(unusable.clone())));
    check(Error::from(unusable.clone()));
    check(unusable);
    check(TransportError::new(Phase::Connect, "connection refused"));
    check("key".parse::<Category>().unwrap_err());
    check(ModelId::new("a b").unwrap_err());
    check(ProviderName::new("A b").unwrap_err());
    check(NanoUsd::parse_usd("x").unwrap_err());
    check(Day::parse("x").unwrap_err());
    check(Month::parse("x").unwrap_err());
}
