//! What a call had written when it was stopped or failed is kept: in the failure, in its envelope
//! and on its pages, and as nothing but the beginning of an answer.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
use llm_gateway_core::kept::KeptRuns;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::{
    Category, Envelope, Failure, Gateway, Reply, Request, Run, Scripted, Stop, Task,
};
use serde_json::{Value, json};

use crate::support::{obeying, outcomes, spent};

const POLICY: &str = "
providers:
  openai: {models: {gpt-6-luna: {in: 1, out: 10}}}
  anthropic: {models: {claude-haiku-5-5: {in: 1, out: 10}}}
  gemini: {models: {gemini-3.8-flash: {in: 1, out: 10}}}
defaults:
  openai: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  anthropic: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
  gemini: {provider: gemini, model: gemini-3.8-flash, max_tokens: 100}
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
      - {provider: gemini, model: gemini-3.8-flash}
    max_tokens: 100
  sums:
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.8-flash}
      else: {provider: anthropic, model: claude-haiku-5-5}
    max_tokens: 100
orchestration:
  roles:
    planner: {provider: gemini, model: gemini-3.8-flash, max_tokens: 100}
    worker: {provider: openai, model: gpt-6-luna, max_tokens: 100}
    verifier: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
  verdict: structured
visibility: {three: {mode: blind, quorum: 2}}
reliability: {retry: {max_retries: 0}}
";

/// The classes of one model, one for each wire format.
const SINGLE: [&str; 3] = ["openai", "anthropic", "gemini"];

struct World {
    gateway: Gateway,
    ledger: Arc<MemoryLedger>,
}

fn world(script: Scripted) -> World {
    let ledger = Arc::new(MemoryLedger::new());
    let gateway = obeying(POLICY).scripted(script).ledger(ledger.clone()).build().unwrap();
    World { gateway, ledger }
}

/// Waits for a run, and stops it after a second, when its models have written what they write.
async fn stopped(stop: &Stop, run: Run) -> Failure {
    let stops = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.stop();
    };
    let failure = tokio::join!(run.outcome, stops).0.unwrap_err();
    assert_eq!(failure.category(), Category::Cancelled);
    failure
}

impl World {
    async fn stopped(&self, class: &str) -> Failure {
        let stop = Stop::new();
        stopped(&stop, self.gateway.start(Request::new(class, "hi").stopped_by(&stop))).await
    }

    async fn stopped_task(&self, depth: &str) -> Failure {
        let stop = Stop::new();
        let task = Task::new("Name the capital of France").depth(depth).stopped_by(&stop);
        stopped(&stop, self.gateway.start_orchestration(task)).await
    }

    /// Asserts that no money is held, and that what is settled is what the attempts cost.
    async fn is_settled(&self, failure: &Failure) {
        let spent = spent(&self.ledger, SpendBy::Model).await;
        let costs = failure.attempts().iter().map(|attempt| attempt.cost.unwrap());
        let cost = costs.fold(NanoUsd::ZERO, NanoUsd::saturating_add);
        assert_eq!((spent.held, spent.settled), (NanoUsd::ZERO, cost));
    }
}

/// Returns what a class of one model answers offline, whole.
async fn whole(class: &str) -> String {
    let answer = world(Scripted::new()).gateway.route(Request::new(class, "hi")).await;
    answer.unwrap().text()
}

/// Asserts that a failure has the beginning of this text, and that its envelope shows it so.
fn has_beginning_of(failure: &Failure, whole: &str, provider: &str) -> Value {
    let partial = failure.partial().unwrap();
    assert!(whole.starts_with(&partial.text) && partial.text.len() < whole.len(), "{partial:?}");
    assert!(partial.text.len() > 3 && !partial.is_committed, "{partial:?}");
    assert_eq!(partial.target.provider.as_str(), provider);
    let envelope = json!(Envelope::from(failure));
    assert_eq!(envelope["status"], "error");
    assert_eq!(envelope["data"]["text"], json!(partial.text), "{envelope:#}");
    assert_eq!(envelope["meta"]["text_from"]["provider"], provider);
    assert_eq!(envelope["meta"]["text_from"]["model"], json!(partial.target.model));
    assert_eq!(envelope["meta"].get("committed"), None);
    envelope
}

#[tokio::test(start_paused = true)]
async fn a_stopped_call_keeps_what_it_had_written_in_every_wire_format() {
    for class in SINGLE {
        let world = world(Scripted::new().stall());
        let failure = world.stopped(class).await;
        let envelope = has_beginning_of(&failure, &whole(class).await, class);
        assert_eq!(outcomes(failure.attempts()), ["cancelled"]);
        assert_eq!(envelope["meta"]["error_category"], "cancelled");
        // Money is as without the text: nobody knows what it cost.
        assert_eq!(envelope["meta"]["attempts"][0]["outcome"], "cancelled");
        assert_eq!(failure.attempts()[0].cost, failure.attempts()[0].reserved);
        world.is_settled(&failure).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_or_falls_silent_keeps_what_it_had_written() {
    for class in SINGLE {
        for (script, category) in [
            (Scripted::new().cut(), Category::Truncated),
            (Scripted::new().stall(), Category::Timeout),
        ] {
            let world = world(script);
            let failure = world.gateway.route(Request::new(class, "hi")).await.unwrap_err();
            assert_eq!(failure.category(), category, "{class}");
            has_beginning_of(&failure, &whole(class).await, class);
            world.is_settled(&failure).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_text_the_envelope_is_as_it_was() {
    for script in [Scripted::new().hang(), Scripted::new().delay(Duration::from_secs(9))] {
        let failure = world(script).stopped("openai").await;
        assert!(failure.partial().is_none());
        let envelope = json!(Envelope::from(&failure));
        assert_eq!((envelope.get("data"), envelope["meta"].get("text_from")), (None, None));
    }
    let world = world(Scripted::new().status(401));
    let failure = world.gateway.route(Request::new("openai", "hi"));
    assert!(failure.await.unwrap_err().partial().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_caller_leaves_is_kept_with_what_it_had_written() {
    let (kept, stop) = (KeptRuns::default(), Stop::new());
    let world = world(Scripted::new().stall());
    let run = world.gateway.start(Request::new("openai", "hi").stopped_by(&stop));
    let ticket = kept.begin(run.id, "openai", tokio::time::Instant::now());
    let failure = stopped(&stop, run).await;
    let text = failure.partial().unwrap().text.clone();
    ticket.finish(Envelope::from(&Err::<Reply, _>(failure)));
    let found = kept.newest().unwrap();
    assert_eq!(found.envelope().unwrap().whole_text(), text);
    let mut paged = String::new();
    for number in 1..=found.page_count(200).unwrap() {
        let page = json!(found.page(number, 200).unwrap().unwrap());
        assert_eq!(
            (&page["status"], &page["meta"]["error_category"]),
            (&json!("error"), &json!("cancelled"))
        );
        paged.push_str(page["data"]["text"].as_str().unwrap());
    }
    assert_eq!(paged, text, "the pages joined are the text");
    let shown = json!(found.shown(900).unwrap());
    assert!(shown.to_string().chars().count() <= 900 && shown["data"]["text"].is_string());
}

#[tokio::test(start_paused = true)]
async fn a_strong_model_keeps_its_text_beside_its_gate() {
    for stops in [true, false] {
        let script = Scripted::new().answer("42").answer("41");
        let world = world(if stops { script.stall() } else { script.cut() });
        let failure = match stops {
            true => world.stopped("sums").await,
            false => world.gateway.start(Request::new("sums", "hi")).await.unwrap_err(),
        };
        let envelope = has_beginning_of(&failure, &whole("anthropic").await, "anthropic");
        let text = &failure.partial().unwrap().text;
        assert_eq!(envelope["data"]["members"].as_array().unwrap().len(), 2);
        assert!(envelope["meta"]["cascade"]["answered_by"].is_null());
        let whole = Envelope::from(&failure).whole_text().into_owned();
        assert!(whole.starts_with("## 1. openai/gpt-6-luna\n\n42\n"), "{whole}");
        assert!(whole.ends_with(&format!("\n## Unfinished text\n\n{text}\n")), "{whole}");
        world.is_settled(&failure).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_gate_keeps_the_texts_of_its_members() {
    let world = world(Scripted::new().stall().answer("42"));
    let failure = world.stopped("sums").await;
    assert!(failure.partial().is_none(), "the strong model was not asked");
    let member = failure.panel().unwrap().members[0].as_ref().unwrap_err();
    has_beginning_of(member, &whole("openai").await, "openai");
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_is_no_answer_of_a_panel_and_certifies_nothing() {
    for (script, answered) in [
        (Scripted::new().stall().stall().stall(), 0),
        (Scripted::new().answer("42").stall().stall(), 1),
        (Scripted::new().answer("42").answer("42").stall(), 2),
    ] {
        let world = world(script);
        let failure = world.stopped("three").await;
        let panel = failure.panel().unwrap();
        assert_eq!(panel.answers().count(), answered);
        let said: usize =
            panel.agreement.clusters.iter().map(|cluster| cluster.members.len()).sum();
        assert!(said <= answered, "{:?}", panel.agreement);
        assert!(failure.partial().is_none(), "each member has its own");
        for (member, class) in panel.members.iter().zip(SINGLE).skip(answered) {
            has_beginning_of(member.as_ref().unwrap_err(), &whole(class).await, class);
        }
        let (receipt, bundle) = (panel.receipt.to_bytes(), panel.bundle.to_bytes());
        let checked = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
        assert_eq!(checked.result, VerifyResult::Holds, "{:?}", checked.findings);
        let text = Envelope::from(&failure).whole_text().into_owned();
        assert_eq!(text.matches(": no answer\n").count(), 3 - answered, "{text}");
        assert_eq!(text.matches("As far as it came:").count(), 3 - answered, "{text}");
        assert_eq!(panel.text().matches("As far as it came:").count(), 3 - answered);
        world.is_settled(&failure).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_step_keeps_its_text_apart_from_what_was_made() {
    for (script, stage, provider, artifact) in [
        (Scripted::new().stall(), "plan", "gemini", None),
        (Scripted::new().answer("A plan").stall(), "execute", "openai", None),
        (
            Scripted::new().answer("A plan").answer("Paris.").stall(),
            "verify",
            "anthropic",
            Some("Paris."),
        ),
    ] {
        let world = world(script);
        let failure = world.stopped_task("complex").await;
        assert_eq!(failure.failed_stage(), Some(stage));
        let done = failure.orchestration().unwrap();
        assert_eq!((done.artifact(), done.verdict().is_some()), (artifact, false));
        assert!(!done.independence_certified());
        let partial = failure.partial().unwrap();
        assert_eq!(partial.target.provider.as_str(), provider, "{stage}");
        let envelope = json!(Envelope::from(&failure));
        assert_eq!(envelope["data"]["text"], json!(partial.text), "{stage}");
        assert_eq!(envelope["data"]["artifact"], json!(artifact), "{stage}");
        assert_eq!(envelope["meta"]["text_from"]["provider"], provider);
        let whole = Envelope::from(&failure).whole_text().into_owned();
        assert!(whole.ends_with(&format!("## Unfinished text\n\n{}\n", partial.text)), "{whole}");
        let (receipt, bundle) = (done.receipt.to_bytes(), done.bundle.to_bytes());
        let checked = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
        assert_eq!(checked.result, VerifyResult::Holds, "{:?}", checked.findings);
        world.is_settled(&failure).await;
    }
}

/// Checks that half of a verdict is not shown beside an artifact that nobody judged: it may read as
/// if somebody had.
#[tokio::test(start_paused = true)]
async fn half_a_verdict_judges_nothing() {
    let world = world(Scripted::new().answer("Paris.").cut());
    let task = Task::new("Name the capital of France").depth("standard");
    let reply = world.gateway.start_orchestration(task).await.unwrap();
    let envelope = json!(Envelope::from(&Ok::<_, Failure>(reply.clone())));
    assert_eq!((&envelope["status"], envelope["data"].get("text")), (&json!("unverified"), None));
    let done = reply.into_orchestration().unwrap();
    assert!(done.partial().is_none());
    let verifier = done.steps.last().unwrap().result.as_ref().unwrap_err();
    assert!(verifier.partial().is_some(), "the step itself has it");
}
