//! Tests of what is certified about a verifier, from the bytes of whole conversations.

use llm_gateway_core::certificate::ClaimResult::{self, Fail, NotApplicable, Pass};
use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
use llm_gateway_core::outcome::Ending;
use llm_gateway_core::{Envelope, OrchestrationOutcome, Scripted};

use super::{ACCEPTS, POLICY, structured, work};

/// A plan with enough words to detect whether it is repeated.
const PLAN: &str = "Assumptions: the reader knows where Europe lies and wants no history at all. \
    Steps: first recall which city holds the seat of government, then compose one short and \
    complete sentence that begins with its name. Risks: confusing the largest port with the seat \
    of government. Checklist: is it one sentence, does it begin with the name, is the name right?";

/// Returns the results of four claims: blind to the plan, blind to the history, distinct, no leak.
fn claims(done: &OrchestrationOutcome) -> [ClaimResult; 4] {
    let claims = done.certificate().claims.named().into_iter();
    claims.map(|(_, claim)| claim.result).collect::<Vec<_>>().try_into().unwrap()
}

#[tokio::test]
async fn a_verifier_of_two_rounds_saw_neither_plan_nor_history() {
    for (policy, accepts) in [(POLICY.to_owned(), "ACCEPT"), (structured(), ACCEPTS)] {
        let revise = match accepts {
            "ACCEPT" => "REVISE: one sentence is asked for",
            _ => &ACCEPTS.replace("ACCEPT", "REVISE"),
        };
        let script = Scripted::new().answer(PLAN).answer("Paris, I think.").answer(revise);
        let script = script.answer(PLAN).answer("It is Paris.").answer(accepts);
        let done = work(&policy, "complex", &script).await.unwrap();
        assert_eq!(done.ending, Ending::Success);
        assert_eq!(claims(&done), [Pass; 4], "{:#?}", done.certificate().claims);
        assert!(done.independence_certified());
        let visibility = &Envelope::from(&done).meta["visibility"];
        assert_eq!(visibility["verifier_blind_to_plan"], true);
        assert_eq!(visibility["independence_certified"], true);
    }
}

/// Checks that reasoning within the worker's text is no part of the artifact that the verifier is
/// shown.
#[tokio::test]
async fn reasoning_within_a_text_is_no_part_of_the_artifact() {
    let row = "gpt-6-luna: {in: 1, out: 10";
    let policy = POLICY.replace(row, &format!("{row}, capabilities: [think_tags]"));
    let worker = format!("<think>{PLAN}</think>\nParis.");
    let script = || Scripted::new().answer(PLAN).answer(&*worker).answer("ACCEPT");
    let done = work(&policy, "complex", &script()).await.unwrap();
    assert_eq!(done.artifact(), Some("Paris."));
    assert_eq!(
        claims(&done),
        [Pass, NotApplicable, Pass, Pass],
        "{:#?}",
        done.certificate().claims
    );
    let bundle = done.bundle.to_bytes();
    let verified = verify(&done.receipt.to_bytes(), VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(verified.result, VerifyResult::Holds, "{:?}", verified.findings);
    // Of a row that does not say so the whole text is the answer.
    let done = work(POLICY, "complex", &script()).await.unwrap();
    assert_eq!(claims(&done), [Pass, NotApplicable, Pass, Fail]);
}

#[tokio::test]
async fn a_repair_shows_the_verifier_nothing_of_its_reply() {
    let script = Scripted::new().answer(PLAN).answer("Paris.").answer("Sure!").answer("ACCEPT");
    let done = work(POLICY, "complex", &script).await.unwrap();
    assert_eq!(claims(&done), [Pass; 4], "{:#?}", done.certificate().claims);
}

#[tokio::test]
async fn an_artifact_that_repeats_the_plan_is_not_certified() {
    let script = Scripted::new().answer(PLAN).answer(PLAN).answer("ACCEPT");
    let done = work(POLICY, "complex", &script).await.unwrap();
    // The verifier saw the plan where it was allowed to: in the artifact.
    assert_eq!(claims(&done), [Pass, NotApplicable, Pass, Fail]);
    assert_eq!((done.ending.clone(), done.independence_certified()), (Ending::Success, false));
}

#[tokio::test]
async fn a_verifier_of_the_workers_own_kind_is_not_certified() {
    let policy = POLICY.replace(
        "verifier: {provider: anthropic, model: claude-haiku-5-5",
        "verifier: {provider: openai, model: gpt-6-luna",
    );
    let script = Scripted::new().answer("Paris.").answer("ACCEPT");
    let done = work(&policy, "standard", &script).await.unwrap();
    assert_eq!(claims(&done), [NotApplicable, NotApplicable, Fail, NotApplicable]);
    assert!(done.is_accepted() && !done.independence_certified());
}

#[tokio::test]
async fn what_nobody_judged_is_not_certified() {
    let script = Scripted::new().answer("Paris.").status(500);
    let done = work(POLICY, "standard", &script).await.unwrap();
    assert_eq!((done.ending.clone(), claims(&done)), (Ending::Unverified, [NotApplicable; 4]));
    assert_eq!((done.independence_certified(), done.is_verifier_blind_to_plan()), (false, None));
    let done = work(POLICY, "trivial", &Scripted::new().answer("Paris.")).await.unwrap();
    assert!(claims(&done) == [NotApplicable; 4] && !done.independence_certified());
}

#[tokio::test]
async fn a_receipt_holds_with_its_bundle_and_is_written_where_the_policy_says() {
    let folder = tempfile::tempdir().unwrap();
    let policy = format!("{POLICY}\nreceipts: {{dir: {:?}, bundle: true}}", folder.path());
    let script = Scripted::new().answer(PLAN).answer("Lyon.").answer("REVISE: wrong");
    let script = script.answer(PLAN).status(500);
    let failure = work(&policy, "complex", &script).await.unwrap_err();
    let done = failure.orchestration().unwrap();
    let path = done.receipt_path.as_ref().unwrap();
    let receipt = std::fs::read(path).unwrap();
    let bundle = path.to_str().unwrap().replace(".receipt.", ".bundle.");
    let bundle = std::fs::read(bundle).unwrap();
    let checked = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(checked.result, VerifyResult::Holds, "{:?}", checked.findings);
    assert_eq!(verify(&receipt, VerifyOptions::default()).result, VerifyResult::Undecided);
    let shown = String::from_utf8(receipt).unwrap();
    assert!(!shown.contains("Lyon") && shown.contains("\"cost_nanos\""));
    let envelope = Envelope::from(&failure);
    assert_eq!(envelope.meta["certificate"]["receipt"]["digest"], done.receipt.digest().as_str());
    let lyon = shown.replace("gpt-6-luna", "gpt-6-astra");
    let altered = verify(lyon.as_bytes(), VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(altered.result, VerifyResult::Contradicted);
}

#[tokio::test]
async fn a_bundle_is_written_only_where_the_policy_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let policy = format!("{POLICY}\nreceipts: {{dir: {:?}, bundle: false}}", folder.path());
    let script = Scripted::new().answer("Paris.").answer("ACCEPT");
    let done = work(&policy, "standard", &script).await.unwrap();
    let written: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(written[0].as_ref().unwrap().path(), done.receipt_path.unwrap());
}

#[tokio::test]
async fn a_plan_of_a_few_words_cannot_leak() {
    let folder = tempfile::tempdir().unwrap();
    let policy = format!("{POLICY}\nreceipts: {{dir: {:?}, bundle: true}}", folder.path());
    let script = Scripted::new().answer("Recall it.").answer("Paris.").answer("ACCEPT");
    let done = work(&policy, "complex", &script).await.unwrap();
    assert_eq!(claims(&done), [Pass, NotApplicable, Pass, NotApplicable]);
    assert!(done.independence_certified(), "every claim that applies passes");
    // The receipt alone does not show how long the plan was, and does not contradict the claim.
    let path = done.receipt_path.as_ref().unwrap();
    let receipt = std::fs::read(path).unwrap();
    let bundle = std::fs::read(path.to_str().unwrap().replace(".receipt.", ".bundle.")).unwrap();
    let checked = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(checked.result, VerifyResult::Holds, "{:?}", checked.findings);
    assert_eq!(verify(&receipt, VerifyOptions::default()).result, VerifyResult::Undecided);
}
