//! The end of a gateway: what runs has its time, what is left is stopped, and nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::config::PolicySource;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::{Category, Gateway, Reply, Request, Scripted, Stop, Task};

use crate::support::{SHAPES, ask, in_paused_time, obeying, spent};

const GRACE: Duration = Duration::from_secs(5);

fn gateway(script: Scripted) -> (Gateway, Arc<MemoryLedger>) {
    let ledger = Arc::new(MemoryLedger::new());
    (obeying(SHAPES).scripted(script).ledger(ledger.clone()).build().unwrap(), ledger)
}

#[test]
fn a_gateway_that_rests_shuts_down_at_once_and_takes_nothing_more() {
    in_paused_time(async {
        let script = Scripted::new();
        let (gateway, _) = gateway(script.clone());
        assert_eq!(gateway.shutdown(GRACE).await.unwrap(), 0);
        let again = gateway.with_policy(PolicySource::Text(SHAPES.to_owned()));
        for gateway in [&gateway, &gateway.clone(), &again] {
            let failure = ask(gateway, "one").await.unwrap_err();
            assert_eq!(failure.category(), Category::Cancelled);
            assert!(failure.to_string().contains("has been shut down"), "{failure}");
            let failure = gateway.orchestrate(Task::new("hi")).await.unwrap_err();
            assert_eq!(failure.category(), Category::Cancelled);
        }
        assert!(script.requests().is_empty());
        assert_eq!(gateway.shutdown(GRACE).await.unwrap(), 0);
    });
}

#[test]
fn a_run_that_ends_within_the_grace_is_not_stopped() {
    in_paused_time(async {
        let (gateway, _) = gateway(Scripted::new().delay(GRACE / 2).answer("whole"));
        let run = tokio::spawn(gateway.start(Request::new("one", "hi")).outcome);
        tokio::task::yield_now().await;
        assert_eq!(gateway.shutdown(GRACE).await.unwrap(), 0);
        assert_eq!(run.await.unwrap().unwrap().text(), "whole");
    });
}

#[test]
fn a_run_that_lasts_longer_is_stopped_and_keeps_what_exists() {
    in_paused_time(async {
        let (gateway, ledger) = gateway(Scripted::new().answer("one").answer("two").hang());
        let mine = Stop::new();
        let request = Request::new("three", "hi").stopped_by(&mine);
        let run = tokio::spawn(gateway.start(request).outcome);
        let task = tokio::spawn(gateway.start(Request::new("three", "hi")).outcome);
        tokio::task::yield_now().await;
        task.abort();
        assert_eq!(gateway.shutdown(GRACE).await.unwrap(), 1);
        let failure = run.await.unwrap().unwrap_err();
        assert_eq!(failure.category(), Category::Cancelled);
        assert_eq!(failure.panel().unwrap().answers().count(), 2);
        assert!(!mine.is_stopped(), "a caller's handle is the caller's");
        assert_eq!(spent(&ledger, SpendBy::Model).await.held.as_nanos(), 0);
    });
}

#[test]
fn many_runs_are_counted_and_a_dropped_one_is_not_waited_for() {
    in_paused_time(async {
        let script = (0..20).fold(Scripted::new(), |script, _| script.hang());
        let (gateway, _) = gateway(script);
        let start = |_| tokio::spawn(gateway.start(Request::new("one", "hi")).outcome);
        let runs: Vec<_> = (0..20).map(start).collect();
        let unpolled = gateway.start(Request::new("one", "hi"));
        tokio::task::yield_now().await;
        runs.iter().take(7).for_each(tokio::task::JoinHandle::abort);
        let began = tokio::time::Instant::now();
        let stopped = gateway.shutdown(GRACE).await.unwrap();
        assert_eq!((stopped, began.elapsed()), (13, GRACE));
        let late: Result<Reply, _> = unpolled.await;
        assert_eq!(late.unwrap_err().category(), Category::Cancelled);
    });
}

#[test]
fn a_future_that_nobody_polls_does_not_hold_up_the_end_for_ever() {
    in_paused_time(async {
        let (gateway, _) = gateway(Scripted::new().hang());
        let mut stuck = gateway.start(Request::new("one", "hi")).outcome;
        let polled = tokio::time::timeout(Duration::from_millis(1), &mut stuck).await;
        assert!(polled.is_err());
        assert_eq!(gateway.shutdown(GRACE).await.unwrap(), 1);
        assert_eq!(stuck.await.unwrap_err().category(), Category::Cancelled);
    });
}

#[test]
fn a_shutdown_that_is_dropped_leaves_the_door_closed_and_runs_at_work() {
    in_paused_time(async {
        let (gateway, _) = gateway(Scripted::new().delay(GRACE).answer("whole"));
        let run = tokio::spawn(gateway.start(Request::new("one", "hi")).outcome);
        tokio::task::yield_now().await;
        let given_up = tokio::time::timeout(Duration::from_secs(1), gateway.shutdown(GRACE));
        assert!(given_up.await.is_err());
        assert_eq!(ask(&gateway, "one").await.unwrap_err().category(), Category::Cancelled);
        assert_eq!(run.await.unwrap().unwrap().text(), "whole");
    });
}

#[test]
fn a_grace_of_zero_and_one_without_end_are_both_graces() {
    for grace in [Duration::ZERO, Duration::MAX] {
        in_paused_time(async {
            let (gateway, _) = gateway(Scripted::new().delay(GRACE).answer("whole"));
            let run = tokio::spawn(gateway.start(Request::new("one", "hi")).outcome);
            tokio::task::yield_now().await;
            let stopped = gateway.shutdown(grace).await.unwrap();
            assert_eq!(
                (stopped, run.await.unwrap().is_ok()),
                match grace.is_zero() {
                    true => (1, false),
                    false => (0, true),
                }
            );
        });
    }
}
