//! Random panels, clean and dirty. No clean panel may raise an alarm, and every dirty panel must.
//!
//! A few hundred run with the suite. The large form is a command:
//!
//! ```sh
//! LLM_GATEWAY_PANELS=10000 cargo test --release -p llm-gateway-core --test core generated
//! ```

mod recipe;
mod servers;

use llm_gateway_core::certificate::{Certificate, Claim};
use test_support::Wire;

use self::recipe::{Dice, Member, clean, soil};
use self::servers::{Faulty, Servers};
use super::*;
use crate::support::obeying;

/// Returns the policy of a generated panel.
fn policy(members: &[Member]) -> String {
    let named: Vec<_> = (0..members.len())
        .map(|at| format!("{{provider: p{at}, model: \"{}\"}}", members[at].model))
        .collect();
    let providers: String = members
        .iter()
        .enumerate()
        .map(|(at, Member { wire, model, developer, family, .. })| {
            let kind = match wire {
                Wire::Anthropic => "anthropic",
                Wire::Gemini => "gemini",
                Wire::OpenAi | Wire::DeepSeek => "openai",
            };
            let base = wire.base();
            format!(
                "  p{at}: {{kind: {kind}, base_url: \"https://p{at}.test{base}\", api_key_env: null, \
                 stream: false, models: {{\"{model}\": {{in: 1, out: 1, developer: {developer}, \
                 lineage: [{family}]}}}}}}\n"
            )
        })
        .collect();
    format!(
        "defaults: {{three: {{members: [{}], max_tokens: 100}}}}\n\
         visibility: {{three: {{mode: blind, require: lineage_distinct}}}}\n\
         reliability: {{retry: {{max_retries: 3, base_delay_s: 0.001}}}}\nproviders:\n{providers}",
        named.join(", ")
    )
}

/// Asks a generated panel, checks that its receipt holds, and returns the certificate.
async fn certificate(members: &[Member]) -> Certificate {
    let servers = Servers(Arc::new(members.iter().map(|it| (it.clone(), 0.into())).collect()));
    let mut builder = obeying(policy(members)).transport(Arc::new(servers.clone()));
    for (at, member) in members.iter().enumerate() {
        if let Some(leak) = member.leak {
            let faulty = Faulty { at, leak, servers: servers.clone() };
            builder = builder.provider(&format!("p{at}"), Arc::new(faulty));
        }
    }
    let outcome = builder.build().unwrap().panel(Request::new("three", "Which one?")).await;
    let (receipt, bundle, certificate) = match &outcome {
        Ok(panel) => (&panel.receipt, &panel.bundle, panel.certificate()),
        Err(failure) => {
            let panel = failure.panel().unwrap_or_else(|| panic!("{failure:?}"));
            (&panel.receipt, &panel.bundle, panel.certificate())
        }
    };
    let bundle = bundle.to_bytes();
    let verified = verify(&receipt.to_bytes(), VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(verified.result, VerifyResult::Holds, "{members:#?}: {:?}", verified.findings);
    certificate.clone()
}

/// Returns how many panels are generated, clean and dirty each.
#[allow(clippy::disallowed_methods)] // The large form is asked for by a variable.
fn panels() -> u64 {
    let asked = std::env::var("LLM_GATEWAY_PANELS").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(100)
}

#[tokio::test(start_paused = true)]
async fn generated_clean_panels_raise_no_alarm() {
    for seed in 0..panels() {
        let members = clean(&mut Dice(seed));
        let certificate = certificate(&members).await;
        let failed: Vec<(&str, &Claim)> = certificate.claims.named();
        let not_passed: Vec<_> =
            failed.iter().filter(|(_, claim)| claim.result != ClaimResult::Pass).collect();
        assert!(not_passed.is_empty(), "seed {seed}: {not_passed:#?} {members:#?}");
        assert!(certificate.independence_certified(), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn generated_dirty_panels_are_all_noticed() {
    for seed in 0..panels() {
        let mut dice = Dice(seed ^ (1 << 63));
        let mut members = clean(&mut dice);
        let (what, claim) = soil(&mut dice, &mut members);
        let certificate = certificate(&members).await;
        let named = certificate.claims.named();
        let (_, found) = named.iter().find(|(name, _)| *name == claim).unwrap();
        assert_ne!(
            found.result,
            ClaimResult::Pass,
            "seed {seed}, {what}: {} {members:#?}",
            found.because
        );
        // An unknown `fresh` alone leaves a panel certified.
        if found.result == ClaimResult::Fail || claim != "fresh" {
            assert!(!certificate.independence_certified(), "seed {seed}, {what}");
        }
    }
}
