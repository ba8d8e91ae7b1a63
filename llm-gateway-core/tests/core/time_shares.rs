//! Tests of the time that targets share: a target that fails leaves time for the next, and a
//! request that never left this process costs nothing and counts as nobody's failure. Time is
//! paused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::pending;
use http::{HeaderMap, HeaderValue};
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, SentMark, Transport, TransportError,
};
use llm_gateway_core::{Answer, Environment, Failure, Gateway, Request, Scripted};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use crate::support::{WORST_CASE, ask, attempts, in_paused_time, obeying, outcomes, spent, tried};

/// The reaction of the first target to an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Does {
    Refuses,
    /// The target cannot be reached: no connection is made.
    IsUnreachable,
    Fails,
    /// The target fails, and asks to wait for so many seconds.
    AsksToWait(u64),
    /// The target receives the request and never answers.
    Hangs,
    /// The target begins to answer at once, and ends after so many seconds.
    AnswersSlowly(u64),
    /// The target sends pings for ever, and never begins to answer.
    Pings,
}

/// A first target with a list of reactions, of which the last is repeated, and a second target that
/// answers within a second.
struct Street {
    first: Vec<Does>,
    tries: AtomicUsize,
}

impl Street {
    fn response(events: &str, then: impl Future<Output = String> + Send + 'static) -> HttpResponse {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("text/event-stream"));
        let begin = events.to_owned();
        let body = Body::unfold((Some(begin), Some(Box::pin(then))), |(begin, then)| async move {
            match (begin, then) {
                (Some(begin), then) => Some((Ok(begin.into()), (None, then))),
                (None, Some(then)) => Some((Ok(then.await.into()), (None, None))),
                (None, None) => None,
            }
        });
        HttpResponse::new(http::StatusCode::OK, headers, body)
    }
}

const BEGIN: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"slow\"}}]}\n\n";
const END: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" but sure\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

#[async_trait]
impl Transport for Street {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.send_marked(request, credential, &SentMark::new()).await
    }

    async fn send_marked(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
        mark: &SentMark,
    ) -> Result<HttpResponse, TransportError> {
        let script = Scripted::new();
        if !request.url.contains("first") {
            let other = script.delay(Duration::from_secs(1)).answer("from the other");
            return other.send_marked(request, credential, mark).await;
        }
        let try_number = self.tries.fetch_add(1, Ordering::SeqCst);
        let does = self.first.get(try_number).or(self.first.last()).copied().unwrap();
        match does {
            Does::Refuses => script.refuse().send_marked(request, credential, mark).await,
            Does::IsUnreachable => {
                script.unreachable().send_marked(request, credential, mark).await
            }
            Does::Fails => script.status(500).send_marked(request, credential, mark).await,
            Does::AsksToWait(s) => {
                let script = script.status_with_retry_after(503, Duration::from_secs(s));
                script.send_marked(request, credential, mark).await
            }
            Does::Hangs => script.hang().send_marked(request, credential, mark).await,
            Does::AnswersSlowly(s) => {
                mark.set();
                Ok(Self::response(BEGIN, async move {
                    sleep(Duration::from_secs(s)).await;
                    END.to_owned()
                }))
            }
            Does::Pings => {
                mark.set();
                Ok(Self::response(": ping\n\n", pending()))
            }
        }
    }
}

/// Returns the policy of a chain of two, with a deadline.
fn policy(deadline_s: f64, more: &str) -> String {
    format!(
        "
providers:
  first: {{kind: openai, base_url: 'http://127.0.0.1:9/first', api_key_env: null, models: {{m: {{in: 1, out: 10}}}}{more}}}
  other: {{kind: openai, base_url: 'http://127.0.0.1:9/other', api_key_env: null, models: {{m: {{in: 1, out: 10}}}}}}
  keyless: {{kind: openai, base_url: 'http://127.0.0.1:9/other', api_key_env: NO_SUCH_KEY, models: {{m: {{in: 1, out: 10}}}}}}
  headless: {{kind: openai, base_url: 'http://127.0.0.1:9/other', api_key_env: null, headers: {{x-team: '${{NO_SUCH_TEAM}}'}}, models: {{m: {{in: 1, out: 10}}}}}}
defaults:
  ask: {{provider: first, model: m, max_tokens: 100}}
  alone: {{provider: first, model: m, max_tokens: 100}}
  backed_by_nobody: {{provider: first, model: m, max_tokens: 100}}
  backed_without_a_header: {{provider: first, model: m, max_tokens: 100}}
fallback:
  ask: [{{provider: other, model: m}}]
  backed_by_nobody: [{{provider: keyless, model: m}}]
  backed_without_a_header: [{{provider: headless, model: m}}]
reliability: {{deadline_s: {deadline_s}, retry: {{max_retries: 3, base_delay_s: 1}}}}
"
    )
}

struct World {
    gateway: Gateway,
    ledger: Arc<MemoryLedger>,
}

impl World {
    fn new(policy: String, first: &[Does], seed: u64) -> Self {
        let ledger = Arc::new(MemoryLedger::new());
        let street = Street { first: first.to_vec(), tries: AtomicUsize::new(0) };
        let gateway = obeying(policy).seed(seed).transport(Arc::new(street));
        let gateway = gateway.ledger(ledger.clone()).build().unwrap();
        Self { gateway, ledger }
    }

    fn failures(&self) -> u32 {
        self.gateway.describe().unwrap().circuit_breakers["first/m"].consecutive_failures
    }

    async fn spent(&self) -> (u64, u64) {
        self.gateway.drain().await.unwrap();
        let spent = spent(&self.ledger, SpendBy::Model).await;
        (spent.settled.as_nanos(), spent.held.as_nanos())
    }
}

async fn asked(deadline_s: f64, first: &[Does], seed: u64) -> (Result<Answer, Failure>, Duration) {
    let world = World::new(policy(deadline_s, ""), first, seed);
    let began = Instant::now();
    let outcome = ask(&world.gateway, "ask").await;
    (outcome, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_dead_primary_never_starves_a_healthy_fallback() {
    for seed in 0..100 {
        for does in [Does::Refuses, Does::IsUnreachable, Does::Fails] {
            let (outcome, took) = asked(5.0, &[does], seed).await;
            let answer = outcome.unwrap_or_else(|failure| panic!("{does:?} {seed}: {failure}"));
            assert_eq!(answer.text(), "from the other");
            assert!(took <= Duration::from_millis(4_130), "{does:?} {seed}: {took:?}");
            assert!(answer.attempts.len() > 2, "the first is tried again: {seed}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Checks that, whatever the first target does after its first failure, the next one begins
    /// with more than three eighths of the time: a quarter goes to the first connect, and half of
    /// the rest to the retries of the first target.
    #[test]
    fn the_next_target_begins_in_time(
        deadline_s in 4.0f64..100.0,
        later in proptest::collection::vec(0..6usize, 1..4),
        is_unreachable: bool,
        seed: u64,
    ) {
        let start = if is_unreachable { Does::IsUnreachable } else { Does::Fails };
        let later = later.into_iter().map(|n| {
            [Does::Refuses, Does::IsUnreachable, Does::Fails, Does::AsksToWait(3), Does::Hangs, Does::Pings][n]
        });
        let first: Vec<_> = [start].into_iter().chain(later).collect();
        let (outcome, took) = in_paused_time(asked(deadline_s, &first, seed));
        let answer = outcome.map_err(|failure| TestCaseError::fail(failure.to_string()))?;
        prop_assert_eq!(answer.text(), "from the other");
        let begun = took.as_secs_f64() - 1.0;
        prop_assert!(begun <= deadline_s * 0.625 + 0.01, "{} of {} s", begun, deadline_s);
    }
}

#[tokio::test(start_paused = true)]
async fn a_try_that_has_begun_to_answer_is_not_cut() {
    let (outcome, took) = asked(20.0, &[Does::Fails, Does::AnswersSlowly(17)], 7).await;
    let answer = outcome.unwrap();
    assert_eq!(answer.text(), "slow but sure");
    assert_eq!(tried(&answer.attempts), ["first provider_5xx", "first ok"]);
    assert!(took >= Duration::from_secs(17));
}

#[tokio::test(start_paused = true)]
async fn a_further_try_without_a_beginning_ends_at_the_half() {
    for silent in [Does::Hangs, Does::Pings] {
        let (outcome, took) = asked(20.0, &[Does::Fails, silent], 7).await;
        let answer = outcome.unwrap();
        let expected = ["first provider_5xx", "first timeout", "other ok"];
        assert_eq!(tried(&answer.attempts), expected, "{silent:?}");
        assert_eq!(took.as_secs(), 11, "half of 20 s, and a second to answer");
        assert!(answer.attempts[1].cost.unwrap().as_nanos() > 0, "the request was sent");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_try_may_think_as_long_as_its_silence_allows() {
    let (outcome, _) = asked(20.0, &[Does::AnswersSlowly(19)], 7).await;
    assert_eq!(tried(&outcome.unwrap().attempts), ["first ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_half_is_begun_only_where_nobody_else_stands_ready() {
    let (outcome, took) = asked(20.0, &[Does::AsksToWait(11), Does::AnswersSlowly(1)], 7).await;
    let answer = outcome.unwrap();
    assert_eq!(tried(&answer.attempts), ["first overloaded", "other ok"]);
    assert_eq!(took, Duration::from_secs(1));
    for class in ["alone", "backed_by_nobody", "backed_without_a_header"] {
        let first = [Does::AsksToWait(11), Does::AnswersSlowly(1)];
        let world = World::new(policy(20.0, ""), &first, 7);
        let answer = ask(&world.gateway, class).await.unwrap();
        assert_eq!(tried(&answer.attempts), ["first overloaded", "first ok"], "{class}");
        assert_eq!(answer.attempts[1].waited, Duration::from_secs(11), "{class}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_was_costs_nothing() {
    // By the silence that the policy allows, by a quarter of the time, and by the deadline.
    let silence = policy(100.0, ", idle_timeout_s: 2").replace("max_retries: 3", "max_retries: 0");
    let deadline = policy(5.0, "");
    for (policy, class, expected, took_ms) in [
        (&silence, "alone", "network", 2_000),
        (&policy(8.0, "").replace("max_retries: 3", "max_retries: 0"), "ask", "network", 2_000),
        (&deadline, "alone", "timeout", 5_000),
    ] {
        let world = World::new(policy.clone(), &[Does::IsUnreachable], 7);
        let outcome = ask(&world.gateway, class).await;
        let attempts = attempts(&outcome);
        assert_eq!(attempts[0].outcome.as_str(), expected, "{class}");
        assert_eq!(attempts[0].latency.as_millis(), took_ms, "{class}");
        assert_eq!(attempts[0].cost.unwrap().as_nanos(), 0, "{class}");
        let others: u64 = attempts[1..].iter().map(|it| it.cost.unwrap().as_nanos()).sum();
        assert_eq!(world.spent().await, (others, 0), "{class}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_lets_nobody_connect_opens_its_breaker_also_for_callers_in_a_hurry() {
    let world = World::new(policy(5.0, ""), &[Does::IsUnreachable], 7);
    ask(&world.gateway, "ask").await.unwrap();
    assert!(world.failures() > 0);
    let hurry = World::new(policy(2.0, ""), &[Does::IsUnreachable], 7);
    ask(&hurry.gateway, "ask").await.unwrap();
    assert_eq!(hurry.failures(), 0, "half a second is no time to connect");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_pays_only_for_what_was_sent() {
    for (does, expected) in [(Does::IsUnreachable, 0), (Does::Hangs, WORST_CASE)] {
        let world = World::new(policy(100.0, ""), &[does], 7);
        let run = world.gateway.start(Request::new("alone", "hi"));
        let left = tokio::time::timeout(Duration::from_secs(1), run.outcome).await;
        assert!(left.is_err());
        assert_eq!(world.spent().await, (expected, 0), "{does:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_want_of_our_own_is_nobodys_failure() {
    let script = Scripted::new().out_of_resources().answer("once there is room again");
    let ledger = Arc::new(MemoryLedger::new());
    let gateway = obeying(policy(100.0, "")).scripted(script).ledger(ledger.clone());
    let gateway = gateway.build().unwrap();
    let failure = ask(&gateway, "ask").await.unwrap_err();
    assert_eq!(outcomes(failure.attempts()), ["internal"]);
    assert!(failure.error().hint().unwrap().contains("ulimit"), "{failure}");
    assert_eq!(gateway.describe().unwrap().circuit_breakers["first/m"].consecutive_failures, 0);
    gateway.drain().await.unwrap();
    let spent = spent(&ledger, SpendBy::Model).await;
    assert_eq!((spent.settled.as_nanos(), spent.held.as_nanos()), (0, 0));
    assert_eq!(ask(&gateway, "ask").await.unwrap().text(), "once there is room again");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_header_can_carry_is_refused_before_anything_is_sent() {
    for key in ["sk-with\nnewline", "sk-with\rreturn", "sk-with\u{7f}delete", "sk-with\0nul"] {
        let script = Scripted::new().answer("nobody should be asked");
        let policy = policy(100.0, "").replacen("api_key_env: null", "api_key_env: FIRST_KEY", 1);
        let street = Arc::new(script.clone());
        let gateway = obeying(policy)
            .environment(Environment::empty().with("FIRST_KEY", key))
            .transport(street)
            .build()
            .unwrap();
        let failure = ask(&gateway, "alone").await.unwrap_err();
        assert_eq!(outcomes(failure.attempts()), ["auth"]);
        assert!(!failure.to_string().contains("sk-"), "{failure}");
        assert!(failure.error().hint().unwrap().contains("FIRST_KEY"));
        assert_eq!(failure.attempts()[0].cost.map(|cost| cost.as_nanos()), Some(0));
        assert!(script.requests().is_empty());
        let answer = ask(&gateway, "ask").await.unwrap();
        assert_eq!(tried(&answer.attempts), ["first auth", "other ok"]);
    }
}
