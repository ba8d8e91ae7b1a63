//! Measures how long the certificate of a panel takes: `certify`, `Receipt::issue` (which certifies
//! and digests) and `verify`, over three members with prompts of 100 kB.
//!
//! ```console
//! $ cargo run --release --package llm-gateway-benches --bin certificate
//! ```
//!
//! The evidence comes from a real panel of the embedded policy with a scripted network: three
//! dialects, answered as streams. The floor is one SHA-256 over the same bytes, the least that a
//! digest of them can cost, measured in the same rounds. A receipt digests each request twice
//! (committed and sent) and `certify` reads each of them again, so its ratio cannot come near 1.
#![allow(clippy::disallowed_methods)] // a benchmark reads the machine's clock
#![allow(clippy::print_stdout)] // and prints what it measured

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use llm_gateway_core::certificate::{
    Evidence, Kinship, Particulars, Receipt, RecordedBody, Rules, Salt, VerifyOptions, certify,
    verify,
};
use llm_gateway_core::policy::Level;
use llm_gateway_core::{Environment, Gateway, Request, Scripted};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The number of measurements of each function. On a noisy machine, their median varies by a tenth.
const ROUNDS: usize = 300;

/// The length of the prompt in characters: a long file with a question.
const PROMPT: usize = 100_000;

/// The length of each answer in characters: two pages.
const ANSWER: usize = 4_000;

/// A panel that has answered: its evidence, and the documents to verify.
struct PanelRun {
    evidence: Evidence,
    kinship: Kinship,
    receipt: Vec<u8>,
    bundle: Vec<u8>,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(ask())?;
    let bytes = recorded(&asked.evidence);
    let total: usize = bytes.iter().map(|body| body.len()).sum();
    println!("{} bodies of {total} bytes together; {ROUNDS} rounds, medians", bytes.len());
    let (floor, figures) = measure(&asked, &bytes)?;
    println!("| what | time | floor | ratio |");
    println!("|---|---|---|---|");
    for (what, time) in figures {
        let (time, floor) = (micros(time), micros(floor));
        println!("| {what} | {time:.0} us | {floor:.0} us | {:.1} |", time / floor);
    }
    Ok(())
}

/// Returns the median of the floor and of each function. They take turns, so that other load on the
/// machine affects all of them.
fn measure(
    asked: &PanelRun,
    bytes: &[&[u8]],
) -> anyhow::Result<(Duration, [(&'static str, Duration); 3])> {
    let PanelRun { evidence, kinship, receipt, bundle } = asked;
    let rules = Rules::new(Level::VendorDistinct, None);
    let certificate = certify(evidence, &rules, kinship);
    ensure!(certificate.independence_certified(), "not certified: {:?}", certificate.claims);

    let (mut floor, mut certifying) = (Vec::new(), Vec::new());
    let (mut issuing, mut verifying) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floor.push(timed(|| {
            let mut hasher = Sha256::new();
            bytes.iter().for_each(|body| hasher.update(body));
            hasher.finalize()
        }));
        certifying.push(timed(|| certify(evidence, &rules, kinship)));
        // `issue` consumes its evidence, which is copied before the clock starts.
        let (evidence, salt) = (evidence.clone(), Salt::from_bytes([7; 32]));
        let particulars = Particulars::default();
        issuing.push(timed(move || Receipt::issue(particulars, evidence, &rules, kinship, salt)));
        verifying.push(timed(|| verify(receipt, VerifyOptions::default().with_bundle(bundle))));
    }
    let figures = [
        ("`certify`", median(certifying)),
        ("`Receipt::issue`, which certifies", median(issuing)),
        ("`verify` with the bundle, which issues again", median(verifying)),
    ];
    Ok((median(floor), figures))
}

/// Asks the panel of three members of the embedded policy.
async fn ask() -> anyhow::Result<PanelRun> {
    let answer = |letter: &str| letter.repeat(ANSWER);
    let script = Scripted::new().answer(answer("a")).answer(answer("b")).answer(answer("c"));
    let gateway = Gateway::builder().environment(Environment::empty()).scripted(script).build()?;
    let line = "fn add(left: u64, right: u64) -> u64 { left + right } // \"größer\"\n";
    let prompt: String = line.chars().cycle().take(PROMPT).collect();
    let panel = gateway.panel(Request::new("triple_review", prompt)).await?;
    let bundle = panel.bundle.to_bytes();
    let document: Value = serde_json::from_slice(&bundle)?;
    let evidence = document.get("evidence").context("a bundle has evidence")?;
    let policy = gateway.policy()?;
    let rows = policy.providers().iter().flat_map(|(provider, spec)| {
        spec.rows().map(move |(id, facts)| (provider.as_str(), id, facts))
    });
    Ok(PanelRun {
        evidence: serde_json::from_value(evidence.clone())?,
        kinship: Kinship::from_facts(rows),
        receipt: panel.receipt.to_bytes(),
        bundle,
    })
}

/// Returns the body of every recorded request and response.
fn recorded(evidence: &Evidence) -> Vec<&[u8]> {
    let exchanges = evidence.members.iter().flat_map(|member| &member.exchanges);
    exchanges
        .flat_map(|exchange| {
            let came = exchange.response.as_ref().map(|came| &came.body);
            std::iter::once(&exchange.request.body).chain(came)
        })
        .map(RecordedBody::as_bytes)
        .collect()
}

/// Returns how long a function takes.
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    // The result is dropped after the clock has stopped.
    let done = black_box(work());
    let took = began.elapsed();
    drop(done);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
