//! A caller stops an orchestration, and gets the steps that it has completed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
use llm_gateway_core::clock::FixedClock;
use llm_gateway_core::ledger::MemoryLedger;
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::outcome::Ending;
use llm_gateway_core::transport::{
    Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{
    Category, Envelope, Event, Failure, Gateway, GatewayBuilder, Reply, Scripted, Stop, Task,
};

use tokio::sync::Notify;

use super::money::spent;
use super::{POLICY, TASK, builder, keys, structured};
use crate::ledgers::Silent;
use crate::support::{NOW, outcomes, stopped_at};

/// The texts of the models in turn: a round that is refused, and one that is accepted.
const SAID: [&str; 6] = ["plan one", "Lyon.", "REVISE: wrong", "plan two", "Paris.", "ACCEPT"];
const STAGES: [&str; 6] = ["plan", "execute", "verify", "plan", "execute", "verify"];

/// Returns a script that answers this many times and then hangs.
fn hanging_after(answers: usize) -> Scripted {
    let said = SAID.iter().take(answers);
    said.fold(Scripted::new(), |script, said| script.answer(*said)).hang()
}

/// Runs the task, and stops it at the event that `is_time` selects.
async fn stopped(
    gateway: &Gateway,
    depth: &str,
    is_time: impl FnMut(&Event) -> bool,
) -> Result<Reply, Failure> {
    let stop = Stop::new();
    let task = Task::new(TASK).depth(depth).stopped_by(&stop);
    stopped_at(&stop, gateway.start_orchestration(task), is_time).await
}

/// Returns whether an event is the attempt with this number, counted over all steps.
fn attempt(number: usize) -> impl FnMut(&Event) -> bool {
    let mut begun = 0;
    move |event| {
        begun += usize::from(matches!(event, Event::Attempt { .. }));
        begun == number
    }
}

fn refused(outcome: Result<Reply, Failure>) -> Failure {
    outcome.expect_err("it was stopped")
}

#[tokio::test(start_paused = true)]
async fn a_stop_keeps_all_that_came_before_it_and_hangs_up_at_once() {
    for answered in 0..SAID.len() {
        let (script, ledger) = (hanging_after(answered), Arc::new(MemoryLedger::new()));
        let gateway = builder(POLICY, &script, &ledger).build().unwrap();
        let began = tokio::time::Instant::now();
        let failure = refused(stopped(&gateway, "complex", attempt(answered + 1)).await);
        assert_eq!(began.elapsed(), Duration::ZERO, "nobody was waited for");
        let stage = STAGES[answered];
        assert_eq!(
            (failure.category(), failure.failed_stage()),
            (Category::Cancelled, Some(stage))
        );
        assert_eq!(failure.to_string().matches(stage).count(), 1, "{failure}");

        let done = failure.orchestration().unwrap();
        assert!(matches!(&done.ending, Ending::Failed { stage: ended, .. } if *ended == stage));
        let kept = done.rounds.iter().flat_map(|round| {
            let verdict = round.verdict.as_ref().map(|verdict| verdict.raw.as_str());
            [round.plan.as_deref(), round.artifact.as_deref(), verdict]
        });
        assert!(kept.flatten().eq(SAID[..answered].iter().copied()), "{:?}", done.rounds);
        assert_eq!(done.steps.len(), answered + 1);

        let outcomes = outcomes(failure.attempts());
        assert_eq!(outcomes.len(), answered + 1);
        assert_eq!(outcomes.last(), Some(&"cancelled"));
        let spent = spent(&ledger).await;
        assert_eq!((spent.held, Some(spent.settled)), (NanoUsd::ZERO, done.total_cost()));
        let (receipt, bundle) = (done.receipt.to_bytes(), done.bundle.to_bytes());
        let checked = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
        assert_eq!(checked.result, VerifyResult::Holds, "{:?}", checked.findings);
        let last = failure.attempts().last().unwrap();
        assert!(last.cost >= Some(NanoUsd::from_nanos(100 * 10_000)), "the whole hold: {last:?}");
        assert_eq!(failure.spend_recorded(), Some(true));
        assert_eq!(script.requests().len(), answered + 1, "nobody was asked after it");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_a_stopped_second_round_is_the_first_ones_work() {
    let script = hanging_after(4);
    let gateway = builder(POLICY, &script, &Arc::default()).build().unwrap();
    let failure = refused(stopped(&gateway, "complex", attempt(5)).await);
    let done = failure.orchestration().unwrap();
    assert_eq!((done.plan(), done.artifact()), (Some("plan one"), Some("Lyon.")));
    assert_eq!(done.verdict().unwrap().reasons, ["wrong"]);
    let envelope = serde_json::to_value(Envelope::from(&failure)).unwrap();
    assert_eq!(envelope["status"], "error");
    assert_eq!(envelope["meta"]["error_category"], "cancelled");
    assert_eq!(envelope["meta"]["failed_stage"], "execute");
    assert_eq!(envelope["data"]["artifact"], "Lyon.");
    assert_eq!(envelope["data"]["other_rounds"][0]["plan"], "plan two");
    assert_eq!(envelope["meta"]["steps"][4]["outcome"], "cancelled");
    // The bytes of the interrupted call are recorded, too.
    let bundle: serde_json::Value = serde_json::from_slice(&done.bundle.to_bytes()).unwrap();
    let call = &bundle["evidence"]["steps"][4]["call"];
    let last = &call["exchanges"][0];
    assert!(call["committed"]["request"].is_object() && last["response"].is_null(), "{call}");
    assert_eq!(last["request"], call["committed"]["sequence"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_ledger_the_cost_of_what_was_cut_off_is_unknown() {
    let script = hanging_after(1);
    let gateway = without_ledger(&script).build().unwrap();
    let failure = refused(stopped(&gateway, "standard", attempt(2)).await);
    assert_eq!(failure.orchestration().unwrap().total_cost(), None);
    assert!(failure.attempts()[0].cost > Some(NanoUsd::ZERO));
}

fn without_ledger(script: &Scripted) -> GatewayBuilder {
    let builder = Gateway::builder().policy_yaml(POLICY).environment(keys());
    let clock = Arc::new(FixedClock::new(NOW));
    builder.transport(Arc::new(script.clone())).clock(clock).seed(7)
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_first_request_costs_nothing() {
    let (script, ledger) = (Scripted::new(), Arc::new(MemoryLedger::new()));
    let gateway = builder(POLICY, &script, &ledger).build().unwrap();
    let stop = Stop::new();
    stop.stop();
    let failure = gateway.orchestrate(Task::new(TASK).stopped_by(&stop)).await.unwrap_err();
    assert_eq!(failure.category(), Category::Cancelled);
    assert_eq!(failure.failed_stage(), Some("preflight"));

    // The first step waits for a place that another call has.
    let limited = POLICY.replace("openai: {stream", "openai: {limits: {concurrent: 1}, stream");
    let (script, ledger) = (Scripted::new().hang(), Arc::new(MemoryLedger::new()));
    let gateway = builder(&limited, &script, &ledger).build().unwrap();
    let mut other = std::pin::pin!(gateway.orchestrate(Task::new(TASK).depth("trivial")));
    let is_step = |event: &Event| matches!(event, Event::Step { .. });
    let failure = tokio::select! {
        biased;
        _ = &mut other => panic!("it hangs"),
        outcome = stopped(&gateway, "standard", is_step) => refused(outcome),
    };
    assert_eq!(
        (failure.category(), failure.failed_stage()),
        (Category::Cancelled, Some("execute"))
    );
    assert_eq!(failure.orchestration().unwrap().total_cost(), Some(NanoUsd::ZERO));
    assert_eq!(script.requests().len(), 1, "that of the other");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_before_a_retry() {
    let policy = POLICY.replace("max_retries: 0", "max_retries: 3, base_delay_s: 30");
    let (script, ledger) = (Scripted::new().answer("Paris.").status(500), Arc::default());
    let gateway = builder(&policy, &script, &ledger).build().unwrap();
    let began = tokio::time::Instant::now();
    let waits = |event: &Event| matches!(event, Event::Waiting { .. });
    let failure = refused(stopped(&gateway, "standard", waits).await);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!((failure.category(), failure.failed_stage()), (Category::Cancelled, Some("verify")));
    let outcomes = outcomes(failure.attempts());
    assert_eq!(outcomes, ["ok", "provider_5xx"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_with_the_stop_is_kept_and_nobody_else_is_asked() {
    let stopped_with = async |number: usize| {
        let (script, ledger) =
            (Scripted::new().answer("Paris.").answer("ACCEPT"), Arc::new(MemoryLedger::new()));
        let come = Arc::new(Notify::new());
        let transport = Waiting { script: script.clone(), come: Arc::clone(&come), number };
        let gateway = builder(POLICY, &script, &ledger).transport(Arc::new(transport));
        let mut is_asked = attempt(number);
        let gateway = gateway.build().unwrap();
        let outcome = stopped(&gateway, "standard", |event| {
            let is_time = is_asked(event);
            if is_time {
                come.notify_one();
            }
            is_time
        });
        (outcome.await, script.requests().len(), spent(&ledger).await)
    };
    let (outcome, asked, spent) = stopped_with(1).await;
    let failure = refused(outcome);
    assert_eq!((failure.category(), failure.failed_stage()), (Category::Cancelled, Some("verify")));
    let done = failure.orchestration().unwrap();
    assert_eq!((done.artifact(), asked), (Some("Paris."), 1));
    assert_eq!((spent.held, Some(spent.settled)), (NanoUsd::ZERO, done.total_cost()));
    assert_eq!(failure.attempts().last().unwrap().cost, Some(NanoUsd::ZERO), "it was not asked");

    let (outcome, asked, _) = stopped_with(2).await;
    let Ok(Reply::Orchestration(work)) = outcome else { panic!("nothing was left to stop") };
    assert_eq!((work.ending, asked), (Ending::Success, 2));
}

/// A transport whose answer to request `number` waits for a signal of the test.
struct Waiting {
    script: Scripted,
    come: Arc<Notify>,
    number: usize,
}

#[async_trait]
impl Transport for Waiting {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let response = self.script.send(request, credential).await;
        if self.script.requests().len() == self.number {
            self.come.notified().await;
        }
        response
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_a_verdict_is_asked_for_again_keeps_the_first_reply() {
    let script = Scripted::new().answer("Paris.").answer("{}").hang();
    let gateway = builder(&structured(), &script, &Arc::default()).build().unwrap();
    let failure = refused(stopped(&gateway, "standard", attempt(3)).await);
    assert_eq!((failure.category(), failure.failed_stage()), (Category::Cancelled, Some("verify")));
    assert_eq!(failure.orchestration().unwrap().verdict().unwrap().raw, "{}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_the_end_is_harmless() {
    let script = Scripted::new().answer("Paris.").answer("ACCEPT");
    let gateway = builder(POLICY, &script, &Arc::default()).build().unwrap();
    // The stop comes after the last step, so it interrupts nothing.
    let is_last =
        |event: &Event| matches!(event, Event::StepEnded { step, .. } if step == "verify");
    let reply = stopped(&gateway, "standard", is_last).await.unwrap();
    assert_eq!(reply.text(), "Paris.");
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_says_nothing_keeps_no_stopped_run() {
    let script = Scripted::new().answer("Paris.").answer("ACCEPT");
    let gateway = builder(POLICY, &script, &Arc::default()).ledger(Arc::new(Silent::NeverWritten));
    let gateway = gateway.build().unwrap();
    let began = tokio::time::Instant::now();
    // The answer has arrived by then, and its cost is on the way to the ledger.
    let failure = refused(stopped(&gateway, "standard", attempt(1)).await);
    assert!(began.elapsed() < Duration::from_secs(1), "well before the deadline");
    assert_eq!((failure.category(), failure.failed_stage()), (Category::Cancelled, Some("verify")));
    assert_eq!(failure.orchestration().unwrap().artifact(), Some("Paris."));
    assert_eq!(failure.spend_recorded(), Some(false));
}
