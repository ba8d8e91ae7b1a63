//! Asks a panel: several models, none of which sees another's answer, and a certificate of how
//! independent they are.
//!
//!     cargo run --bin panel
//!
//! The answers are scripted: two agree, one dissents. The receipt is verified from its bytes alone,
//! as anybody else would do it.
#![allow(clippy::print_stdout)] // an example shows its result

use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
use llm_gateway_core::outcome::Consensus;
use llm_gateway_core::{Category, Gateway, Request, Scripted};

const POLICY: &str = "
defaults:
  second_thoughts:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
      - {provider: gemini, model: gemini-3.8-flash}
    max_tokens: 100
    cost_cap_usd: 0.10
visibility:
  second_thoughts: {mode: blind, require: vendor_distinct, quorum: 2, enforce: hard}
reliability: {retry: {max_retries: 0}}
";

fn question() -> Request {
    Request::new("second_thoughts", "Is 2^31 - 1 prime? Answer yes or no.")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let gateway =
        |script: Scripted| Gateway::builder().policy_yaml(POLICY).scripted(script).build();

    // Two agree, one dissents.
    let script = Scripted::new().answer("Yes.").answer("No.").answer("yes");
    let panel = gateway(script)?.panel(question()).await?;
    assert_eq!(panel.agreement.outcome, Consensus::Majority);
    for cluster in &panel.agreement.clusters {
        println!("members {:?} say {:?}", cluster.members, cluster.gist); // dissent first
    }
    let votes = panel.agreement.n_effective;
    println!("independent votes: at most {} ({})", votes.value, votes.source);

    // The certificate says, claim by claim, what the recorded bytes show.
    for (name, claim) in panel.certificate().claims.named() {
        println!("{name}: {}, {}", claim.result, claim.because);
    }
    assert!(panel.independence_certified());

    // The receipt holds for anybody who has the bundle, too. Without the bundle it is undecided.
    // The digest that came with the answer shows that it is the receipt that was issued.
    let (receipt, bundle) = (panel.receipt.to_bytes(), panel.bundle.to_bytes());
    let given = panel.receipt.digest();
    let against = VerifyOptions::default().with_digest(given);
    assert_eq!(verify(&receipt, against.with_bundle(&bundle)).result, VerifyResult::Holds);
    assert_eq!(verify(&receipt, against).result, VerifyResult::Undecided);
    println!("receipt {} holds", given);

    // Too few answers are an error, which keeps the answers that there are.
    let script = Scripted::new().answer("Yes.").status(500).status(500);
    let Err(failure) = gateway(script)?.panel(question()).await else {
        anyhow::bail!("one answer of three is no panel")
    };
    assert_eq!(failure.category(), Category::Quorum);
    let came = failure.panel().map(|panel| panel.answers().count());
    println!("{failure}; {} came", came.unwrap_or_default());
    Ok(())
}
