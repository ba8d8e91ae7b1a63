//! What never left costs nothing, whatever its source of keys does.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, Secret};
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{NanoUsd, ProviderName};
use llm_gateway_core::{Environment, Gateway, Request, Scripted};

/// A vault that does not answer.
struct Slow;

#[async_trait]
impl CredentialSource for Slow {
    async fn lease(&self, _: &ProviderName, _: &str) -> Option<Lease> {
        std::future::pending().await
    }
    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }
    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }
}

async fn spent_after(wait: Duration) -> (usize, NanoUsd, NanoUsd) {
    let wire = Scripted::new();
    let gateway = Gateway::builder()
        .policy_yaml("defaults: {q: {provider: openai, model: gpt-6-luna}}\nreliability: {deadline_s: 30, retry: {max_retries: 0}}")
        .environment(Environment::empty())
        .credentials(Arc::new(Slow))
        .ledger(Arc::new(MemoryLedger::new()))
        .transport(Arc::new(wire.clone()))
        .build()
        .unwrap();
    let _ = tokio::time::timeout(wait, gateway.route(Request::new("q", "hello"))).await;
    let spent = gateway.spent(None, SpendBy::Provider).await.unwrap().spent;
    (wire.requests().len(), spent.settled, spent.held)
}

#[tokio::test(start_paused = true)]
async fn what_never_left_costs_nothing() {
    // The caller leaves after a second.
    assert_eq!(spent_after(Duration::from_secs(1)).await, (0, NanoUsd::ZERO, NanoUsd::ZERO));
    // The caller stays, and the deadline ends it.
    assert_eq!(spent_after(Duration::from_secs(60)).await, (0, NanoUsd::ZERO, NanoUsd::ZERO));
}
