//! A caller shortens the time of a request or a task, and never lengthens it.

use std::time::Duration;

use llm_gateway_core::{Category, Failure, Gateway, Request, Scripted, Task};
use tokio::time::Instant;

const POLICY: &str = "
defaults:
  one: {provider: openai, model: gpt-6-luna, deadline_s: 60}
  three:
    deadline_s: 60
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
  sums:
    deadline_s: 60
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.5-flash-lite}
      else: {provider: anthropic, model: claude-opus-5-5}
orchestration:
  deadline_s: 60
  roles: {worker: {provider: openai, model: gpt-6-luna}}
";

fn hanging() -> Scripted {
    (0..8).fold(Scripted::new(), |script, _| script.hang())
}

/// Returns the failure of a run whose caller gives it this time, and the seconds that it took.
async fn ended(class: &str, limit: Duration, script: Scripted) -> (Failure, u64) {
    let gateway = Gateway::for_tests(POLICY, script).unwrap();
    let started = Instant::now();
    let run = match class {
        "task" => gateway.start_orchestration(Task::new("hi").depth("trivial").deadline(limit)),
        class => gateway.start(Request::new(class, "hi").deadline(limit)),
    };
    let failure = run.await.unwrap_err();
    (failure, started.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn the_shorter_of_both_deadlines_ends_the_run() {
    for class in ["one", "three", "sums", "task"] {
        for (limit, took) in [(5, 5), (59, 59), (60, 60), (61, 60), (u64::MAX, 60)] {
            let (failure, seconds) = ended(class, Duration::from_secs(limit), hanging()).await;
            assert_eq!(seconds, took, "{class} with {limit}: {failure}");
            let mut hints = failure.panel().into_iter().flat_map(|panel| &panel.members);
            let member = hints.find_map(|member| member.as_ref().err()).unwrap_or(&failure);
            let hint = member.error().hint().unwrap_or_default();
            assert_eq!(hint.contains("set a longer `deadline`"), limit < 60, "{class}: {hint}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_any_time_nothing_is_sent() {
    for class in ["one", "three", "sums", "task"] {
        let script = hanging();
        let (failure, seconds) = ended(class, Duration::ZERO, script.clone()).await;
        assert!(script.requests().is_empty(), "{class}: {failure}");
        assert_eq!(seconds, 0);
        let is_timeout = failure.category() == Category::Timeout;
        assert!(is_timeout || failure.category() == Category::Quorum, "{class}: {failure}");
    }
}

#[test]
fn what_was_set_can_be_read() {
    let second = Duration::from_secs(1);
    assert_eq!(Request::new("one", "hi").get_deadline(), None);
    assert_eq!(Request::new("one", "hi").deadline(second).get_deadline(), Some(second));
    assert_eq!(Task::new("hi").deadline(second).get_deadline(), Some(second));
}
