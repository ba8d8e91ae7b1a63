//! Puts a new policy in force while the program runs. Breakers, limits, sums and the ledger go on.
//!
//!     cargo run --bin new_policy
//!
//! A policy that cannot be used leaves the last good one in force.
#![allow(clippy::print_stdout)] // an example shows its result

use std::sync::{PoisonError, RwLock};

use llm_gateway_core::config::PolicySource;
use llm_gateway_core::{Gateway, Request};

/// The gateway in force. Every request asks for it once, and ends on the policy it began with.
struct InForce(RwLock<Gateway>);

impl InForce {
    fn now(&self) -> Gateway {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads a policy, and keeps the last good one if the new one cannot be used.
    fn replace(&self, source: PolicySource) {
        let next = self.now().with_policy(source);
        if let Some(problems) = next.policy_error() {
            println!("refused: {}", problems.summary());
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }
}

fn policy(class: &str) -> PolicySource {
    let target = "provider: openai, model: gpt-6-luna, max_tokens: 200";
    PolicySource::Text(format!("defaults: {{{class}: {{{target}}}}}"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let gateway = Gateway::builder().policy(policy("ask")).offline().build()?;
    let in_force = InForce(RwLock::new(gateway));
    println!("{}", in_force.now().route(Request::new("ask", "hello")).await?.text());

    in_force.replace(policy("explain"));
    println!("{}", in_force.now().route(Request::new("explain", "hello")).await?.text());

    in_force.replace(PolicySource::Text("defaults: {explain: 5}".to_owned()));
    println!("{}", in_force.now().route(Request::new("explain", "still there")).await?.text());
    Ok(())
}
