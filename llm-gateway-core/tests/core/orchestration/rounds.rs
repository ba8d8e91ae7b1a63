//! Tests of new rounds, of failures midway, and of the results that are then kept.

use std::time::Duration;

use llm_gateway_core::outcome::Ending;
use llm_gateway_core::{Category, Envelope, Scripted, Status, Task};

use super::{ACCEPTS, POLICY, TASK, builder, keys_of, shown, structured, texts, work};
use crate::support::outcomes;

/// Returns a script of a first round that is refused.
fn refused(plan: &str, artifact: &str, reasons: &str) -> Scripted {
    Scripted::new().answer(plan).answer(artifact).answer(format!("REVISE: {reasons}"))
}

#[tokio::test]
async fn a_refusal_gives_its_reasons_to_planner_and_worker_and_not_to_the_verifier() {
    let script = refused("the first plan", "Lyon.", "the capital is another city");
    let script = script.answer("the second plan").answer("Paris.").answer("ACCEPT");
    let done = work(POLICY, "complex", &script).await.unwrap();
    assert_eq!((done.ending.clone(), done.rounds.len()), (Ending::Success, 2));
    assert_eq!((done.plan(), done.artifact()), (Some("the second plan"), Some("Paris.")));
    for asked_again in [3, 4] {
        assert!(shown(&script, asked_again).contains("the capital is another city"));
    }
    let verifier = shown(&script, 5);
    for hidden in ["another city", "Lyon", "first plan", "second plan", "REVISE: the"] {
        assert!(!verifier.contains(hidden), "the verifier saw `{hidden}`");
    }
    assert_eq!(texts(&script.requests()[5])[1], TASK, "the pristine task");
    // The refused round was paid for, and is kept.
    let (number, first) = done.other_rounds().next().unwrap();
    assert_eq!((number, first.artifact.as_deref()), (1, Some("Lyon.")));
    assert!(!first.verdict.as_ref().unwrap().accepted);
}

#[tokio::test]
async fn who_works_again_is_shown_the_reasons_and_not_the_whole_reply() {
    let reply = r#"{"checklist": [{"requirement": "the right city", "met": "no",
        "evidence_quote": ""}], "blocking": [{"what": "wrong city", "where": "the end",
        "fix": "look it up"}], "verdict": "REVISE", "nonce": "@nonce@"}"#;
    let script = Scripted::new().answer("a plan").answer("Lyon.").answer(reply);
    let script = script.answer("a plan").answer("Paris.").answer(ACCEPTS);
    let done = work(&structured(), "complex", &script).await.unwrap();
    assert_eq!(done.ending, Ending::Success);
    for asked_again in [3, 4] {
        let shown = shown(&script, asked_again);
        assert!(shown.contains("wrong city (the end): look it up"), "{shown}");
        assert!(!shown.contains("checklist\"") && !shown.contains("REVISE"), "{shown}");
    }
}

#[tokio::test]
async fn without_a_planner_the_worker_hears_the_reasons() {
    let script = Scripted::new().answer("Lyon.").answer("REVISE: wrong city");
    let script = script.answer("Paris.").answer("ACCEPT");
    let done = work(POLICY, "standard", &script).await.unwrap();
    assert_eq!((done.ending.clone(), done.rounds.len()), (Ending::Success, 2));
    assert!(shown(&script, 2).contains("wrong city"));
    assert!(!shown(&script, 3).contains("wrong city"));
}

#[tokio::test]
async fn what_is_refused_to_the_end_needs_a_person_and_comes_with_its_reasons() {
    let script = Scripted::new().answer("Lyon.").answer("REVISE: wrong city");
    let script = script.answer("Nice.").answer("REVISE: still wrong");
    let done = work(POLICY, "standard", &script).await.unwrap();
    assert_eq!(done.ending, Ending::NeedsHumanReview);
    assert_eq!(done.artifact(), Some("Nice."));
    assert_eq!(done.verdict().unwrap().reasons, ["still wrong"]);
    let envelope = Envelope::from(&done);
    assert_eq!(envelope.status, Status::NeedsHumanReview);
    assert!(!envelope.is_error());
    assert_eq!(envelope.data.unwrap()["other_rounds"][0]["artifact"], "Lyon.");
    assert_eq!(script.requests().len(), 4, "one re-plan, as the policy says");
}

#[tokio::test]
async fn a_verifier_that_cannot_be_had_leaves_the_artifact() {
    for (script, category) in [
        (Scripted::new().answer("Paris.").status(500), Category::Provider5xx),
        (Scripted::new().answer("Paris.").refuse(), Category::Network),
        (Scripted::new().answer("Paris.").empty(), Category::EmptyOutput),
    ] {
        let done = work(POLICY, "standard", &script).await.unwrap();
        assert_eq!(done.ending, Ending::Unverified);
        assert_eq!((done.artifact(), done.verdict()), (Some("Paris."), None));
        let failed = done.steps.last().unwrap().result.as_ref().unwrap_err();
        assert_eq!(failed.category(), category);
        let envelope = Envelope::from(&done);
        assert_eq!(envelope.status, Status::Unverified);
        assert!(envelope.meta["unverified_because"].as_str().is_some_and(|why| !why.is_empty()));
    }
}

#[tokio::test]
async fn a_missing_key_of_the_verifier_is_met_late_and_of_a_worker_early() {
    let script = Scripted::new().answer("Paris.");
    let environment = keys_of(&["OPENAI_API_KEY"]);
    let gateway = builder(POLICY, &script, &Default::default()).environment(environment);
    let done = gateway.build().unwrap().orchestrate(Task::new(TASK)).await.unwrap();
    assert_eq!((done.ending.clone(), done.artifact()), (Ending::Unverified, Some("Paris.")));

    let script = Scripted::new().answer("a plan that would be paid in vain");
    let environment = keys_of(&["GEMINI_API_KEY", "ANTHROPIC_API_KEY"]);
    let gateway = builder(POLICY, &script, &Default::default()).environment(environment);
    let task = Task::new(TASK).depth("complex");
    let failure = gateway.build().unwrap().orchestrate(task).await.unwrap_err();
    assert_eq!(failure.category(), Category::MissingKey);
    assert!(failure.to_string().contains("OPENAI_API_KEY"), "{failure}");
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn a_failed_step_loses_nothing_that_came_before() {
    let failure = work(POLICY, "complex", &Scripted::new().status(500)).await.unwrap_err();
    assert_eq!(failure.failed_stage(), Some("plan"));
    let done = failure.orchestration().unwrap();
    assert_eq!((done.rounds.len(), done.other_rounds().count()), (1, 0));

    let script = Scripted::new().answer("the plan").status(500);
    let failure = work(POLICY, "complex", &script).await.unwrap_err();
    assert_eq!(failure.failed_stage(), Some("execute"));
    let done = failure.orchestration().unwrap();
    assert_eq!((done.plan(), done.artifact()), (Some("the plan"), None));
    let envelope = Envelope::from(&failure);
    assert_eq!(envelope.status, Status::Error);
    assert_eq!(envelope.meta["failed_stage"], "execute");
    assert_eq!(envelope.meta["error_category"], "provider_5xx");
    assert_eq!(envelope.data.unwrap()["plan"], "the plan");

    // The second round fails, so the first one's artifact is the result, and the later plan is
    // kept.
    let script = refused("plan one", "Lyon.", "wrong").answer("plan two").status(500);
    let failure = work(POLICY, "complex", &script).await.unwrap_err();
    let done = failure.orchestration().unwrap();
    assert_eq!((done.plan(), done.artifact()), (Some("plan one"), Some("Lyon.")));
    let (number, second) = done.other_rounds().next().unwrap();
    assert_eq!((number, second.plan.as_deref()), (2, Some("plan two")));

    // A round without any text is not listed.
    let script = refused("plan one", "Lyon.", "wrong").status(500);
    let failure = work(POLICY, "complex", &script).await.unwrap_err();
    let done = failure.orchestration().unwrap();
    assert_eq!((done.rounds.len(), done.other_rounds().count()), (2, 0));
    assert_eq!(Envelope::from(&failure).data.unwrap().get("other_rounds"), None);
}

#[tokio::test]
async fn a_failure_tells_what_its_step_told_and_every_try() {
    let script = Scripted::new().answer("the plan");
    let script = script.status_with_retry_after(429, Duration::from_secs(40));
    let failure = work(POLICY, "complex", &script).await.unwrap_err();
    let step = failure.orchestration().unwrap().steps[1].result.as_ref().unwrap_err().error();
    assert_eq!(failure.error().retry_after(), Some(Duration::from_secs(40)));
    assert_eq!(failure.error().hint(), step.hint());
    let hint = "try again later, or name another worker in the policy";
    assert_eq!(step.hint(), Some(hint));
    assert_eq!(failure.error().target().unwrap().to_string(), "openai/gpt-6-luna");
    assert!(failure.to_string().starts_with("step `execute` failed: "), "{failure}");
    let outcomes = outcomes(failure.attempts());
    assert_eq!((outcomes, failure.spend_recorded()), (vec!["ok", "rate_limit"], Some(true)));
}

#[tokio::test(start_paused = true)]
async fn one_deadline_holds_over_all_steps() {
    let policy = POLICY.replace("  verdict: plain", "  verdict: plain\n  deadline_s: 10");
    let script = Scripted::new().answer("Paris.").hang();
    let done = work(&policy, "standard", &script).await.unwrap();
    assert_eq!((done.ending.clone(), done.artifact()), (Ending::Unverified, Some("Paris.")));
    assert!(done.latency.as_secs_f64() < 11.0);
    let failure = work(&policy, "standard", &Scripted::new().hang()).await.unwrap_err();
    assert_eq!((failure.category(), failure.failed_stage()), (Category::Timeout, Some("execute")));
    let hint = failure.error().hint();
    assert_eq!(hint, Some("raise `deadline_s` of `orchestration`, in the policy"));
}

#[tokio::test]
async fn a_reply_that_is_no_verdict_is_asked_for_once_more() {
    let script = Scripted::new().answer("Paris.").answer("Looks fine to me.").answer("ACCEPT");
    let done = work(POLICY, "standard", &script).await.unwrap();
    assert_eq!(done.ending, Ending::Success);
    assert!(done.steps[2].is_repair);
    assert!(!shown(&script, 2).contains("Looks fine"), "a verifier sees no earlier reply");
    let envelope = serde_json::to_value(Envelope::from(&done)).unwrap();
    assert_eq!(envelope["data"]["verdict"]["first_raw"], "Looks fine to me.");

    let script = Scripted::new().answer("Paris.").answer("Fine.").answer("Still fine.");
    let done = work(POLICY, "standard", &script).await.unwrap();
    assert_eq!(done.ending, Ending::NeedsHumanReview);
    let verdict = done.verdict().unwrap();
    assert_eq!(
        (verdict.raw.as_str(), verdict.first_raw.as_deref()),
        ("Still fine.", Some("Fine."))
    );
    assert_eq!(script.requests().len(), 3, "what names no fault is not worked on again");

    let script = Scripted::new().answer("Paris.").answer("{}").status(500);
    let done = work(&structured(), "standard", &script).await.unwrap();
    assert_eq!(done.ending, Ending::NeedsHumanReview, "the first reply was had, and paid for");
    assert_eq!(done.verdict().unwrap().raw, "{}");
}

#[tokio::test]
async fn a_scripted_refusal_is_one_in_either_form() {
    for policy in [POLICY.to_owned(), structured()] {
        let policy = policy.replace("max_replans: 1", "max_replans: 0");
        let script = Scripted::new().answer("Lyon.").revise("name the capital").strict();
        let done = work(&policy, "standard", &script).await.unwrap();
        assert_eq!(done.ending, Ending::NeedsHumanReview);
        assert_eq!(done.verdict().unwrap().reasons, ["name the capital"]);
    }
    let script = Scripted::new().answer("Lyon.").strict();
    let done = work(POLICY, "standard", &script).await.unwrap();
    assert_eq!(done.ending, Ending::Unverified, "nothing accepts where the script has ended");
}
