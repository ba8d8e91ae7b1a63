//! Tests of the place of a cache: who asks it, when, and what a hit costs.

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;
use crate::cache::AnswerCache;
use crate::ledger::{MemoryLedger, SpendBy};
use crate::model::NanoUsd;
use crate::outcome::AnsweredBy;
use crate::transport::HttpRequest;

/// A cache that keeps everything, and counts what it is asked.
#[derive(Default)]
struct Kept {
    answers: Mutex<HashMap<Vec<u8>, Completion>>,
    finds: AtomicUsize,
    keeps: AtomicUsize,
    /// Whether nothing that it is asked ever ends.
    hangs: bool,
}

impl Kept {
    fn key(request: &HttpRequest) -> Vec<u8> {
        [request.url.as_bytes(), &request.body].concat()
    }

    fn asked(&self) -> (usize, usize) {
        (self.finds.load(Ordering::SeqCst), self.keeps.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl AnswerCache for Kept {
    async fn find(&self, request: &HttpRequest) -> Option<Completion> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        if self.hangs {
            std::future::pending::<()>().await;
        }
        self.answers.lock().unwrap().get(&Self::key(request)).cloned()
    }

    async fn keep(&self, request: &HttpRequest, answer: &Completion) {
        self.keeps.fetch_add(1, Ordering::SeqCst);
        self.answers.lock().unwrap().insert(Self::key(request), answer.clone());
    }
}

const POLICY: &str = "
providers:
  house: {models: {m: {in: 1, out: 10}}}
  openai: {models: {gpt-6-luna: {in: 1, out: 10}}}
  gemini: {models: {gemini-3.8-flash: {in: 1, out: 10}}}
  anthropic: {models: {claude-haiku-5-5: {in: 1, out: 10}}}
defaults:
  one: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  home: {provider: house, model: m, max_tokens: 100}
  two:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: gemini, model: gemini-3.8-flash}
  sums:
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.8-flash}
      else: {provider: anthropic, model: claude-haiku-5-5}
fallback: {one: [{provider: anthropic, model: claude-haiku-5-5}]}
orchestration:
  roles:
    worker: {provider: openai, model: gpt-6-luna}
    verifier: {provider: anthropic, model: claude-haiku-5-5}
reliability: {deadline_s: 60, retry: {max_retries: 1, base_delay_s: 0}}
";

struct Cached {
    gateway: Gateway,
    cache: Arc<Kept>,
    script: Scripted,
    ledger: Arc<MemoryLedger>,
}

fn cached(cache: Kept, script: Scripted) -> Cached {
    let (cache, ledger) = (Arc::new(cache), Arc::new(MemoryLedger::new()));
    let house = House::new([(vec![], Ok("at home"))]);
    let builder = Gateway::builder().policy_yaml(POLICY).environment(Environment::empty());
    let builder = builder.scripted(script.clone()).provider("house", house).ledger(ledger.clone());
    Cached { gateway: builder.cache(cache.clone()).build().unwrap(), cache, script, ledger }
}

impl Cached {
    async fn settled(&self) -> NanoUsd {
        let now = crate::ledger::Day::of(self.gateway.state.clock.now());
        let spent = crate::ledger::Ledger::spent(&*self.ledger, now.into(), SpendBy::Model).await;
        let spent = spent.unwrap();
        assert_eq!(spent.held, NanoUsd::ZERO);
        spent.settled
    }
}

#[tokio::test(start_paused = true)]
async fn a_hit_costs_nothing_holds_nothing_and_asks_nobody() {
    let world = cached(Kept::default(), Scripted::new().answer("42").answer("other"));
    let ask = async |prompt: &str| world.gateway.route(Request::new("one", prompt)).await.unwrap();
    let (first, paid) = (ask("hi").await, world.settled().await);
    assert!(paid > NanoUsd::ZERO);
    let hit = ask("hi").await;
    assert_eq!((hit.text(), &hit.completion), (first.text(), &first.completion));
    assert_eq!((hit.cost.amount, hit.total_cost()), (Some(NanoUsd::ZERO), Some(NanoUsd::ZERO)));
    assert!(hit.attempts.is_empty() && hit.retries() == 0);
    assert_eq!((world.script.requests().len(), world.settled().await), (1, paid));
    assert_eq!(world.cache.asked(), (2, 1), "it is asked once a call, and keeps what was paid for");
    assert_eq!(ask("another question").await.text(), "other");
    let envelope = serde_json::to_value(crate::Envelope::from(&hit)).unwrap();
    assert_eq!(envelope["meta"]["cost_usd_approx"], 0.0, "{envelope:#}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_asks_once_and_a_fallback_asks_for_its_own_request() {
    let script = Scripted::new().status(500).answer("42");
    let world = cached(Kept::default(), script);
    world.gateway.route(Request::new("one", "hi")).await.unwrap();
    assert_eq!(world.cache.asked(), (1, 1));
    let script = Scripted::new().status(401).answer("42").status(401);
    let world = cached(Kept::default(), script);
    world.gateway.route(Request::new("one", "hi")).await.unwrap();
    assert_eq!(world.cache.asked(), (2, 1), "one for each target");
    let hit = world.gateway.route(Request::new("one", "hi")).await.unwrap();
    assert_eq!((world.script.requests().len(), hit.attempts.len()), (3, 1));
    assert_eq!(hit.target.provider.as_str(), "anthropic", "the fallback's answer was kept");
}

#[tokio::test(start_paused = true)]
async fn only_a_single_models_class_reaches_the_cache() {
    let script = Scripted::new().answer("42").answer("42").answer("42").answer("41").answer("43");
    let world = cached(Kept::default(), script);
    world.gateway.panel(Request::new("two", "hi")).await.unwrap();
    let cascade = world.gateway.cascade(Request::new("sums", "hi")).await.unwrap();
    assert_eq!(cascade.answered_by, AnsweredBy::Else, "the strong model was asked, too");
    world.gateway.orchestrate(Task::new("hi")).await.unwrap();
    assert_eq!(world.cache.asked(), (0, 0));
    // The same question to the same model, kept by the class of a single model.
    world.gateway.route(Request::new("one", "hi")).await.unwrap();
    let asked = world.script.requests().len();
    world.gateway.panel(Request::new("two", "hi")).await.unwrap();
    assert_eq!((world.cache.asked(), world.script.requests().len()), ((1, 1), asked + 2));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_shown_or_not_answered_is_not_kept() {
    let world = cached(Kept::default(), Scripted::new().status(400).status(400));
    assert_eq!(world.gateway.route(Request::new("home", "hi")).await.unwrap().text(), "at home");
    assert_eq!(world.cache.asked(), (0, 0), "nothing says what was asked");
    for _ in 0..2 {
        world.gateway.route(Request::new("one", "hi")).await.unwrap_err();
    }
    assert_eq!((world.cache.asked(), world.script.requests().len()), ((2, 0), 2));
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_hangs_ends_with_the_request() {
    let hanging = || cached(Kept { hangs: true, ..Kept::default() }, Scripted::new());
    let world = hanging();
    let failure = world.gateway.route(Request::new("one", "hi")).await.unwrap_err();
    assert_eq!(failure.category(), Category::Timeout);
    assert_eq!((world.script.requests().len(), world.settled().await), (0, NanoUsd::ZERO));
    let (world, stop) = (hanging(), Stop::new());
    let route = world.gateway.route(Request::new("one", "hi").stopped_by(&stop));
    let stopping = async {
        tokio::task::yield_now().await;
        stop.stop();
    };
    let failure = tokio::join!(route, stopping).0.unwrap_err();
    assert_eq!((failure.category(), world.script.requests().len()), (Category::Cancelled, 0));
}

#[tokio::test(start_paused = true)]
async fn a_hit_is_heard_in_one_piece() {
    let world = cached(Kept::default(), Scripted::new().answer("The answer is 42."));
    world.gateway.route(Request::new("one", "hi")).await.unwrap();
    let (reply, heard) = asked(&world.gateway, "one").await;
    assert_eq!(heard, [reply.unwrap().text()]);
}
