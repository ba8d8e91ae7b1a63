//! What the errors of an own provider cost.

use std::sync::Arc;

use async_trait::async_trait;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{Completion, NanoUsd};
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{Category, Environment, Error, Gateway, Request};

/// Refuses, as its author finds natural: a category and a sentence.
struct Refuses(Category);

#[async_trait]
impl Provider for Refuses {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }
    async fn send(&self, _: &Prepared, _: &Recorder) -> Result<Completion, Error> {
        Err(Error::new(self.0, "no"))
    }
}

const POLICY: &str = "
defaults: {s: {provider: mine, model: m, max_tokens: 100000}}
providers: {mine: {models: {m: {in: 10, out: 50}}}}
reliability: {retry: {max_retries: 3, base_delay_s: 0.001, max_delay_s: 0.001}}
";

#[tokio::test]
async fn a_refusal_is_not_billed() {
    use Category::{
        Auth, ContentFilter, ContextLength, InvalidRequest, MissingKey, ModelNotFound, Overloaded,
        Quota, RateLimit,
    };
    for category in [
        RateLimit,
        Overloaded,
        Auth,
        Quota,
        MissingKey,
        ModelNotFound,
        InvalidRequest,
        ContextLength,
        ContentFilter,
    ] {
        let gateway = Gateway::builder()
            .policy_yaml(POLICY)
            .environment(Environment::empty())
            .ledger(Arc::new(MemoryLedger::new()))
            .provider("mine", Arc::new(Refuses(category)))
            .build()
            .unwrap();
        assert_eq!(
            gateway.route(Request::new("s", "hello")).await.unwrap_err().category(),
            category
        );
        let settled = gateway.spent(None, SpendBy::Model).await.unwrap().spent.settled;
        assert_eq!(settled, NanoUsd::ZERO, "{category}");
    }
}
