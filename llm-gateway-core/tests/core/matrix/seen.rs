//! Runs a cell: its own gateway is asked once, and everything is recorded.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::outcome::Attempt;
use llm_gateway_core::transport::HttpRequest;
use llm_gateway_core::{Answer, Environment, Failure, Request};
use test_support::Wire;
use tokio::time::Instant;

use super::cell::{BASE_DELAY_S, Cell};
use super::faults::MODEL;
use super::story::{Bytes, Story, answered, failed, sent, tried};
use super::{Delivery, Wait};
use crate::support::{attempts, obeying, spent};

impl Cell<'_> {
    /// Asks the gateway, and returns what happened.
    pub(super) async fn seen(&self) -> Story {
        let (ledger, script) = (Arc::new(MemoryLedger::new()), self.script());
        let environment = Environment::empty()
            .with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "1")
            .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
        let gateway = obeying(self.policy())
            .environment(environment)
            .scripted(script.clone())
            .ledger(ledger.clone())
            .build()
            .unwrap();
        let began = Instant::now();
        let outcome = gateway.route(Request::new("ask", "hi")).await;
        let elapsed = began.elapsed();
        gateway.drain().await.unwrap();

        let attempts = attempts(&outcome);
        let breakers = gateway.describe().unwrap().circuit_breakers;
        let spent = spent(&ledger, SpendBy::Provider).await;
        let providers = self.chain().map(|who| self.provider(who));
        let spent_at = |provider: &str| {
            let row = spent.rows.iter().find(|row| row.key == provider);
            row.map_or(0, |row| row.cost.as_nanos())
        };
        let told: Duration = attempts.iter().map(|attempt| attempt.waited + attempt.latency).sum();
        Story {
            tries: attempts.iter().map(seen_try).collect(),
            sent: seen_requests(&script.requests()),
            failures: providers
                .map(|name| (name, breakers[&format!("{name}/{MODEL}")].consecutive_failures))
                .into(),
            spent: providers.map(|name| (name, spent_at(name))).into(),
            held: spent.held.as_nanos(),
            // tokio's timer counts in milliseconds.
            time_adds_up: elapsed.abs_diff(told) < Duration::from_millis(10),
            end: seen_end(&outcome),
        }
    }
}

fn seen_end(outcome: &Result<Answer, Failure>) -> String {
    match outcome {
        Ok(answer) => {
            let instead_of = answer.fallback_from.as_ref().map(ToString::to_string);
            let by = answer.target.to_string();
            answered(&answer.text(), &by, answer.retries(), instead_of.as_deref())
        }
        Err(failure) => failed(failure.category().as_str(), failure.error().retry_after()),
    }
}

fn seen_try(attempt: &Attempt) -> String {
    let wait = match attempt.waited {
        Duration::ZERO => Wait::No,
        some if some <= Duration::from_secs(BASE_DELAY_S) => Wait::Backoff,
        long => Wait::Exactly(long),
    };
    let cost = attempt.cost.map(|cost| cost.as_nanos());
    let provider = attempt.target.provider.as_str();
    tried(provider, attempt.outcome.as_str(), wait, attempt.latency.as_secs(), cost)
}

fn seen_requests(requests: &[HttpRequest]) -> Vec<String> {
    let before = [None].into_iter().chain(requests.iter().map(Some));
    let delivery = |request: &HttpRequest| {
        let path = request.url.split('?').next().unwrap();
        match Wire::OpenAi.asks_for_stream(path, &request.body) {
            true => Delivery::Stream,
            false => Delivery::Whole,
        }
    };
    let seen = |(request, before)| {
        let bytes = if before == Some(request) { Bytes::Again } else { Bytes::New };
        sent(bytes, delivery(request))
    };
    requests.iter().zip(before).map(seen).collect()
}
