//! An observer hears of every run, in order, whatever readers and callers do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::observe::{OBSERVATIONS, Observation, Observed, Observer};
use llm_gateway_core::{Gateway, Request, Scripted, Task};
use serde_json::Value;

use crate::support::{ask, in_paused_time, obeying, spent};

const POLICY: &str = "
providers:
  openai: {models: {m: {in: 1, out: 10}}, limits: {concurrent: 1}}
  anthropic: {models: {m: {in: 1, out: 10}}}
  gemini: {models: {m: {in: 1, out: 10}}}
defaults:
  quick: {provider: openai, model: m, max_tokens: 100}
  three:
    members: [{provider: openai, model: m}, {provider: anthropic, model: m}, {provider: gemini, model: m}]
  sums:
    cascade:
      gate: [{provider: openai, model: m}, {provider: gemini, model: m}]
      else: {provider: anthropic, model: m}
fallback: {quick: [{provider: anthropic, model: m}]}
orchestration:
  roles:
    worker: {provider: openai, model: m, max_tokens: 100}
    verifier: {provider: anthropic, model: m, max_tokens: 100}
reliability: {retry: {max_retries: 1}}
";

/// Keeps every observation as JSON.
#[derive(Default)]
struct Kept(Mutex<Vec<Value>>);

impl Kept {
    fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    fn names(&self) -> Vec<String> {
        self.all().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    }
}

impl Observer for Kept {
    fn observe(&self, observed: &Observed<'_>) {
        self.0.lock().unwrap().push(serde_json::to_value(observed).unwrap());
    }
}

fn observed(script: Scripted) -> (Gateway, Arc<Kept>, Arc<MemoryLedger>) {
    let (kept, ledger) = (Arc::new(Kept::default()), Arc::new(MemoryLedger::new()));
    let builder = obeying(POLICY).scripted(script).ledger(ledger.clone());
    (builder.observer(kept.clone()).build().unwrap(), kept, ledger)
}

#[test]
fn a_run_is_heard_of_from_its_beginning_to_its_end() {
    in_paused_time(async {
        let (gateway, kept, ledger) =
            observed(Scripted::new().status(503).status(401).answer("hi"));
        let answer = ask(&gateway, "quick").await.unwrap();
        assert_eq!(
            kept.names(),
            [
                "run_started",
                "attempt_started",
                "attempt_ended",
                "waiting",
                "attempt_started",
                "attempt_ended",
                "fallback",
                "attempt_started",
                "attempt_ended",
                "run_ended",
            ]
        );
        let all = kept.all();
        let id = answer.run_id.to_string();
        assert!(all.iter().all(|it| it["run_id"] == *id && it["task_class"] == "quick"));
        let ends: Vec<&Value> = all.iter().filter(|it| it["name"] == "attempt_ended").collect();
        let outcomes: Vec<&str> = ends.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["overloaded", "auth", "ok"]);
        let cost: f64 = ends.iter().map(|it| it["cost_usd"].as_f64().unwrap()).sum();
        let settled = spent(&ledger, SpendBy::Model).await.settled;
        assert!((cost - settled.as_usd()).abs() < 1e-12, "{cost} {settled}");
        assert!(ends[2]["tokens_out"].as_u64().unwrap() > 0);
        assert_eq!(all.last().unwrap()["outcome"], "ok");
    });
}

#[tokio::test]
async fn every_shape_is_heard_of_by_names_and_fields_of_the_list() {
    let script = Scripted::new().answer("1").answer("2").answer("3").answer("4").answer("5");
    let (gateway, kept, _) = observed(script);
    gateway.panel(Request::new("three", "hi")).await.unwrap();
    gateway.cascade(Request::new("sums", "hi")).await.unwrap();
    gateway.orchestrate(Task::new("hi")).await.unwrap();
    gateway.route(Request::new("nobody", "hi")).await.unwrap_err();
    let names = kept.names();
    for name in ["panel_started", "member_ended", "escalating", "step_started", "step_ended"] {
        assert!(names.iter().any(|it| it == name), "{name}: {names:?}");
    }
    let count = |name: &str| names.iter().filter(|it| *it == name).count();
    assert_eq!((count("run_started"), count("run_ended"), count("run_dropped")), (4, 4, 0));
    for one in kept.all() {
        let keys: Vec<&str> = one.as_object().unwrap().keys().map(String::as_str).collect();
        let listed = OBSERVATIONS.iter().find(|(name, _)| one["name"] == **name).unwrap();
        assert_eq!(&keys[3..], listed.1, "{one}");
    }
    assert_eq!(kept.all().last().unwrap()["outcome"], "unknown_task_class");
}

#[test]
fn a_run_whose_caller_left_is_dropped_and_one_that_never_began_is_not_heard_of() {
    in_paused_time(async {
        let (gateway, kept, _) = observed(Scripted::new().hang());
        drop(gateway.start(Request::new("quick", "hi")));
        assert!(kept.names().is_empty());
        let run = gateway.start(Request::new("quick", "hi"));
        let left = tokio::time::timeout(Duration::from_secs(1), run.outcome).await;
        assert!(left.is_err());
        assert_eq!(kept.names(), ["run_started", "attempt_started", "run_dropped"]);
        gateway.shutdown(Duration::ZERO).await.unwrap();
        ask(&gateway, "quick").await.unwrap_err();
        assert_eq!(kept.all().last().unwrap()["outcome"], "cancelled");
    });
}

#[test]
fn runs_at_the_same_time_are_told_apart() {
    in_paused_time(async {
        let (gateway, kept, _) =
            observed(Scripted::new().delay(Duration::from_secs(1)).answer("a"));
        let ask = |_| tokio::spawn(gateway.start(Request::new("quick", "hi")).outcome);
        for run in (0..20).map(ask).collect::<Vec<_>>() {
            run.await.unwrap().unwrap();
        }
        let all = kept.all();
        let of = |name: &str| {
            let mut ids: Vec<_> =
                all.iter().filter(|it| it["name"] == name).map(|it| &it["run_id"]).collect();
            ids.sort_by_key(|id| id.to_string());
            ids.dedup();
            ids.len()
        };
        assert_eq!((of("run_started"), of("attempt_ended"), of("run_ended")), (20, 20, 20));
        // The provider lets one call in at a time, so some were told to wait in line.
        assert!(of("queued") > 0);
    });
}

/// Panics whenever it hears of anything.
struct Panics;

impl Observer for Panics {
    fn observe(&self, observed: &Observed<'_>) {
        assert!(
            matches!(observed.what, Observation::RunDropped),
            "it hears of {}",
            observed.name()
        );
    }
}

#[tokio::test]
async fn an_observer_that_panics_changes_nothing() {
    let builder = obeying(POLICY).scripted(Scripted::new().answer("hi"));
    let gateway = builder.observer(Arc::new(Panics)).build().unwrap();
    assert_eq!(ask(&gateway, "quick").await.unwrap().text(), "hi");
    let task = Task::new("hi");
    assert!(gateway.orchestrate(task).await.unwrap().is_accepted());
}
