//! A program of somebody's own: it decides which changes may be merged.
//!
//!     cargo run --manifest-path examples/embedded/Cargo.toml
//!
//! A rule in this process is asked first, which costs nothing. What it lets through is put before
//! two models that do not see each other, under a budget, and their certificate is read before they
//! are believed. The models are scripted; without `.scripted(...)`, and with the process's
//! environment, they are the real ones.

use std::sync::Arc;

use anyhow::{bail, ensure};
use async_trait::async_trait;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{Completion, Usage};
use llm_gateway_core::outcome::Consensus;
use llm_gateway_core::policy::Level;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{
    Category, Envelope, Environment, Error, Failure, Gateway, PanelAnswer, Request, Scripted,
};

/// Answers by a rule, without a network.
struct House;

#[async_trait]
impl Provider for House {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, prepared: &Prepared, _: &Recorder) -> Result<Completion, Error> {
        let is_marked = prepared.call.prompt.texts().any(|text| text.contains("DO NOT MERGE"));
        let mut completion = Completion::text(if is_marked { "no" } else { "yes" });
        completion.usage = Some(Usage::new(1, 1));
        Ok(completion)
    }
}

/// What becomes of a change.
#[derive(Debug, PartialEq)]
enum Decision {
    Merge,
    Reject(String),
    /// A person must look at it.
    AskAPerson(String),
    /// There is no money left to ask for.
    OutOfMoney(String),
}

async fn decide(gateway: &Gateway, change: &str) -> Result<Decision, Failure> {
    let lint = gateway.route(Request::new("lint", change)).await?;
    if lint.text() == "no" {
        return Ok(Decision::Reject("it is marked".to_owned()));
    }
    let asked = Request::new("review", change).system("Is this safe to merge? Answer yes or no.");
    match gateway.panel(asked).await {
        Ok(panel) => Ok(judged(&panel)),
        Err(failure) if failure.category() == Category::PolicyBlocked => {
            let left = failure.error().cap().and_then(|cap| cap.left_usd);
            let why =
                left.map(|left| format!("{left} is left")).unwrap_or_else(|| failure.to_string());
            Ok(Decision::OutOfMoney(why))
        }
        // Whoever could not be asked, a person can.
        Err(failure) if failure.category() == Category::Quorum => {
            let members = failure.panel().map(|panel| panel.members.as_slice()).unwrap_or_default();
            let why = members.iter().find_map(|member| member.as_ref().err());
            Ok(Decision::AskAPerson(why.unwrap_or(&failure).category().to_string()))
        }
        Err(failure) => Err(failure),
    }
}

/// Believes a panel only if its members are shown to be independent, and agree.
fn judged(panel: &PanelAnswer) -> Decision {
    let certificate = panel.certificate();
    if !certificate.independence_certified() || certificate.level < Level::VendorDistinct {
        let claims = certificate.claims.named();
        let open = claims.into_iter().find(|(_, claim)| claim.result.to_string() != "pass");
        return Decision::AskAPerson(
            open.map(|(name, claim)| format!("{name}: {}", claim.because)).unwrap_or_default(),
        );
    }
    let said = panel.answers().next().map(|answer| answer.text().to_lowercase());
    let said = said.as_deref().map(|said| said.trim_end_matches('.'));
    match (panel.agreement.outcome, said) {
        (Consensus::Unanimous, Some("yes")) => Decision::Merge,
        (Consensus::Unanimous, _) => Decision::Reject("both models say no".to_owned()),
        _ => Decision::AskAPerson("the models do not agree".to_owned()),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let script = Scripted::new()
        .answer("Yes")
        .answer("yes")
        .answer("yes")
        .answer("no")
        .answer("yes")
        .status(401)
        .strict();
    let gateway = Gateway::builder()
        .policy_yaml(include_str!("../policy.yaml"))
        // Nothing of the environment: no base URL, no cap and no switch of whoever starts it.
        .environment(Environment::empty())
        .ledger(Arc::new(MemoryLedger::new()))
        .provider("house", Arc::new(House))
        .scripted(script)
        .build()?;
    let long = "a generated line\n".repeat(4000);
    for (change, expected) in [
        ("fix a typo", Decision::Merge),
        ("DO NOT MERGE: half done", Decision::Reject("it is marked".to_owned())),
        ("rewrite the parser", Decision::AskAPerson("the models do not agree".to_owned())),
        ("add a cache", Decision::AskAPerson("auth".to_owned())),
        (&long, Decision::OutOfMoney("$0.009812 is left".to_owned())),
    ] {
        let decision = decide(&gateway, change).await?;
        println!("{:.25}: {decision:?}", change.lines().next().unwrap_or_default());
        ensure!(decision == expected, "expected {expected:?}");
    }
    let spent = gateway.spent(None, SpendBy::TaskClass).await?;
    for cap in &spent.caps {
        println!("{} is left of {}", cap.left, cap.cap.limit);
    }

    // What goes wrong is an envelope as well, such as a front end would pass on.
    let Err(failure) = gateway.route(Request::new("lnit", "x")).await else {
        bail!("there is no such class")
    };
    ensure!(failure.category() == Category::UnknownTaskClass, "{failure}");
    println!("{failure}: {}", failure.error().hint().unwrap_or_default());
    println!("{:#}", serde_json::to_value(Envelope::from(&failure))?);
    Ok(())
}
