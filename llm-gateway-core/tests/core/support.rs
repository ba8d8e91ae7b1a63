//! Helpers that many of these tests share: a gateway that is always built alike, and short views of
//! what it did.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::clock::FixedClock;
use llm_gateway_core::config::{LoadRequest, Loaded, PolicySource, load};
use llm_gateway_core::ledger::{Ledger, MemoryLedger, Month, PeriodSpend, SpendBy};
use llm_gateway_core::model::Completion;
use llm_gateway_core::outcome::Attempt;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{
    Answer, Environment, Error, Event, Failure, Gateway, GatewayBuilder, Reply, Request, Run,
    Scripted, Stop,
};

/// The time of every test: 2026-11-21T12:00:00 UTC.
pub(crate) const NOW: Duration = Duration::from_secs(1_795_262_400);

/// The highest cost of a call of the question `hi`, in nano-dollars, at $1 per million tokens in
/// and $10 out: 2 bytes and the margin of one message in, and 100 tokens out.
pub(crate) const WORST_CASE: u64 = (2 + 64) * 1_000 + 100 * 10_000;

/// A policy with a class of each kind and an orchestration, whose models are of three developers.
pub(crate) const SHAPES: &str = "
defaults:
  one: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
      - {provider: gemini, model: gemini-3.5-flash-lite}
    max_tokens: 100
  sums:
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.5-flash-lite}
      else: {provider: anthropic, model: claude-opus-5-5}
    max_tokens: 100
orchestration:
  roles:
    worker: {provider: openai, model: gpt-6-luna}
    verifier: {provider: anthropic, model: claude-opus-5-5}
reliability: {retry: {max_retries: 0}}
";

/// Begins a gateway with this policy at [`NOW`], with a fixed seed and no variables.
pub(crate) fn obeying(policy: impl Into<String>) -> GatewayBuilder {
    let builder = Gateway::builder().policy_yaml(policy).environment(Environment::empty());
    builder.clock(Arc::new(FixedClock::new(NOW))).seed(7)
}

/// Builds a gateway as [`obeying`] does, with a script for its models, a ledger and variables.
pub(crate) fn gateway_in(
    policy: &str,
    script: Scripted,
    ledger: Arc<MemoryLedger>,
    environment: Environment,
) -> Gateway {
    obeying(policy).environment(environment).scripted(script).ledger(ledger).build().unwrap()
}

/// Returns a provider of the program's own that records nothing and says what `says` returns.
pub(crate) fn own_provider(
    says: impl Fn(&Prepared) -> Result<Completion, Error> + Send + Sync + 'static,
) -> Arc<dyn Provider> {
    Arc::new(Own(says))
}

struct Own<F>(F);

#[async_trait]
impl<F> Provider for Own<F>
where
    F: Fn(&Prepared) -> Result<Completion, Error> + Send + Sync,
{
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, prepared: &Prepared, _: &Recorder) -> Result<Completion, Error> {
        (self.0)(prepared)
    }
}

/// Runs a future to its end on a runtime of its own, whose time is paused.
pub(crate) fn in_paused_time<F: Future>(future: F) -> F::Output {
    let builder =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    builder.unwrap().block_on(future)
}

/// Waits for a future on this thread without a runtime, as `futures::executor::block_on` does.
pub(crate) fn without_runtime<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unparks(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unparks(Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Returns the attempts of a request, whether it was answered or failed.
pub(crate) fn attempts(outcome: &Result<Answer, Failure>) -> &[Attempt] {
    match outcome {
        Ok(answer) => &answer.attempts,
        Err(failure) => failure.attempts(),
    }
}

/// Loads a policy at [`NOW`], without a `.env` file.
pub(crate) fn loaded_from(source: &PolicySource, environment: Environment) -> Loaded {
    load(LoadRequest::new(source, NOW).with_environment(environment))
}

/// Asks a task class the question `hi`.
pub(crate) async fn ask(gateway: &Gateway, class: &str) -> Result<Answer, Failure> {
    gateway.route(Request::new(class, "hi")).await
}

/// Returns each attempt as `provider outcome`.
pub(crate) fn tried(attempts: &[Attempt]) -> Vec<String> {
    attempts.iter().map(|a| format!("{} {}", a.target.provider, a.outcome.as_str())).collect()
}

/// Returns the outcome of each attempt.
pub(crate) fn outcomes(attempts: &[Attempt]) -> Vec<&'static str> {
    attempts.iter().map(|attempt| attempt.outcome.as_str()).collect()
}

/// Returns the spending of the month of [`NOW`].
pub(crate) async fn spent(ledger: &MemoryLedger, by: SpendBy) -> PeriodSpend {
    ledger.spent(Month::parse("2026-11").unwrap().into(), by).await.unwrap()
}

/// Waits for the outcome of a run, and stops it at the event that `is_time` selects.
pub(crate) async fn stopped_at(
    stop: &Stop,
    run: Run,
    mut is_time: impl FnMut(&Event) -> bool,
) -> Result<Reply, Failure> {
    let Run { mut events, outcome, .. } = run;
    let watched = async {
        while let Some(event) = events.next().await {
            if is_time(&event) {
                stop.stop();
            }
        }
    };
    tokio::join!(outcome, watched).0
}
