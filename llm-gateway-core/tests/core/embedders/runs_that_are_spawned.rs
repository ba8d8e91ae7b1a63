//! A run that is spawned works whether or not anybody waits for it.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use llm_gateway_core::{Category, Gateway, Request, Run, Scripted, Task};
use test_support::in_time;
use tokio::runtime::{Builder, Runtime};

const POLICY: &str = "
defaults: {q: {provider: openai, model: gpt-6-luna}}
orchestration: {roles: {worker: {provider: openai, model: gpt-6-luna}}}
reliability: {retry: {max_retries: 0}}
";

fn gateway(script: Scripted) -> Gateway {
    Gateway::for_tests(POLICY, script).unwrap()
}

fn question() -> Request {
    Request::new("q", "hi")
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Waits until the script was asked.
async fn asked(script: &Scripted) {
    let asked = async {
        while script.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    in_time("a request", asked).await;
}

#[tokio::test]
async fn it_works_before_anybody_waits() {
    let script = Scripted::new().answer("a");
    let run = gateway(script.clone()).start(question()).spawn();
    let id = run.id;
    asked(&script).await;
    let reply = in_time("the reply", run.outcome).await.unwrap();
    assert_eq!((reply.text().as_str(), reply.into_answer().unwrap().run_id), ("a", id));
}

#[tokio::test]
async fn its_events_are_all_heard() {
    let script = Scripted::new().status(500).answer("a");
    let Run { events, outcome, .. } = gateway(script).start(question()).spawn();
    let failure = in_time("the outcome", outcome).await.unwrap_err();
    assert_eq!(failure.category(), Category::Provider5xx);
    assert_eq!(in_time("the events", events.collect::<Vec<_>>()).await.len(), 1);

    let Run { mut events, outcome, .. } = gateway(Scripted::new()).start(question()).spawn();
    while in_time("an event", events.next()).await.is_some() {}
    outcome.await.unwrap();
    let task = gateway(Scripted::new()).start_orchestration(Task::new("hi").depth("trivial"));
    in_time("a task", task.spawn().outcome).await.unwrap();
}

#[tokio::test]
async fn spawned_twice_it_works_once() {
    let script = Scripted::new().answer("a");
    let run = gateway(script.clone()).start(question()).spawn().spawn();
    asked(&script).await;
    assert_eq!(in_time("a run", run.outcome).await.unwrap().text(), "a");
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn without_a_runtime_it_fails_and_nothing_is_sent() {
    let script = Scripted::new().answer("a");
    let gateway = gateway(script.clone());
    let outside = std::thread::spawn(move || {
        let Run { events, outcome, id, .. } = gateway.start(question()).spawn();
        let failure = outcome.now_or_never().unwrap().unwrap_err();
        assert_eq!(failure.run_id(), id);
        assert_eq!(events.collect::<Vec<_>>().now_or_never().unwrap(), []);
        failure
    });
    let failure = outside.join().unwrap();
    assert_eq!(failure.category(), Category::Internal);
    let told = "there is no tokio runtime here on which the run could be spawned";
    assert_eq!(failure.to_string(), told);
    assert!(script.requests().is_empty() && script.finish().is_err());
}

#[tokio::test]
async fn dropping_it_cancels_the_request() {
    for keeps_events in [false, true] {
        let script = Scripted::new().hang();
        let Run { events, outcome, .. } = gateway(script.clone()).start(question()).spawn();
        asked(&script).await;
        let mut events = Some(events).filter(|_| keeps_events);
        drop(outcome);
        if let Some(events) = &mut events {
            assert_eq!(events.collect::<Vec<_>>().now_or_never().unwrap().len(), 1);
        }
    }
    // Before its task was polled for the first time.
    let script = Scripted::new().answer("a");
    drop(gateway(script.clone()).start(question()).spawn());
    tokio::task::yield_now().await;
    assert!(script.requests().is_empty());
}

#[test]
fn it_is_awaited_from_another_runtime_and_ends_with_its_own() {
    let (home, elsewhere) = (runtime(), runtime());
    let script = Scripted::new().delay(Duration::from_millis(1)).answer("a").hang();
    let gateway = gateway(script.clone());
    let spawned = {
        let _inside = home.enter();
        gateway.start(question()).spawn()
    };
    assert_eq!(elsewhere.block_on(spawned.outcome).unwrap().text(), "a");

    let Run { events, outcome, .. } = home.block_on(async { gateway.start(question()).spawn() });
    elsewhere.block_on(async {
        while script.requests().len() < 2 {
            tokio::task::yield_now().await;
        }
    });
    home.shutdown_background();
    let failure = elsewhere.block_on(in_time("a run without a runtime", outcome)).unwrap_err();
    assert_eq!(failure.category(), Category::Internal);
    assert!(failure.to_string().starts_with("the run broke off"), "{failure}");
    assert_eq!(elsewhere.block_on(events.collect::<Vec<_>>()).len(), 1);
}

#[test]
fn a_thousand_are_dropped_at_any_moment() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let wait = |n: u64| Duration::from_micros(n % 7 * 50);
        let script =
            (0..1_000).fold(Scripted::new(), |script, n| script.delay(wait(n)).answer("a"));
        let gateway = gateway(script);
        for n in 0..1_000 {
            let Run { events, outcome, .. } = gateway.start(question()).spawn();
            let reading = tokio::spawn(events.collect::<Vec<_>>());
            match n % 3 {
                0 => drop(outcome),
                1 => drop(tokio::time::timeout(wait(n) / 2, outcome).await),
                _ => drop(in_time("a run", outcome).await.unwrap()),
            }
            in_time("its reader", reading).await.unwrap();
        }
    });
}

#[test]
fn a_run_that_several_tasks_poll_and_read_ends_once() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let wait = |n: u64| Duration::from_micros(n % 5 * 40);
        let script =
            (0..1_000).fold(Scripted::new(), |script, n| script.delay(wait(n)).answer("a"));
        let gateway = gateway(script.clone());
        for _ in 0..1_000 {
            let Run { events, outcome, .. } = gateway.start(question());
            let reading = tokio::spawn(events.collect::<Vec<_>>());
            let outcome = tokio::spawn(outcome);
            assert_eq!(in_time("the events", reading).await.unwrap().len(), 1);
            assert_eq!(in_time("the outcome", outcome).await.unwrap().unwrap().text(), "a");
        }
        script.finish().unwrap();
    });
}
