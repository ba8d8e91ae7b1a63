//! What the errors of an own provider cost.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{Completion, NanoUsd, Usage};
use llm_gateway_core::provider::{Call, Prepared, Provider, SendContext};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{Category, Environment, Error, Gateway, Request};

use crate::support::own_provider;

const POLICY: &str = "
defaults: {s: {provider: mine, model: m, max_tokens: 100000}}
providers: {mine: {models: {m: {in: 10, out: 50}}}}
reliability: {retry: {max_retries: 3, base_delay_s: 0.001, max_delay_s: 0.001}}
";

/// Returns a provider that fails with this error.
fn failing(error: Error) -> Arc<dyn Provider> {
    own_provider(move |_| Err(error.clone()))
}

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
            .provider("mine", failing(Error::new(category, "no")))
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

/// Returns what one attempt that fails with `error` is settled at, what is held after it, and
/// whether the cost is an estimate.
async fn settled(error: Error) -> (NanoUsd, NanoUsd, bool) {
    let policy = POLICY.replace("max_retries: 3", "max_retries: 0");
    let ledger = Arc::new(MemoryLedger::new());
    let builder = Gateway::builder().policy_yaml(policy).environment(Environment::empty());
    let builder = builder.ledger(ledger).provider("mine", failing(error));
    let gateway = builder.build().unwrap();
    gateway.route(Request::new("s", "hello")).await.unwrap_err();
    let spent = gateway.spent(None, SpendBy::Model).await.unwrap().spent;
    (spent.settled, spent.held, spent.rows.iter().any(|row| row.estimated > 0))
}

#[tokio::test]
async fn what_may_be_billed_is_settled_at_its_hold() {
    use Category::{
        BadResponse, Cancelled, EmptyOutput, Internal, Ledger, Network, OutputBudgetExhausted,
        Provider5xx, Quorum, Timeout, Truncated,
    };
    let mut holds = Vec::new();
    for category in [
        Timeout,
        Truncated,
        BadResponse,
        Provider5xx,
        Network,
        Internal,
        EmptyOutput,
        OutputBudgetExhausted,
        Cancelled,
        Ledger,
        Quorum,
    ] {
        let (settled, held, is_estimate) = settled(Error::new(category, "no")).await;
        assert!(settled > NanoUsd::ZERO && is_estimate, "{category}: {settled}");
        assert_eq!(held, NanoUsd::ZERO, "{category}");
        holds.push(settled);
    }
    holds.dedup();
    assert_eq!(holds.len(), 1, "{holds:?}");
}

#[tokio::test]
async fn a_provider_says_better_what_it_was_billed() {
    use Category::{ContentFilter, Network, Overloaded, Provider5xx, RateLimit, Timeout};
    let hold = settled(Error::new(Timeout, "no")).await.0;
    // 1000 tokens in and 10 out, at $10 and $50 for a million.
    let usage = Usage::new(1_000, 10);
    let billed = NanoUsd::from_nanos(10_000_000 + 500_000);
    let error = |category| Error::new(category, "no");
    for (about, error, cost, is_estimate) in [
        ("unbilled", error(Timeout).unbilled(), NanoUsd::ZERO, false),
        ("unbilled with usage", error(Timeout).with_usage(usage).unbilled(), NanoUsd::ZERO, false),
        ("unbilled 200", error(Provider5xx).with_http_status(200).unbilled(), NanoUsd::ZERO, false),
        ("unbilled 504", error(Timeout).with_http_status(504).unbilled(), NanoUsd::ZERO, false),
        ("nothing sent", error(Network).with_nothing_sent(), NanoUsd::ZERO, false),
        ("usage", error(RateLimit).with_usage(usage), billed, false),
        ("usage of a filter", error(ContentFilter).with_usage(usage), billed, false),
        ("perhaps", error(RateLimit).with_possible_bill(), hold, true),
        (
            "perhaps with a status",
            error(RateLimit).with_http_status(429).with_possible_bill(),
            hold,
            true,
        ),
        (
            "perhaps, and certainly not",
            error(RateLimit).with_possible_bill().unbilled(),
            NanoUsd::ZERO,
            false,
        ),
        ("a status", error(RateLimit).with_http_status(429), NanoUsd::ZERO, false),
        ("a status of a timeout", error(Overloaded).with_http_status(504), hold, true),
        ("an error in a 200", error(RateLimit).with_http_status(200), hold, true),
        ("a 500", error(Provider5xx).with_http_status(500), NanoUsd::ZERO, false),
    ] {
        assert_eq!(settled(error).await, (cost, NanoUsd::ZERO, is_estimate), "{about}");
    }
}

/// Waits for ever: before it sends or afterwards, and with or without a mark.
struct Queues {
    takes_the_mark: bool,
    sends: bool,
}

#[async_trait]
impl Provider for Queues {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }
    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        self.send_with(prepared, &SendContext::new(recorder)).await
    }
    async fn send_with(
        &self,
        _: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        let mark = self.takes_the_mark.then(|| context.sent_mark());
        tokio::task::yield_now().await;
        if let (Some(mark), true) = (mark, self.sends) {
            mark.set();
            // What has left does not come back by asking for the mark again.
            let _same = context.sent_mark();
        }
        std::future::pending().await
    }
}

/// A caller who leaves and a deadline that passes cost what may have been sent.
#[tokio::test(start_paused = true)]
async fn a_provider_that_takes_the_mark_is_billed_from_then_on() {
    for takes_the_mark in [false, true] {
        for sends in [false, true] {
            for wait in [1, 1_000] {
                let queue = Queues { takes_the_mark, sends };
                let policy = POLICY.replace("max_retries: 3", "max_retries: 0");
                let builder = Gateway::builder().policy_yaml(policy);
                let builder = builder.environment(Environment::empty());
                let builder = builder.ledger(Arc::new(MemoryLedger::new()));
                let gateway = builder.provider("mine", Arc::new(queue)).build().unwrap();
                let asked = gateway.route(Request::new("s", "hello"));
                let left = tokio::time::timeout(Duration::from_secs(wait), asked).await;
                assert!(!matches!(left, Ok(Ok(_))));
                let spent = gateway.spent(None, SpendBy::Model).await.unwrap().spent;
                assert_eq!(spent.held, NanoUsd::ZERO);
                let is_billed = spent.settled > NanoUsd::ZERO;
                assert_eq!(is_billed, sends || !takes_the_mark, "{takes_the_mark} {sends} {wait}");
            }
        }
    }
}
