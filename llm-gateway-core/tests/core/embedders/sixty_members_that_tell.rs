//! A reader of events that reads all the time hears of every step, and one that does not can see
//! how many it missed.

use std::pin::pin;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use llm_gateway_core::{Environment, Event, Gateway, Request, Run, Scripted};
use test_support::in_time;

use crate::support::without_runtime;

fn policy(members: usize, retries: usize) -> String {
    let rows: String =
        (0..members).map(|n| format!("      - {{provider: p{n}, model: m}}\n")).collect();
    let row = |n| {
        format!(
            "  p{n}: {{kind: openai, base_url: \"http://127.0.0.1:1/v1\", api_key_env: null, \
             models: {{m: {{in: 0, out: 0}}}}}}\n"
        )
    };
    let providers: String = (0..members).map(row).collect();
    format!(
        "defaults:\n  t:\n    members:\n{rows}    max_tokens: 50\n\
         visibility: {{t: {{mode: blind, require: context_blind}}}}\n\
         reliability: {{breaker: {{failure_threshold: 1000}}, retry: {{max_retries: {retries}, base_delay_s: 0, max_delay_s: 0}}}}\n\
         providers:\n{providers}"
    )
}

/// Returns the numbers of tries, of members and of events that were left out.
async fn counts(events: impl futures_util::Stream<Item = Event>) -> (usize, usize, u64) {
    let (mut tries, mut members, mut left_out) = (0, 0, 0);
    let mut events = pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Event::Attempt { .. } => tries += 1,
            Event::Member { .. } => members += 1,
            Event::LeftOut { events, .. } => left_out += events,
            _ => {}
        }
    }
    (tries, members, left_out)
}

#[tokio::test]
async fn a_reader_that_reads_hears_of_every_member() {
    let builder = Gateway::builder().policy_yaml(policy(60, 3)).environment(Environment::empty());
    let gateway = builder.offline().build().unwrap();
    let Run { events, outcome, .. } = gateway.start(Request::new("t", "yes or no?"));
    let (outcome, counted) = tokio::join!(outcome, counts(events));
    outcome.unwrap();
    assert_eq!(counted, (60, 60, 0));
}

#[tokio::test]
async fn retries_of_the_largest_panel_are_heard_too() {
    for (members, failures) in [(2, 0), (2, 9), (64, 1), (64, 20)] {
        let script = (0..members)
            .fold(Scripted::new(), |script, n| script.target(format!("p{n}/m"), failing(failures)));
        let gateway = Gateway::for_tests(policy(members, failures), script.clone()).unwrap();
        let Run { events, outcome, .. } = gateway.start(Request::new("t", "yes or no?"));
        let (outcome, counted) = tokio::join!(outcome, counts(events));
        outcome.unwrap();
        assert_eq!(counted, (members * (failures + 1), members, 0));
        script.finish().unwrap();
    }
}

/// Returns a script of one target that fails `failures` times, and then answers.
fn failing(failures: usize) -> Scripted {
    (0..failures).fold(Scripted::new(), |script, _| script.status(500)).answer("yes")
}

/// A policy of one model.
const ONE: &str = "defaults: {q: {provider: openai, model: gpt-6-luna}}";

#[tokio::test]
async fn reading_lets_the_run_work_and_ends_with_it() {
    let script = Scripted::new().answer("a").delay(Duration::from_millis(5)).answer("b");
    let gateway = Gateway::for_tests(ONE, script).unwrap();
    let mut run = gateway.start(Request::new("q", "hi"));
    let heard: Vec<_> = in_time("a run that nobody polls", (&mut run.events).collect()).await;
    assert!(matches!(heard[..], [Event::Attempt { .. }]), "{heard:?}");
    for _ in 0..3 {
        assert_eq!(run.events.next().now_or_never(), Some(None), "it has ended for ever");
    }
    assert_eq!(run.outcome.now_or_never().unwrap().unwrap().text(), "a");

    // Polled once and left alone, then read.
    let mut run = gateway.start(Request::new("q", "hi"));
    assert!((&mut run.outcome).now_or_never().is_none());
    in_time("a run that is polled no more", (&mut run.events).collect::<Vec<_>>()).await;
    assert_eq!(run.outcome.await.unwrap().text(), "b");
}

#[tokio::test]
async fn the_events_of_a_run_that_is_gone_end() {
    let hung = || Gateway::for_tests(ONE, Scripted::new().hang()).unwrap();
    // Dropped before it was polled, and while it works.
    for polls in [0, 1] {
        let Run { mut events, mut outcome, .. } = hung().start(Request::new("q", "hi"));
        for _ in 0..polls {
            assert!((&mut outcome).now_or_never().is_none());
        }
        drop(outcome);
        assert_eq!(in_time("the rest", (&mut events).collect::<Vec<_>>()).await.len(), polls);
    }
    // Dropped while another task reads.
    let Run { events, mut outcome, .. } = hung().start(Request::new("q", "hi"));
    assert!((&mut outcome).now_or_never().is_none());
    let reading = tokio::spawn(events.collect::<Vec<_>>());
    tokio::task::yield_now().await;
    drop(outcome);
    assert_eq!(in_time("a reader elsewhere", reading).await.unwrap().len(), 1);
    // Forgotten: it works on while it is read, and ends.
    let answering = Gateway::for_tests(ONE, Scripted::new().answer("a")).unwrap();
    let Run { events, outcome, .. } = answering.start(Request::new("q", "hi"));
    std::mem::forget(outcome);
    assert_eq!(in_time("a forgotten run", events.collect::<Vec<_>>()).await.len(), 1);
}

#[tokio::test]
async fn a_read_that_is_given_up_loses_nothing() {
    let gateway =
        Gateway::for_tests(ONE, Scripted::new().delay(Duration::from_millis(20)).answer("a"));
    let mut run = gateway.unwrap().start(Request::new("q", "hi"));
    let mut heard = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(1), run.events.next()).await {
            Ok(Some(event)) => heard.push(event),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    assert_eq!(heard.len(), 1);
    assert_eq!(run.await.unwrap().text(), "a");
}

#[test]
fn a_reader_outside_the_runtime_only_listens() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..50 {
        let script = Scripted::new().delay(Duration::from_millis(1)).answer("a");
        let gateway = Gateway::for_tests(ONE, script).unwrap();
        let Run { events, outcome, .. } = gateway.start(Request::new("q", "hi"));
        let reader = std::thread::spawn(move || without_runtime(events.collect::<Vec<_>>()));
        assert_eq!(runtime.block_on(outcome).unwrap().text(), "a");
        assert_eq!(reader.join().unwrap().len(), 1);
    }
}
