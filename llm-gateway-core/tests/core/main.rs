//! The library through its public door.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "reqwest")]
mod cancellation;
mod cascade;
mod circles;
mod cost;
mod diagnostics;
mod documents;
mod features;
mod guards;
mod layering;
mod ledgers;
mod matrix;
mod money;
mod orchestration;
mod panels;
mod policy;
mod properties;
mod reliability;
mod requests;
#[cfg(feature = "reqwest")]
mod sockets;
mod source;
mod spend;
mod streams;
mod warnings;

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::clock::FixedClock;
use llm_gateway_core::config::{LoadRequest, Loaded, PolicySource, load};
use llm_gateway_core::ledger::MemoryLedger;
use llm_gateway_core::{Environment, Gateway, GatewayBuilder, Scripted};

/// 2026-11-21T12:00:00 UTC.
const NOW: Duration = Duration::from_secs(1_795_262_400);

/// A gateway with this policy on that day, alike each time, and with an environment that holds
/// nothing unless a test says so.
fn obeying(policy: impl Into<String>) -> GatewayBuilder {
    let builder = Gateway::builder().policy_yaml(policy).environment(Environment::empty());
    builder.clock(Arc::new(FixedClock(NOW))).seed(7)
}

/// The same with a script for its models, a ledger, and an environment.
fn gateway_in(
    policy: &str,
    script: Scripted,
    ledger: Arc<MemoryLedger>,
    environment: Environment,
) -> Gateway {
    obeying(policy).environment(environment).scripted(script).ledger(ledger).build().unwrap()
}

/// What loading a policy gives on that day, without a `.env` file.
fn loaded_from(source: &PolicySource, environment: Environment) -> Loaded {
    load(LoadRequest { source, environment, env_file: None, own_providers: &[], now: NOW })
}
