//! A caller stops a request of any kind, and gets what exists by then.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{Completion, NanoUsd};
use llm_gateway_core::outcome::AnsweredBy;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::{
    Credential, HttpRequest, HttpResponse, Recorder, Transport, TransportError,
};
use llm_gateway_core::{
    Category, Envelope, Environment, Error, Event, Failure, Gateway, Reply, Request, Scripted, Stop,
};
use tokio::time::Instant;

use crate::ledgers::Silent;
use crate::support::{WORST_CASE, obeying, outcomes, spent, stopped_at};

const POLICY: &str = "
providers:
  openai: {models: {gpt-6-luna: {in: 1, out: 10}}}
  anthropic: {models: {claude-haiku-5-5: {in: 1, out: 10}}}
  gemini: {models: {gemini-3.8-flash: {in: 1, out: 10}}}
defaults:
  one: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
      - {provider: gemini, model: gemini-3.8-flash}
    max_tokens: 100
  sums:
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.8-flash}
      else: {provider: anthropic, model: claude-haiku-5-5}
    max_tokens: 100
fallback: {one: [{provider: anthropic, model: claude-haiku-5-5}]}
visibility: {three: {mode: blind, quorum: 2}}
reliability: {retry: {max_retries: 0}}
";

struct World {
    gateway: Gateway,
    script: Scripted,
    ledger: Arc<MemoryLedger>,
}

fn world(policy: &str, script: Scripted) -> World {
    let ledger = Arc::new(MemoryLedger::new());
    let builder = obeying(policy).scripted(script.clone()).ledger(ledger.clone());
    World { gateway: builder.build().unwrap(), script, ledger }
}

/// Asks a class, and stops the request at the event that `is_time` selects.
async fn stopped(
    gateway: &Gateway,
    class: &str,
    is_time: impl FnMut(&Event) -> bool,
) -> Result<Reply, Failure> {
    let stop = Stop::new();
    let run = gateway.start(Request::new(class, "hi").stopped_by(&stop));
    stopped_at(&stop, run, is_time).await
}

/// Returns whether an event is the one with this number among those that `is_kind` selects.
fn nth(number: usize, is_kind: fn(&Event) -> bool) -> impl FnMut(&Event) -> bool {
    let mut seen = 0;
    move |event| {
        let is_one = is_kind(event);
        seen += usize::from(is_one);
        is_one && seen == number
    }
}

fn is_attempt(event: &Event) -> bool {
    matches!(event, Event::Attempt { .. })
}

fn is_member(event: &Event) -> bool {
    matches!(event, Event::Member { .. })
}

impl World {
    /// Asserts that no money is held, and that what is settled is what the attempts cost.
    async fn is_settled(&self, failure: &Failure) {
        let spent = spent(&self.ledger, SpendBy::Model).await;
        let costs = failure.attempts().iter().map(|attempt| attempt.cost.unwrap());
        let cost = costs.fold(NanoUsd::ZERO, NanoUsd::saturating_add);
        assert_eq!((spent.held, spent.settled), (NanoUsd::ZERO, cost));
    }

    fn state(&self, target: &str) -> (&'static str, u32) {
        let breakers = self.gateway.describe().unwrap().circuit_breakers;
        breakers.get(target).map_or(("closed", 0), |it| (it.state, it.consecutive_failures))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_call_ends_at_once_and_counts_at_its_worst_case() {
    let world = world(POLICY, Scripted::new().hang());
    let began = Instant::now();
    let failure = stopped(&world.gateway, "one", nth(1, is_attempt)).await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody was waited for");
    assert_eq!(failure.category(), Category::Cancelled);
    assert_eq!(outcomes(failure.attempts()), ["cancelled"]);
    assert_eq!(failure.attempts()[0].cost, Some(NanoUsd::from_nanos(WORST_CASE)));
    assert_eq!(failure.spend_recorded(), Some(true));
    world.is_settled(&failure).await;
    assert_eq!(world.state("openai/gpt-6-luna"), ("closed", 0), "no fault of the provider");
    let next = world.gateway.route(Request::new("one", "hi")).await.unwrap();
    assert_eq!(next.target.to_string(), "openai/gpt-6-luna");
}

/// A transport that stops the request as soon as the server has answered it.
struct Stopping(Scripted, Stop);

#[async_trait]
impl Transport for Stopping {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.1.stop();
        self.0.send(request, credential).await
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_after_a_stop() {
    let keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"];
    let keys = keys.iter().fold(Environment::empty(), |it, name| it.with(*name, "sk-0123456789"));
    let retried = POLICY.replace("max_retries: 0", "max_retries: 3, base_delay_s: 30");
    for policy in [POLICY, &retried] {
        let (script, stop) = (Scripted::new().status(500).answer("late"), Stop::new());
        let transport = Stopping(script.clone(), stop.clone());
        let builder = obeying(policy).environment(keys.clone()).transport(Arc::new(transport));
        let request = Request::new("one", "hi").stopped_by(&stop);
        let began = Instant::now();
        let failure = builder.build().unwrap().route(request).await.unwrap_err();
        assert_eq!((failure.category(), began.elapsed()), (Category::Cancelled, Duration::ZERO));
        assert_eq!(script.requests().len(), 1);
        assert_eq!(outcomes(failure.attempts())[0], "provider_5xx");
    }
    // An answer that comes with the stop is the answer.
    let (script, stop) = (Scripted::new().answer("now"), Stop::new());
    let transport = Stopping(script.clone(), stop.clone());
    let builder = obeying(POLICY).environment(keys).transport(Arc::new(transport));
    let request = Request::new("one", "hi").stopped_by(&stop);
    assert_eq!(builder.build().unwrap().route(request).await.unwrap().text(), "now");
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_start_asks_nobody_and_costs_nothing() {
    for class in ["one", "three", "sums"] {
        let world = world(POLICY, Scripted::new());
        let stop = Stop::new();
        stop.stop();
        let request = Request::new(class, "hi").stopped_by(&stop);
        let failure = world.gateway.start(request).await.unwrap_err();
        assert_eq!(failure.category(), Category::Cancelled, "{class}");
        assert!(failure.attempts().is_empty() && failure.panel().is_none(), "{class}");
        assert_eq!(world.script.requests().len(), 0);
        world.is_settled(&failure).await;
        // A request that can never be asked says so, stopped or not.
        let empty = Request::new(class, " ").stopped_by(&stop);
        let failure = world.gateway.start(empty).await.unwrap_err();
        assert_eq!(failure.category(), Category::InvalidRequest);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_for_a_place_and_for_the_ledger() {
    let limited = POLICY.replace("openai: {models", "openai: {limits: {concurrent: 1}, models");
    let world = world(&limited, Scripted::new().hang());
    let mut other = std::pin::pin!(world.gateway.route(Request::new("one", "hi")));
    let stop = Stop::new();
    let waiting = world.gateway.route(Request::new("one", "hi").stopped_by(&stop));
    let failure = tokio::select! {
        biased;
        _ = &mut other => panic!("it hangs"),
        outcome = async {
            let stopping = async { tokio::task::yield_now().await; stop.stop() };
            tokio::join!(waiting, stopping).0
        } => outcome.unwrap_err(),
    };
    assert_eq!(failure.category(), Category::Cancelled);
    assert_eq!(world.script.requests().len(), 1, "that of the other");

    for class in ["one", "three", "sums"] {
        let gateway = obeying(POLICY).offline().ledger(Arc::new(Silent::Locked)).build().unwrap();
        let stop = Stop::new();
        let run = gateway.start(Request::new(class, "hi").stopped_by(&stop));
        let stopping = async {
            tokio::task::yield_now().await;
            stop.stop()
        };
        let failure = tokio::join!(run.outcome, stopping).0.unwrap_err();
        assert_eq!(failure.category(), Category::Cancelled, "{class}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_panel_keeps_the_members_that_answered() {
    for answered in 0..3 {
        let script = (0..answered).fold(Scripted::new(), |script, _| script.answer("42"));
        let script = (answered..3).fold(script, |script, _| script.hang());
        let world = world(POLICY, script);
        let began = Instant::now();
        let is_time = nth(3, is_attempt);
        let failure = stopped(&world.gateway, "three", is_time).await.unwrap_err();
        assert_eq!(began.elapsed(), Duration::ZERO);
        // Two answers are a quorum, and the panel is not whole all the same.
        assert_eq!(failure.category(), Category::Cancelled);
        let panel = failure.panel().unwrap();
        assert_eq!(panel.answers().map(|answer| answer.text()).collect::<Vec<_>>().len(), answered);
        let cut = outcomes(failure.attempts()).into_iter().filter(|it| *it == "cancelled").count();
        assert_eq!(cut, 3 - answered);
        world.is_settled(&failure).await;
        let (receipt, bundle) = (panel.receipt.to_bytes(), panel.bundle.to_bytes());
        let checked = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
        assert_eq!(checked.result, VerifyResult::Holds, "{:?}", checked.findings);
        let envelope = serde_json::to_value(Envelope::from(&failure)).unwrap();
        assert_eq!(envelope["meta"]["error_category"], "cancelled");
        assert_eq!(envelope["data"]["members"].as_array().unwrap().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panel_whose_members_are_all_done_is_returned_whole() {
    let world = world(POLICY, Scripted::new().answer("42").status(401).answer("42"));
    let reply = stopped(&world.gateway, "three", nth(3, is_member)).await.unwrap();
    assert_eq!(reply.into_panel().unwrap().answers().count(), 2);
}

/// A transport that has a request stopped when its last answer is there, long after the others.
struct StoppedLast {
    script: Scripted,
    stop: Stop,
}

#[async_trait]
impl Transport for StoppedLast {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let response = self.script.send(request, credential).await;
        if self.script.requests().len() == 3 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.stop.stop();
        }
        response
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_cuts_no_member_off_leaves_the_panel_whole() {
    let (script, stop) = (Scripted::new().answer("42").answer("42").answer("42"), Stop::new());
    let transport = StoppedLast { script: script.clone(), stop: stop.clone() };
    let keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"];
    let keys = keys
        .into_iter()
        .fold(Environment::empty(), |all, key| all.with(key, "sk-0123456789abcdef"));
    let builder = obeying(POLICY).environment(keys).transport(Arc::new(transport));
    let run = builder.build().unwrap().start(Request::new("three", "hi").stopped_by(&stop));
    let panel = run.outcome.await.unwrap().into_panel().unwrap();
    assert!(stop.is_stopped());
    assert_eq!(panel.answers().count(), 3);
}

/// A provider that calls its own failure a cancellation.
struct Cancelling;

#[async_trait]
impl Provider for Cancelling {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, _: &Prepared, _: &Recorder) -> Result<Completion, Error> {
        Err(Error::new(Category::Cancelled, "the job was cancelled"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_cancelled_by_its_provider_stops_no_panel() {
    let script = Scripted::new().answer("42").answer("42").answer("42").answer("42");
    let builder = obeying(POLICY).scripted(script).provider("gemini", Arc::new(Cancelling));
    let gateway = builder.build().unwrap();
    for stop in [None, Some(Stop::new())] {
        let request = Request::new("three", "hi");
        let request = stop.iter().fold(request, |request, stop| request.stopped_by(stop));
        let panel = gateway.start(request).outcome.await.unwrap().into_panel().unwrap();
        assert_eq!(panel.answers().count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_cascade_keeps_its_gate() {
    for (script, number, asked) in [
        (Scripted::new().hang().hang(), 2, false),
        (Scripted::new().answer("42").hang(), 2, false),
        (Scripted::new().answer("42").answer("41").hang(), 3, true),
    ] {
        let world = world(POLICY, script);
        let began = Instant::now();
        let failure = stopped(&world.gateway, "sums", nth(number, is_attempt)).await.unwrap_err();
        assert_eq!((failure.category(), began.elapsed()), (Category::Cancelled, Duration::ZERO));
        let gate = failure.panel().unwrap();
        assert_eq!(gate.members.len(), 2);
        assert_eq!(failure.attempts().len(), number);
        assert_eq!(world.script.requests().len(), number);
        world.is_settled(&failure).await;
        let envelope = serde_json::to_value(Envelope::from(&failure)).unwrap();
        assert_eq!(envelope["meta"]["error_category"], "cancelled");
        assert_eq!(envelope["meta"]["cascade"]["escalated"], asked, "{envelope:#}");
        assert!(envelope["meta"]["cascade"]["answered_by"].is_null());
        assert_eq!(envelope["data"]["members"].as_array().unwrap().len(), 2);
        let classes = world.gateway.describe().unwrap().task_classes;
        let counted = classes.iter().find_map(|class| class.escalation).unwrap();
        assert_eq!((counted.asked, counted.escalated), (u64::from(asked), u64::from(asked)));
    }
    let world = world(POLICY, Scripted::new().answer("42").answer("42"));
    let reply = stopped(&world.gateway, "sums", nth(2, is_member)).await.unwrap();
    assert_eq!(reply.into_cascade().unwrap().answered_by, AnsweredBy::Gate);
}

#[tokio::test(start_paused = true)]
async fn one_stop_ends_many_requests() {
    let script = (0..40).fold(Scripted::new(), |script, _| script.hang());
    let world = world(POLICY, script);
    let stop = Stop::new();
    let classes = ["one", "three", "sums"].iter().cycle().take(18);
    let runs = classes
        .map(|class| world.gateway.start(Request::new(*class, "hi").stopped_by(&stop)).outcome);
    let stopping = async {
        while world.script.requests().len() < 36 {
            tokio::task::yield_now().await;
        }
        stop.stop();
        stop.stop();
    };
    let (outcomes, ()) = tokio::join!(futures_util::future::join_all(runs), stopping);
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().category(), Category::Cancelled);
    }
    let spent = spent(&world.ledger, SpendBy::Model).await;
    assert_eq!(spent.held, NanoUsd::ZERO);
    assert_eq!(spent.settled, NanoUsd::from_nanos(36 * WORST_CASE));
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_the_end_is_harmless() {
    let world = world(POLICY, Scripted::new().answer("42"));
    let stop = Stop::new();
    let answer = world.gateway.route(Request::new("one", "hi").stopped_by(&stop)).await.unwrap();
    stop.stop();
    assert_eq!(answer.text(), "42");
}
