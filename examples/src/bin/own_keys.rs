//! Takes keys from a vault instead of the environment.
//!
//!     cargo run --bin own_keys
//!
//! The transport is scripted, so the key that is lent for the call goes nowhere.
#![allow(clippy::print_stdout)] // an example shows its result

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, Secret};
use llm_gateway_core::model::ProviderName;
use llm_gateway_core::{Environment, Gateway, Request, Scripted};

/// A stand-in for a real vault. It finds keys by provider and ignores the variables that the
/// policy names.
struct Vault(BTreeMap<String, Secret>);

#[async_trait]
impl CredentialSource for Vault {
    /// Returns the key of a provider. It is called for each attempt, so a rotated key takes effect
    /// with the next one.
    async fn lease(&self, provider: &ProviderName, _variable: &str) -> Option<Lease> {
        let secret = self.0.get(provider.as_str())?.clone();
        println!("lent a key for {provider}");
        Some(Lease::new(format!("vault/{provider}"), secret))
    }

    fn has(&self, provider: &ProviderName, _variable: &str) -> bool {
        self.0.contains_key(provider.as_str())
    }

    /// Returns every key, so that the gateway can remove them from what providers send.
    fn known(&self) -> Vec<Secret> {
        self.0.values().cloned().collect()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let key = Secret::new("not-a-real-key".to_owned());
    let gateway = Gateway::builder()
        .environment(Environment::empty())
        .credentials(Arc::new(Vault(BTreeMap::from([("gemini".to_owned(), key)]))))
        // Unlike `.offline()`, which needs no key, this replaces the network alone.
        .transport(Arc::new(Scripted::new().answer("Canberra")))
        .build()?;
    for provider in &gateway.describe()?.providers {
        println!("{}: {:?}", provider.name, provider.key);
    }
    let request = Request::new("long_context", "What is the capital of Australia?");
    println!("{}", gateway.route(request).await?.text());
    Ok(())
}
