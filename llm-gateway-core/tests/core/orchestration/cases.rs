//! The depths, and what each of their steps sees.

use llm_gateway_core::outcome::Ending;
use llm_gateway_core::{Category, Envelope, Event, Scripted, Task};

use super::{ACCEPTS, POLICY, TASK, builder, nonce, shown, structured, texts, work};
use crate::support::obeying;

#[tokio::test]
async fn a_trivial_task_is_worked_on_and_nothing_else() {
    let script = Scripted::new().answer("Paris is the capital of France.");
    let done = work(POLICY, "trivial", &script).await.unwrap();
    assert_eq!(done.ending, Ending::Success);
    assert_eq!(done.text(), "Paris is the capital of France.");
    assert!((done.plan(), done.verdict()) == (None, None) && !done.is_accepted());
    assert_eq!(script.requests().len(), 1);
    assert!(done.verifier_sees.is_empty());
}

#[tokio::test]
async fn the_standard_depth_is_verified_by_who_sees_task_and_artifact_alone() {
    let script = Scripted::new().answer("Paris.").answer("ACCEPT");
    let gateway = builder(POLICY, &script, &Default::default()).build().unwrap();
    let done = gateway.orchestrate(Task::new(TASK)).await.unwrap();
    assert_eq!((&done.ending, done.depth.as_str()), (&Ending::Success, "standard"));
    assert!(done.is_accepted());
    assert_eq!(done.verifier_sees, ["task", "artifact"]);
    let requests = script.requests();
    assert_eq!(requests.len(), 2);
    let verifier = texts(&requests[1]);
    // Instruction, task, opening line, artifact, closing line and question are parts of their own.
    assert_eq!(verifier.len(), 6);
    assert_eq!((verifier[1].as_str(), verifier[3].as_str()), (TASK, "Paris."));
    let nonce = nonce(&verifier.concat()).unwrap();
    assert!(verifier[2].trim_end().ends_with(&format!("<<<ARTIFACT {nonce}>>>")));
    assert!(verifier[4].trim_start().starts_with(&format!("<<<END ARTIFACT {nonce}>>>")));
}

#[tokio::test]
async fn a_plan_reaches_the_worker_and_never_the_verifier() {
    let plan = "Step one: recall the capital. Step two: write one sentence.";
    let script = Scripted::new().answer(plan).answer("It is Paris.").answer("ACCEPT");
    let done = work(POLICY, "complex", &script).await.unwrap();
    assert_eq!((done.plan(), done.artifact()), (Some(plan), Some("It is Paris.")));
    let steps: Vec<&str> = done.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["plan", "execute", "verify"]);
    assert!(!shown(&script, 0).contains("Paris") && shown(&script, 0).contains(TASK));
    assert!(shown(&script, 1).contains(plan));
    assert!(!shown(&script, 2).contains("Step one"), "the verifier saw the plan");
}

#[tokio::test]
async fn a_structured_verdict_is_believed_with_its_nonce_and_quotes() {
    let script = Scripted::new().answer("Paris it is.").answer(ACCEPTS);
    let done = work(&structured(), "standard", &script).await.unwrap();
    assert_eq!(done.ending, Ending::Success);
    let verdict = done.verdict().unwrap();
    assert_eq!((verdict.accepted, verdict.checklist.len()), (true, 1));
    assert!(!verdict.injection_suspected);
    let asks = |index: usize| String::from_utf8_lossy(&script.requests()[index].body).into_owned();
    assert!(asks(1).contains(r#""type":"json_schema""#), "{}", asks(1));
    assert!(!asks(0).contains("json_schema"), "{}", asks(0));
}

#[tokio::test]
async fn an_instruction_of_the_policy_takes_the_built_in_ones_place() {
    let words = "instructions: {planner: 'You plan.', worker: 'You work.', verifier: 'You judge.'}";
    let policy = POLICY.replace("  verdict: plain", &format!("  {words}"));
    let script = Scripted::new().answer("a plan").answer("Paris").answer("ACCEPT");
    let done = work(&policy, "complex", &script).await.unwrap();
    assert_eq!(done.ending, Ending::Success, "an own verifier instruction asks for plain words");
    let systems: Vec<String> =
        script.requests().iter().map(|request| texts(request)[0].clone()).collect();
    assert_eq!(systems, ["You plan.", "You work.", "You judge."]);
}

#[tokio::test]
async fn an_instruction_without_a_word_is_none() {
    for empty in ["''", "' '", "\"\\n\\t\""] {
        let words =
            format!("instructions: {{planner: {empty}, worker: {empty}, verifier: {empty}}}");
        let policy = POLICY.replace("  verdict: plain", &format!("  {words}"));
        let script = Scripted::new().answer("a plan").answer("Paris").answer(ACCEPTS);
        let gateway = builder(&policy, &script, &Default::default()).build().unwrap();
        let told: Vec<&str> = gateway.problems().iter().map(|it| it.message.as_str()).collect();
        let expected = ["planner", "worker", "verifier"]
            .map(|role| format!("`instructions.{role}` is empty, so the built-in one is used"));
        assert!(told.starts_with(&expected.each_ref().map(String::as_str)), "{told:?}");
        let done = gateway.orchestrate(Task::new(TASK).depth("complex")).await.unwrap();
        assert_eq!(done.ending, Ending::Success, "the form stays the structured one");
        for (index, role) in ["planner", "worker", "verifier"].into_iter().enumerate() {
            let told = texts(&script.requests()[index])[0].clone();
            assert!(told.starts_with(&format!("You are the {role}.")), "{told}");
        }
    }
}

#[tokio::test]
async fn offline_no_role_needs_a_key() {
    let gateway = obeying(POLICY).offline().build().unwrap();
    let done = gateway.orchestrate(Task::new(TASK).depth("complex")).await.unwrap();
    assert_eq!((done.ending.clone(), done.steps.len()), (Ending::Success, 3));
}

#[tokio::test]
async fn the_envelope_of_an_orchestration() {
    let script = Scripted::new().answer("First recall, then write.").answer("Paris.");
    let script = script.answer("REVISE: one sentence is asked for").answer("Recall, then write.");
    let script = script.answer("It is Paris.").answer("ACCEPT");
    let done = work(POLICY, "complex", &script).await.unwrap();
    insta::assert_json_snapshot!(Envelope::from(&done), {
        ".**.latency_ms" => 0,
        ".**.waited_ms" => 0,
        ".meta.certificate.receipt.digest" => "[digest]",
    });
}

#[tokio::test]
async fn events_tell_of_each_step() {
    let script = Scripted::new().answer("Paris.").answer("ACCEPT");
    let gateway = builder(POLICY, &script, &Default::default()).build().unwrap();
    let mut run = gateway.start_orchestration(Task::new(TASK));
    run.outcome.await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = run.events.next().await {
        match event {
            Event::Step { step, round, target, .. } => {
                told.push(format!("{step} {round} {target}"))
            }
            Event::StepEnded { step, answered, .. } => told.push(format!("{step} {answered}")),
            _ => {}
        }
    }
    let expected = ["execute 1 openai/gpt-6-luna", "execute true"];
    let verified = ["verify 1 anthropic/claude-haiku-5-5", "verify true"];
    assert_eq!(told, [expected, verified].concat());
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_before_anything_is_sent() {
    let script = Scripted::new();
    let gateway = builder(POLICY, &script, &Default::default()).build().unwrap();
    for (task, message) in [
        (Task::new("  "), "`task` is empty"),
        (Task::new(TASK).depth("deep"), "no depth is called `deep`"),
    ] {
        let failure = gateway.orchestrate(task).await.unwrap_err();
        assert_eq!(failure.category(), Category::InvalidRequest);
        assert_eq!(failure.to_string(), message);
        assert_eq!(failure.failed_stage(), Some("preflight"));
    }
    let bare = "defaults: {single: {provider: openai, model: gpt-6-luna}}";
    let failure = work(bare, "standard", &script).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyInvalid);
    assert!(script.requests().is_empty());
}
