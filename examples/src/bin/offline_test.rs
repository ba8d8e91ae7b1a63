//! Tests a program that uses the gateway, without a mock server, a network or a key.
//!
//!     cargo run --bin offline_test
//!
//! `Gateway::for_tests` takes nothing from the machine, so that a test returns the same bytes
//! everywhere. `Scripted` takes the place of the network: each call takes the next step of the
//! script, or of its target's own, which is an answer or a fault. Requests are encoded and
//! responses decoded as they are online. `finish` fails if a step was not used.
#![allow(clippy::print_stdout)] // an example shows its result

use anyhow::Context;
use llm_gateway_core::outcome::AttemptOutcome;
use llm_gateway_core::{Category, Envelope, Gateway, Request, Scripted};

/// A policy of one task class with a fallback. Nothing is retried, so that the scripts are short.
const POLICY: &str = "
defaults:
  geography: {provider: openai, model: gpt-6-luna, max_tokens: 100}
fallback:
  geography: [{provider: anthropic, model: claude-haiku-5-5}]
reliability: {retry: {max_retries: 0}}
";

fn question() -> Request {
    Request::new("geography", "What is the capital of Australia?")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let gateway = |script: &Scripted| Gateway::for_tests(POLICY, script.clone());

    // The model answers. A strict script refuses what goes beyond it.
    let script = Scripted::new().answer("Canberra").strict();
    let answer = gateway(&script)?.route(question()).await?;
    assert_eq!(answer.text(), "Canberra");
    script.finish()?;

    // The same test returns the same envelope, to the byte.
    let again = gateway(&Scripted::new().answer("Canberra"))?.route(question()).await?;
    let bytes = |answer| serde_json::to_vec(&Envelope::from(answer));
    assert_eq!(bytes(&again)?, bytes(&answer)?);

    // The first model fails and the fallback answers. The script speaks the dialect of each.
    let script = Scripted::new()
        .target("openai/gpt-6-luna", Scripted::new().status(401))
        .target("anthropic/claude-haiku-5-5", Scripted::new().answer("Canberra"))
        .strict();
    let answer = gateway(&script)?.route(question()).await?;
    script.finish()?;
    let outcomes: Vec<_> = answer.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Failed(Category::Auth), AttemptOutcome::Ok]);
    assert_eq!(answer.target.to_string(), "anthropic/claude-haiku-5-5");

    // A fault of the caller ends the request. Any other fault asks the fallback.
    for (status, category, tries) in [
        (400, Category::InvalidRequest, 1),
        (404, Category::ModelNotFound, 2),
        (429, Category::RateLimit, 2),
        (500, Category::Provider5xx, 2),
    ] {
        let script = Scripted::new().status(status).status(status);
        let failure = gateway(&script)?.route(question()).await.err().context("no failure")?;
        assert_eq!((failure.category(), failure.attempts().len()), (category, tries));
        println!("{status} is {category} after {tries} tries: {failure}");
    }
    Ok(())
}
