//! A gateway for tests takes nothing from the machine: two runs return the same bytes.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::clock::FixedClock;
use llm_gateway_core::ledger::MemoryLedger;
use llm_gateway_core::{Envelope, Gateway, Request, Run, Scripted, Task};
use test_support::Place;

use crate::support::in_paused_time;

const POLICY: &str = "
defaults:
  one: {provider: openai, model: gpt-6-luna}
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
      - {provider: gemini, model: gemini-3.5-flash-lite}
  sums:
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.5-flash-lite}
      else: {provider: anthropic, model: claude-opus-5-5}
  lost: {provider: anthropic, model: claude-haiku-5-5}
orchestration:
  roles:
    planner: {provider: gemini, model: gemini-3.5-flash-lite}
    worker: {provider: openai, model: gpt-6-luna}
    verifier: {provider: anthropic, model: claude-opus-5-5}
reliability: {retry: {max_retries: 2, base_delay_s: 0.001, max_delay_s: 0.001}}
";

fn script() -> Scripted {
    let flaky = Scripted::new().status(500).answer("42");
    Scripted::new()
        .target("openai/gpt-6-luna", flaky)
        .target("anthropic/claude-opus-5-5", Scripted::new().revise("shorter").answer("43"))
        .target("anthropic/claude-haiku-5-5", Scripted::new().status(503).answer("41").status(401))
}

/// Returns the envelope, the id and the receipt of everything that a gateway can be asked.
async fn everything() -> Vec<String> {
    let gateway = Gateway::for_tests(POLICY, script()).unwrap();
    let mut told = Vec::new();
    let mut take = async |run: Run| {
        let (id, outcome) = (run.id, run.outcome.await);
        let envelope = match &outcome {
            Ok(reply) => Envelope::from(reply),
            Err(failure) => Envelope::from(failure),
        };
        let receipt = outcome.as_ref().ok().map(|reply| format!("{reply:?}"));
        told.push(serde_json::to_string(&envelope).unwrap());
        told.push(format!("{id} {receipt:?}"));
    };
    for class in ["one", "three", "lost", "sums", "one", "nobody"] {
        take(gateway.start(Request::new(class, "6 x 7 = ?"))).await;
    }
    for depth in ["trivial", "standard", "complex"] {
        take(gateway.start_orchestration(Task::new("Write a haiku").depth(depth))).await;
    }
    told
}

fn on_this_thread() -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(everything())
}

#[test]
fn the_bytes_are_the_same_in_any_number_of_threads() {
    let expected = on_this_thread();
    assert_eq!(expected.len(), 18);
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(on_this_thread)).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), expected);
    }
    assert_eq!(in_paused_time(everything()), expected);
}

/// The test that is run as another process, and the file of its folder that it writes then.
const CHILD: &str = "embedders::hermetic_tests::what_a_process_returns";
const TOLD: &str = "what-hermetic-tests-return";

#[test]
fn what_a_process_returns() {
    if std::path::Path::new(TOLD).exists() {
        std::fs::write(TOLD, on_this_thread().join("\n")).unwrap();
    }
}

#[test]
fn variables_and_folders_of_the_process_change_nothing() {
    let place = Place::empty().file(TOLD, "");
    let expected = on_this_thread().join("\n");
    let machines: [&[(&str, &str)]; 3] = [
        &[],
        &[("OPENAI_API_KEY", "sk-real-0123456789"), ("HOME", "/nonexistent"), ("TZ", "Asia/Tokyo")],
        &[
            ("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "0.000001"),
            ("LLM_GATEWAY_DISABLED", "1"),
            ("LLM_GATEWAY_LEDGER", "/dev/full"),
            ("LLM_GATEWAY_ROUTING", "/nonexistent"),
            ("OPENAI_BASE_URL", "http://evil.example"),
            ("HTTPS_PROXY", "http://127.0.0.1:1"),
            ("SSL_CERT_FILE", "/nonexistent"),
        ],
    ];
    for variables in machines {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", CHILD]).env_clear().current_dir(place.path(""));
        assert!(child.envs(variables.iter().copied()).output().unwrap().status.success());
        let told = std::fs::read_to_string(place.path(TOLD)).unwrap();
        assert_eq!(told, expected, "{variables:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_and_no_time_is_told() {
    let place = Place::empty();
    let receipts = place.path("receipts");
    let policy = format!("{POLICY}receipts: {{dir: {}, bundle: true}}\n", receipts.display());
    let script = Scripted::new().delay(Duration::from_millis(5));
    let gateway = Gateway::for_tests(policy, script).unwrap();
    let panel = gateway.panel(Request::new("three", "6 x 7 = ?")).await.unwrap();
    assert_eq!((panel.receipt_path.as_ref(), panel.latency), (None, Duration::ZERO));
    let times = panel.attempts().map(|attempt| attempt.latency + attempt.waited);
    assert_eq!(times.sum::<Duration>(), Duration::ZERO);
    assert!(panel.attempts().all(|attempt| attempt.was_asked()));
    assert!(!receipts.exists());
}

#[tokio::test]
async fn a_part_that_a_test_brings_takes_its_place() {
    let builder = || Gateway::builder().policy_yaml(POLICY).for_tests(Scripted::new());
    let id = |gateway: Gateway| gateway.start(Request::new("one", "hi")).id;
    let ids = [0, 0, 1].map(|seed| id(builder().seed(seed).build().unwrap()));
    assert!(ids[0] == ids[1] && ids[1] != ids[2]);
    let late = FixedClock::new(Duration::from_secs(1_795_262_400));
    let ledger = Arc::new(MemoryLedger::new());
    let gateway = builder().clock(Arc::new(late)).ledger(ledger).build().unwrap();
    let answer = gateway.route(Request::new("one", "hi")).await.unwrap();
    assert!(answer.attempts[0].reserved.is_none() || answer.attempts[0].recorded.is_some());
}

#[test]
fn a_run_draws_the_same_whatever_other_runs_draw() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let gateway = Gateway::for_tests(POLICY, Scripted::new()).unwrap();
        let start = |n: usize| gateway.start(Request::new("three", format!("question {n}")));
        let receipt = async |run: Run| format!("{:?}", run.outcome.await.unwrap());
        let (one, two) = (start(1), start(2));
        let forwards = [receipt(one).await, receipt(two).await];
        let gateway = Gateway::for_tests(POLICY, Scripted::new()).unwrap();
        let start = |n: usize| gateway.start(Request::new("three", format!("question {n}")));
        let (one, two) = (start(1), start(2));
        let (later, first) = (receipt(two).await, receipt(one).await);
        assert_eq!(forwards, [first, later]);
    });
}
