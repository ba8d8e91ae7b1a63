//! What never left costs nothing, whatever its source of keys does.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, LeaseEnd, Secret};
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{NanoUsd, ProviderName, Target};
use llm_gateway_core::transport::{
    Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Category, Environment, Gateway, Request, Scripted};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

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

/// How a vault behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// It lends after some polls.
    Lends,
    /// It has no key.
    IsEmpty,
    /// It lends, and panics when it hears how an attempt ended.
    IsDeaf,
    /// It panics after some polls.
    Panics,
    /// It panics in each method.
    PanicsEverywhere,
}

struct Moody {
    mood: Mood,
    reported: AtomicUsize,
}

impl Moody {
    fn is_calm(&self) {
        assert!(self.mood != Mood::PanicsEverywhere, "the vault is on fire");
    }
}

#[async_trait]
impl CredentialSource for Moody {
    async fn lease(&self, _: &ProviderName, _: &str) -> Option<Lease> {
        self.is_calm();
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        match self.mood {
            Mood::Lends | Mood::IsDeaf => {
                Some(Lease::new("key", Secret::new("sk-0123456789abcdef".to_owned())))
            }
            Mood::IsEmpty => None,
            _ => panic!("the vault is on fire"),
        }
    }
    fn has(&self, _: &ProviderName, _: &str) -> bool {
        self.is_calm();
        true
    }
    fn known(&self) -> Vec<Secret> {
        self.is_calm();
        Vec::new()
    }
    fn keys(&self, _: &ProviderName, _: &str) -> Vec<String> {
        self.is_calm();
        vec!["one".to_owned(), "two".to_owned()]
    }
    fn report(&self, _: &Lease, _: &Target, _: LeaseEnd<'_>) {
        self.reported.fetch_add(1, Ordering::SeqCst);
        assert!(self.mood == Mood::Lends, "nobody wants to hear that");
    }
}

const CAPPED: &str = "
providers: {openai: {models: {m: {in: 1, out: 10}}}, anthropic: {api_key_env: null, models: {m: {in: 0, out: 0}}}}
defaults:
  q: {provider: openai, model: m, max_tokens: 100}
  f: {provider: openai, model: m, max_tokens: 100}
fallback: {f: [{provider: anthropic, model: m}]}
reliability: {deadline_s: 30, retry: {max_retries: 1, base_delay_s: 0.001}, breaker: {failure_threshold: 1000}}
";

/// A transport that counts what is sent through it, however much that is.
struct Counted(Scripted, AtomicUsize);

#[async_trait]
impl Transport for Counted {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.send(request, credential).await
    }
}

struct World {
    gateway: Gateway,
    wire: Arc<Counted>,
    vault: Arc<Moody>,
}

fn world(mood: Mood, wire: Scripted) -> World {
    let vault = Arc::new(Moody { mood, reported: AtomicUsize::new(0) });
    let environment = Environment::empty()
        .with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "1")
        .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    let builder = Gateway::builder().policy_yaml(CAPPED).environment(environment);
    let builder = builder.credentials(vault.clone()).ledger(Arc::new(MemoryLedger::new()));
    let wire = Arc::new(Counted(wire, AtomicUsize::new(0)));
    let gateway = builder.transport(wire.clone()).build().unwrap();
    World { gateway, wire, vault }
}

impl World {
    fn sent(&self) -> usize {
        self.wire.1.load(Ordering::SeqCst)
    }

    async fn sums(&self) -> (NanoUsd, NanoUsd) {
        let spent = self.gateway.spent(None, SpendBy::Provider).await.unwrap().spent;
        (spent.settled, spent.held)
    }
}

/// A source that panics is a key that is missing: of that target, and free of charge.
#[tokio::test(start_paused = true)]
async fn a_source_that_panics_costs_nothing_and_takes_nobody_along() {
    for mood in [Mood::IsEmpty, Mood::Panics, Mood::PanicsEverywhere] {
        let world = world(mood, Scripted::new().answer("from elsewhere"));
        let failure = world.gateway.route(Request::new("q", "hello")).await.unwrap_err();
        assert_eq!(failure.category(), Category::MissingKey, "{mood:?}: {failure}");
        let says_why = failure.to_string().contains("source of keys panicked");
        assert_eq!(says_why, mood != Mood::IsEmpty, "{failure}");
        assert!(!failure.to_string().contains("on fire"), "{failure}");
        assert_eq!(world.sums().await, (NanoUsd::ZERO, NanoUsd::ZERO), "{mood:?}");
        assert_eq!(world.sent(), 0);
        let answer = world.gateway.route(Request::new("f", "hello")).await.unwrap();
        assert_eq!(answer.text(), "from elsewhere");
        world.gateway.describe().unwrap();
    }
    // A panic while it hears of the end takes neither the answer nor the report.
    let world = world(Mood::IsDeaf, Scripted::new().answer("hello"));
    assert_eq!(world.gateway.route(Request::new("q", "hi")).await.unwrap().text(), "hello");
    assert_eq!(world.vault.reported.load(Ordering::SeqCst), 1);
}

/// Polls `future` at most `times` times, then drops it.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == times {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// A caller may leave at each await: what was handed to the transport is booked, and nothing else.
#[tokio::test]
async fn a_caller_who_leaves_at_any_await_pays_for_what_left_and_no_more() {
    let script = || Scripted::new().status(503).answer("hello");
    for polls in 0.. {
        let world = world(Mood::Lends, script());
        let answered = polled(world.gateway.route(Request::new("q", "hi")), polls).await;
        world.gateway.drain().await.unwrap();
        let (settled, held) = world.sums().await;
        assert_eq!(held, NanoUsd::ZERO, "{polls} polls left a hold");
        if world.sent() == 0 {
            assert_eq!(settled, NanoUsd::ZERO, "{polls} polls");
        }
        if let Some(answer) = answered {
            assert_eq!(Some(settled), answer.unwrap().total_cost());
            assert!(polls > 5, "it was only polled {polls} times");
            break;
        }
    }
}

/// A thousand callers at once under a cap, each of whom leaves after some polls.
#[tokio::test(start_paused = true)]
async fn a_thousand_callers_who_leave_use_up_no_more_than_what_they_sent() {
    let script = (0..500).fold(Scripted::new(), |script, number| match number % 4 {
        0 => script.status(429),
        1 => script.hang(),
        _ => script.answer("hello"),
    });
    let world = world(Mood::Lends, script);
    let mut random = StdRng::seed_from_u64(7);
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let (gateway, polls) = (world.gateway.clone(), random.random_range(0..24));
            tokio::spawn(async move { polled(gateway.route(Request::new("q", "hi")), polls).await })
        })
        .collect();
    let mut told = NanoUsd::ZERO;
    let mut most = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Some(Ok(answer)) => told = told.saturating_add(answer.total_cost().unwrap()),
            Some(Err(failure)) => {
                let cost = failure.attempts().iter().filter_map(|attempt| attempt.cost);
                told = cost.fold(told, NanoUsd::saturating_add);
            }
            None => most += 1,
        }
    }
    let (settled, held) = world.sums().await;
    assert_eq!(held, NanoUsd::ZERO);
    // Whoever left may have sent one request, or two with the retry: at most its hold each.
    let hold = NanoUsd::from_nanos(crate::support::WORST_CASE);
    let upper = (0..2 * most).fold(told, |sum, _| sum.saturating_add(hold));
    assert!(told <= settled && settled <= upper, "{told} <= {settled} <= {upper}");
    let sent = u64::try_from(world.sent()).unwrap();
    assert!(settled.as_nanos() <= sent * crate::support::WORST_CASE, "{settled} for {sent}");
    assert!(most > 100, "{most} left");
}

/// A source that counts what it lends and what it hears of.
#[derive(Default)]
struct Counting {
    lent: AtomicUsize,
    reported: AtomicUsize,
}

#[async_trait]
impl CredentialSource for Counting {
    async fn lease(&self, _: &ProviderName, variable: &str) -> Option<Lease> {
        self.lent.fetch_add(1, Ordering::SeqCst);
        Some(Lease::new(variable, Secret::new("sk-test-0123456789".to_owned())))
    }

    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }

    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }

    fn report(&self, _: &Lease, _: &Target, _: LeaseEnd<'_>) {
        self.reported.fetch_add(1, Ordering::SeqCst);
    }
}

/// A lease that is ready when its caller leaves is reported, although nobody took it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lease_is_reported_wherever_its_caller_leaves() {
    let source = Arc::new(Counting::default());
    let gateway = Gateway::builder()
        .policy_yaml("defaults: {q: {provider: openai, model: gpt-6-luna}}")
        .environment(Environment::empty())
        .transport(Arc::new(Scripted::new()))
        .credentials(source.clone())
        .build()
        .unwrap();
    for _ in 0..200 {
        let before = source.lent.load(Ordering::SeqCst);
        let mut call = Box::pin(gateway.route(Request::new("q", "?")));
        while futures_util::poll!(call.as_mut()).is_pending()
            && source.lent.load(Ordering::SeqCst) == before
        {
            tokio::task::yield_now().await;
        }
        drop(call);
    }
    let all = source.lent.load(Ordering::SeqCst);
    for _ in 0..2_000 {
        if source.reported.load(Ordering::SeqCst) < all {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!((source.reported.load(Ordering::SeqCst), all), (200, 200));
}
