//! Whatever the provider does, the gateway answers: retries, waits, breaker, limits, deadline. Time
//! is paused, so that every wait is known to the millisecond.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::{Answer, Category, Failure, Gateway, Request, Scripted};
use tokio::time::Instant;

use crate::ledgers::Silent;
use crate::support::{ask, attempts, obeying, spent, tried};

/// A policy with three tries per target and a breaker that opens at the fourth failure.
const POLICY: &str = "
defaults:
  alone: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  quick: {provider: openai, model: gpt-6-luna, max_tokens: 100}
fallback: {quick: [{provider: anthropic, model: claude-haiku-5-5}]}
reliability:
  deadline_s: 100
  retry: {max_retries: 2, base_delay_s: 1, max_delay_s: 30}
  breaker: {failure_threshold: 4, cooldown_s: 60}
";

fn gateway(policy: &str, script: Scripted) -> Gateway {
    obeying(policy).scripted(script).ledger(Arc::new(MemoryLedger::new())).build().unwrap()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn a_target_that_stumbles_is_tried_again_with_the_same_bytes() {
    let script = Scripted::new().status(503).status(500).answer("at last");
    let gateway = gateway(POLICY, script.clone());
    let answer = ask(&gateway, "alone").await.unwrap();
    assert_eq!(answer.text(), "at last");
    assert_eq!(tried(&answer.attempts), ["openai overloaded", "openai provider_5xx", "openai ok"]);
    assert_eq!(answer.retries(), 2);
    let waits: Vec<_> = answer.attempts.iter().map(|attempt| attempt.waited).collect();
    assert_eq!(waits[0], Duration::ZERO);
    assert!(waits[1] <= seconds(1) && waits[2] <= seconds(2) && waits[2] != waits[1], "{waits:?}");
    assert!(waits[1] + waits[2] <= answer.latency);
    let sent = script.requests();
    assert!(sent.len() == 3 && sent.iter().all(|request| *request == sent[0]));
}

#[tokio::test(start_paused = true)]
async fn after_the_last_retry_the_next_target_is_asked() {
    let script = Scripted::new().status(503).refuse().cut().answer("from the fallback");
    let answer = ask(&gateway(POLICY, script), "quick").await.unwrap();
    let expected = ["openai overloaded", "openai network", "openai truncated", "anthropic ok"];
    assert_eq!(tried(&answer.attempts), expected);
    assert_eq!(answer.retries(), 0, "the fallback answered at once");
    assert_eq!(answer.fallback_from.unwrap().to_string(), "openai/gpt-6-luna");
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_waited_for_each_time() {
    let slow = |script: Scripted| script.status_with_retry_after(429, seconds(20));
    let script = slow(slow(Scripted::new())).answer("patience");
    let began = Instant::now();
    let answer = ask(&gateway(POLICY, script), "quick").await.unwrap();
    assert_eq!(tried(&answer.attempts), ["openai rate_limit", "openai rate_limit", "openai ok"]);
    assert_eq!(answer.attempts[1].waited, seconds(20));
    assert_eq!(answer.attempts[2].waited, seconds(20));
    assert_eq!(began.elapsed(), seconds(40));
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_that_does_not_fit_the_deadline_goes_to_the_next_target_at_once() {
    let script = Scripted::new().status_with_retry_after(429, seconds(100)).answer("at once");
    let began = Instant::now();
    let answer = ask(&gateway(POLICY, script), "quick").await.unwrap();
    assert_eq!(tried(&answer.attempts), ["openai rate_limit", "anthropic ok"]);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn when_everybody_refuses_the_answer_says_who_is_back_first() {
    let script = Scripted::new()
        .status_with_retry_after(429, seconds(300))
        .status_with_retry_after(529, seconds(200));
    let failure = ask(&gateway(POLICY, script), "quick").await.unwrap_err();
    assert_eq!(failure.error().retry_after(), Some(seconds(200)));
}

#[tokio::test(start_paused = true)]
async fn what_a_retry_cannot_mend_is_not_retried() {
    for (status, expected) in [
        (400, vec!["openai invalid_request"]),
        (401, vec!["openai auth", "anthropic ok"]),
        (402, vec!["openai quota", "anthropic ok"]),
        (404, vec!["openai model_not_found", "anthropic ok"]),
        // The fallback's context is larger.
        (413, vec!["openai context_length", "anthropic ok"]),
    ] {
        let outcome = ask(&gateway(POLICY, Scripted::new().status(status)), "quick").await;
        let attempts = attempts(&outcome);
        assert_eq!(tried(attempts), expected, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_deadline_holds_over_waits_retries_and_fallbacks() {
    let script = Scripted::new().delay(seconds(40)).status(500).delay(seconds(40)).status(500);
    let script = script.hang().answer("too late to be asked");
    let began = Instant::now();
    let failure = ask(&gateway(POLICY, script.clone()), "quick").await.unwrap_err();
    assert_eq!(began.elapsed(), seconds(100));
    // The second try had not begun to answer by half of what was left, and the other target has the
    // rest.
    let expected = ["openai provider_5xx", "openai timeout", "anthropic timeout"];
    assert_eq!(tried(failure.attempts()), expected);
    assert_eq!(script.requests().len(), 3, "nothing leaves after the deadline");
}

/// Fails until the breaker of the first target opens.
async fn open_the_breaker(gateway: &Gateway) {
    for _ in 0..2 {
        ask(gateway, "alone").await.unwrap_err();
    }
}

fn breaker(gateway: &Gateway) -> (&'static str, u32, f64) {
    let breaker = gateway.describe().unwrap().circuit_breakers["openai/gpt-6-luna"];
    (breaker.state, breaker.consecutive_failures, breaker.cooldown_remaining_s)
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_is_left_alone_for_a_while() {
    let failing = (0..4).fold(Scripted::new(), |script, _| script.status(500));
    let script = failing.answer("from the fallback").answer("trial").answer("closed again");
    let gateway = gateway(POLICY, script.clone());
    assert_eq!(breaker(&gateway), ("closed", 0, 0.0));
    let first = ask(&gateway, "alone").await.unwrap_err();
    assert_eq!(tried(first.attempts()).len(), 3);
    assert_eq!(breaker(&gateway), ("closed", 3, 0.0));
    // The fourth failure opens the breaker, and no retry waits for a target that would refuse.
    let second = ask(&gateway, "alone").await.unwrap_err();
    assert_eq!(tried(second.attempts()), ["openai provider_5xx"]);
    assert_eq!(breaker(&gateway), ("open", 4, 60.0));

    let refused = ask(&gateway, "alone").await.unwrap_err();
    assert_eq!(refused.category(), Category::BreakerOpen);
    assert_eq!(refused.error().retry_after(), Some(seconds(60)));
    assert_eq!(refused.attempts()[0].cost, Some(NanoUsd::ZERO));
    assert_eq!(script.requests().len(), 4, "nothing left");
    let answer = ask(&gateway, "quick").await.unwrap();
    assert_eq!(tried(&answer.attempts), ["openai breaker_open", "anthropic ok"]);

    tokio::time::advance(seconds(60)).await;
    assert_eq!(ask(&gateway, "alone").await.unwrap().text(), "trial");
    assert_eq!(breaker(&gateway), ("closed", 0, 0.0));
    assert_eq!(ask(&gateway, "alone").await.unwrap().text(), "closed again");
}

#[tokio::test(start_paused = true)]
async fn a_crowd_sends_one_trial() {
    let failing = (0..4).fold(Scripted::new(), |script, _| script.status(500));
    let script = failing.delay(seconds(5)).answer("trial");
    let gateway = gateway(POLICY, script.clone());
    open_the_breaker(&gateway).await;
    tokio::time::advance(seconds(60)).await;
    let crowd: Vec<_> = (0..20)
        .map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move { ask(&gateway, "alone").await })
        })
        .collect();
    let mut refused = 0;
    for call in crowd {
        match call.await.unwrap() {
            Ok(answer) => assert_eq!(answer.text(), "trial"),
            Err(failure) => {
                assert_eq!(failure.category(), Category::BreakerOpen);
                refused += 1;
            }
        }
    }
    assert_eq!((refused, script.requests().len()), (19, 5));
}

#[tokio::test(start_paused = true)]
async fn a_callers_fault_never_opens_the_breaker_and_a_bad_key_neither() {
    for status in [400, 401, 402, 403, 404, 413] {
        let script = (0..9).fold(Scripted::new(), |script, _| script.status(status));
        let gateway = gateway(POLICY, script);
        for _ in 0..9 {
            ask(&gateway, "alone").await.unwrap_err();
        }
        assert_eq!(breaker(&gateway), ("closed", 0, 0.0), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_retries_does_not_storm_a_dying_provider() {
    let policy = POLICY.replace("failure_threshold: 4", "failure_threshold: 1000");
    let failing = (0..900).fold(Scripted::new(), |script, _| script.status(500));
    let gateway = gateway(&policy, failing);
    let crowd = (0..100).map(|_| {
        let gateway = gateway.clone();
        tokio::spawn(async move { ask(&gateway, "alone").await.unwrap_err().attempts().len() })
    });
    let crowd: Vec<_> = crowd.collect();
    let mut attempts = 0;
    for call in crowd {
        attempts += call.await.unwrap();
    }
    // There are 100 first tries. Retries come from the bucket of 20, a fifth per first try while it
    // is not full, and the refill per second: far fewer than the 200 that the policy would allow.
    assert!((120..=150).contains(&attempts), "{attempts} attempts");
}

#[tokio::test(start_paused = true)]
async fn requests_beyond_the_rate_wait_for_their_turn() {
    let policy = format!("{POLICY}\nproviders: {{openai: {{limits: {{requests_per_minute: 2}}}}}}");
    let gateway = gateway(&policy, Scripted::new());
    let began = Instant::now();
    for expected in [0, 0, 30, 30] {
        let answer = ask(&gateway, "alone").await.unwrap();
        assert_eq!(answer.attempts[0].waited.as_secs(), expected);
    }
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_does_not_fit_the_deadline_goes_to_the_next_target() {
    let policy = format!("{POLICY}\nproviders: {{openai: {{limits: {{requests_per_minute: 1}}}}}}")
        .replace("deadline_s: 100", "deadline_s: 50");
    let gateway = gateway(&policy, Scripted::new());
    ask(&gateway, "alone").await.unwrap();
    let answer = ask(&gateway, "quick").await.unwrap();
    assert_eq!(tried(&answer.attempts), ["openai rate_limit", "anthropic ok"]);
    let failure = ask(&gateway, "alone").await.unwrap_err();
    assert_eq!(failure.category(), Category::RateLimit);
    assert_eq!(failure.error().retry_after(), Some(seconds(60)));
    assert_eq!(breaker(&gateway), ("closed", 0, 0.0), "a limit of ours is nobody's fault");
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_the_limit_itself_is_a_clear_error() {
    let policy = format!("{POLICY}\nproviders: {{openai: {{limits: {{tokens_per_minute: 200}}}}}}");
    let script = Scripted::new();
    let gateway = gateway(&policy, script.clone());
    // 2 bytes and the margin of one message in, 100 out: 166 tokens.
    ask(&gateway, "alone").await.unwrap();
    let large = Request::new("alone", "x".repeat(100));
    let failure = gateway.route(large).await.unwrap_err();
    assert!(failure.to_string().contains("264 tokens"), "{failure}");
    assert!(failure.to_string().contains("providers.openai.limits allows 200"), "{failure}");
    assert_eq!(script.requests().len(), 1);
    let second = ask(&gateway, "alone").await.unwrap();
    // 132 of the next 166 tokens have to come back, at 200 a minute.
    assert_eq!(second.attempts[0].waited.as_millis(), 39_600);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_run_at_once_than_the_policy_says() {
    let policy = format!("{POLICY}\nproviders: {{openai: {{limits: {{concurrent: 2}}}}}}");
    let slow = |script: Scripted, _| script.delay(seconds(10)).answer("slow");
    let gateway = gateway(&policy, (0..4).fold(Scripted::new(), slow));
    let began = Instant::now();
    let calls = (0..4).map(|_| ask(&gateway, "alone"));
    let answers = futures_util::future::join_all(calls).await;
    let waits: Vec<_> =
        answers.iter().map(|it| it.as_ref().unwrap().attempts[0].waited.as_secs()).collect();
    assert_eq!(waits, [0, 0, 10, 10]);
    assert_eq!(began.elapsed(), seconds(20));
}

#[tokio::test(start_paused = true)]
async fn every_try_has_a_hold_of_its_own() {
    let ledger = Arc::new(MemoryLedger::new());
    let script = Scripted::new().cut().status(500).answer("three holds");
    let gateway = obeying(POLICY).scripted(script).ledger(ledger.clone()).build().unwrap();
    let answer = ask(&gateway, "alone").await.unwrap();
    let costs: Vec<_> = answer.attempts.iter().map(|attempt| attempt.cost.unwrap()).collect();
    assert!(costs[0] > costs[2], "what a cut answer cost nobody knows, so it counts whole");
    assert_eq!(costs[1], NanoUsd::ZERO);
    let spent = spent(&ledger, SpendBy::Model).await;
    assert_eq!(spent.settled, costs[0].saturating_add(costs[2]));
    assert_eq!(spent.held, NanoUsd::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_full_provider_leaves_time_for_the_next() {
    let policy = format!("{POLICY}\nproviders: {{openai: {{limits: {{concurrent: 1}}}}}}");
    let gateway = gateway(&policy, Scripted::new().hang().answer("from the fallback"));
    let busy = gateway.start(Request::new("alone", "hi"));
    let busy = tokio::spawn(busy.outcome);
    tokio::task::yield_now().await;
    let answer = ask(&gateway, "quick").await.unwrap();
    assert_eq!(tried(&answer.attempts), ["openai rate_limit", "anthropic ok"]);
    assert_eq!(answer.attempts[0].waited, seconds(50), "half of what was left");
    busy.abort();
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_is_not_tried_until_nothing_is_left_for_the_next() {
    let policy = format!("{POLICY}\nproviders: {{openai: {{idle_timeout_s: 40}}}}");
    let script = Scripted::new().hang().hang().answer("from the fallback");
    let began = Instant::now();
    let answer = ask(&gateway(&policy, script), "quick").await.unwrap();
    assert_eq!(tried(&answer.attempts), ["openai timeout", "openai timeout", "anthropic ok"]);
    assert!(began.elapsed() < seconds(82));
    // Without a fallback, the target gets the whole time.
    let script = Scripted::new().hang().hang().hang();
    let failure = ask(&gateway(&policy, script), "alone").await.unwrap_err();
    assert_eq!(tried(failure.attempts()).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_uses_up_neither_rate() {
    let limits = "limits: {requests_per_minute: 1, tokens_per_minute: 1000}";
    let policy = format!("{POLICY}\nproviders: {{openai: {{{limits}}}}}")
        .replace("deadline_s: 100", "deadline_s: 1");
    let gateway = gateway(&policy, Scripted::new());
    ask(&gateway, "alone").await.unwrap();
    for _ in 0..20 {
        assert_eq!(ask(&gateway, "alone").await.unwrap_err().category(), Category::RateLimit);
    }
    for _ in 0..3 {
        tokio::time::advance(seconds(60)).await;
        ask(&gateway, "alone").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_in_a_hurry_does_not_shut_a_slow_model_out() {
    let hurry = "  hurry: {provider: openai, model: gpt-6-luna, deadline_s: 1}\n  quick:";
    let policy = POLICY.replacen("  quick:", hurry, 1);
    let hanging = (0..9).fold(Scripted::new(), |script, _| script.hang());
    let gateway = gateway(&policy, hanging);
    for _ in 0..9 {
        ask(&gateway, "hurry").await.unwrap_err();
    }
    assert_eq!(breaker(&gateway), ("closed", 0, 0.0));
    assert!(ask(&gateway, "alone").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn refused_requests_earn_no_retries() {
    let policy = format!("{POLICY}\nproviders: {{openai: {{limits: {{concurrent: 200}}}}}}")
        .replace("failure_threshold: 4", "failure_threshold: 1000")
        .replace("limits: {concurrent", "limits: {tokens_per_minute: 100000, concurrent");
    let failing = (0..900).fold(Scripted::new(), |script, _| script.status(500));
    let gateway = gateway(&policy, failing);
    let crowd = || futures_util::future::join_all((0..30).map(|_| ask(&gateway, "alone")));
    let attempts = |outcomes: Vec<Result<Answer, Failure>>| -> usize {
        outcomes.iter().map(|it| it.as_ref().unwrap_err().attempts().len()).sum()
    };
    let first = attempts(crowd().await);
    for _ in 0..200 {
        let large = Request::new("alone", "x".repeat(200_000));
        gateway.route(large).await.unwrap_err();
    }
    let second = attempts(crowd().await);
    assert!(second < first, "the bucket was emptied by {first} tries, and gave {second} more");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_waits_two_seconds_for_the_books() {
    let script = Scripted::new().answer("here it is");
    let gateway =
        obeying(POLICY).scripted(script).ledger(Arc::new(Silent::NeverWritten)).build().unwrap();
    let began = Instant::now();
    let answer = ask(&gateway, "alone").await.unwrap();
    assert_eq!((answer.text().as_str(), answer.spend_recorded()), ("here it is", Some(false)));
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}
