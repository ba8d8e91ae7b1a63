//! Checks, as case 19 for orchestrations, receipts that were changed after they were issued.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::cases::TABLE;
use super::run::{CRITIQUE, PLANS, TASK, replanned, retry};
use crate::certificate::tests::digests::assert_all_is_hashed;
use crate::certificate::tests::panel::kinship;
use crate::certificate::tests::receipts::{damage, flips, good as of_a_panel, is_same, verify};
use crate::certificate::{
    ClaimResult, OrchestrationEvidence, OrchestrationSubject, Particulars, Receipt, ReceiptKind,
    Salt, VerifyResult,
};
use crate::model::StepRole;

use VerifyResult::{Contradicted, Holds, NoReceipt, Undecided};

type Change = fn(&mut Receipt<OrchestrationSubject>);

fn issue(evidence: OrchestrationEvidence) -> (Receipt<OrchestrationSubject>, Vec<u8>) {
    let particulars = Particulars {
        run_id: "0123456789abcdef0123456789abcdef".to_owned(),
        task_class: "orchestrate".to_owned(),
        policy_digest: "ab".repeat(32),
        gateway_version: "0.1.0".to_owned(),
        ..Particulars::default()
    };
    let salt = Salt::from_bytes([7; 32]);
    let (receipt, bundle) = Receipt::issue_orchestration(particulars, evidence, &kinship(), salt);
    (receipt, bundle.to_bytes())
}

/// The receipt of an orchestration of two rounds whose second verifier needed two attempts, and the
/// bundle.
static GOOD: LazyLock<(Receipt<OrchestrationSubject>, Vec<u8>)> = LazyLock::new(|| {
    let mut evidence = replanned().evidence();
    retry(&mut evidence, 6);
    issue(evidence)
});

/// Changes a receipt, computes its digest again, and returns the results of checking it alone and
/// with its bundle.
fn resealed(
    change: impl FnOnce(&mut Receipt<OrchestrationSubject>),
) -> (VerifyResult, VerifyResult) {
    let (receipt, bundle) = &*GOOD;
    let mut receipt = receipt.clone();
    change(&mut receipt);
    receipt.digest = receipt.computed_digest();
    let bytes = receipt.to_bytes();
    (verify(&bytes, None).result, verify(&bytes, Some(bundle)).result)
}

#[test]
fn a_receipt_holds_with_its_bundle_and_is_undecided_without() {
    let (receipt, bundle) = &*GOOD;
    let bytes = receipt.to_bytes();
    let found = verify(&bytes, Some(bundle));
    assert_eq!(found.result, Holds, "{:?}", found.findings);
    assert!(found.findings[0].starts_with("7 calls of 6 steps"), "{:?}", found.findings);
    let stated = json!(found);
    assert_eq!(stated["kind"], "orchestration");
    assert_eq!((stated.get("level"), stated.get("required")), (None, None));
    assert_eq!(stated["independence_certified"], true);
    let alone = verify(&bytes, None);
    assert_eq!(alone.result, Undecided, "{:?}", alone.findings);
}

/// Checks that every test case has a receipt that holds, because receipts report failures as well
/// as successes.
#[test]
fn every_case_has_a_receipt_that_holds() {
    for case in TABLE.iter() {
        let expected = if case.evidence.disorder().is_none() { Holds } else { Contradicted };
        let (receipt, bundle) = issue(case.evidence.clone());
        let found = verify(&receipt.to_bytes(), Some(&bundle));
        assert_eq!(found.result, expected, "{}: {:?}", case.about, found.findings);
        let alone = verify(&receipt.to_bytes(), None).result;
        assert_eq!(alone == Undecided, expected == Holds, "{}", case.about);
    }
}

#[test]
fn a_receipt_contains_no_text() {
    let (receipt, bundle) = &*GOOD;
    let told = String::from_utf8(receipt.to_bytes()).unwrap();
    for text in [TASK, PLANS[0], CRITIQUE] {
        let words: String = text.chars().take(20).collect();
        assert!(!told.contains(&words), "{words}");
    }
    assert!(told.contains("\"kind\":\"orchestration\"") && told.contains("\"role\":\"verifier\""));
    assert!(String::from_utf8(bundle.clone()).unwrap().contains("tells a new colleague"));
}

#[test]
fn steps_and_calls_that_are_dropped_repeated_or_reordered_show() {
    let changes: [(&str, Change); 14] = [
        ("the first try is dropped", |receipt| drop(receipt.calls.remove(5))),
        ("the last call is dropped", |receipt| drop(receipt.calls.pop())),
        ("the only call of a step is dropped", |receipt| drop(receipt.calls.remove(1))),
        ("a call is repeated", |receipt| receipt.calls.push(receipt.calls[2].clone())),
        ("two calls change places", |receipt| receipt.calls.swap(0, 1)),
        ("two calls change steps", |receipt| {
            (receipt.calls[0].member, receipt.calls[1].member) = (2, 1);
        }),
        ("a commitment is dropped", |receipt| drop(receipt.commitments.remove(0))),
        ("a step is committed twice", |receipt| {
            receipt.commitments[5].member = receipt.commitments[4].member;
        }),
        ("a verifier is sent another request", |receipt| {
            receipt.calls[6].request = "00".repeat(32);
        }),
        ("a verifier's request leaves before it is committed", |receipt| {
            std::mem::swap(&mut receipt.calls[2].sequence, &mut receipt.commitments[2].sequence);
        }),
        ("a verifier is asked before the worker has answered", |receipt| {
            let answered = receipt.calls[1].response.as_mut().unwrap();
            std::mem::swap(&mut answered.sequence, &mut receipt.commitments[2].sequence);
        }),
        ("a step has no row", |receipt| drop(receipt.subject.steps.remove(3))),
        ("nobody was asked for a step", |receipt| drop(receipt.members.pop())),
        ("a round is left out", |receipt| {
            receipt.subject.steps[3..].iter_mut().for_each(|step| step.round = 3);
        }),
    ];
    for (about, change) in changes {
        assert_eq!(resealed(change), (Contradicted, Contradicted), "{about}");
    }
}

#[test]
fn claims_that_do_not_follow_from_the_rows_show() {
    let changes: [(&str, Change); 10] = [
        ("the worker judged itself", |receipt| {
            let came = receipt.calls[6].response.as_mut().unwrap();
            came.returned_model = Some("claude-haiku-4-5".to_owned());
        }),
        ("all models are of one developer", |receipt| {
            for row in &mut receipt.lineage.rows {
                row.lineage.developer = Some("one".to_owned());
            }
        }),
        ("the last verifier did not answer", |receipt| receipt.members[5].answered = false),
        ("the last verifier was a worker", |receipt| {
            receipt.subject.steps[5].role = StepRole::Worker;
        }),
        ("no plan was made", |receipt| {
            receipt.subject.steps[0].role = StepRole::Worker;
            receipt.subject.steps[3].role = StepRole::Worker;
        }),
        ("there was a plan, and it could not be shown", |receipt| {
            let claim = &mut receipt.subject.certificate.claims.verifier_plan_blind;
            claim.result = ClaimResult::NotApplicable;
        }),
        ("there was no past", |receipt| {
            let claim = &mut receipt.subject.certificate.claims.verifier_history_blind;
            claim.result = ClaimResult::NotApplicable;
        }),
        ("a claim passes for another reason", |receipt| {
            let claim = &mut receipt.subject.certificate.claims.verifier_worker_distinct;
            claim.because = "trust me".to_owned();
        }),
        ("what is not proven is left out", |receipt| {
            receipt.subject.certificate.not_proven.clear();
        }),
        ("an error is taken for an answer", |receipt| {
            receipt.calls[6].response.as_mut().unwrap().status = 500;
        }),
    ];
    for (about, change) in changes {
        assert_eq!(resealed(change), (Contradicted, Contradicted), "{about}");
    }
}

#[test]
fn changes_that_only_the_bytes_show_need_the_bundle() {
    let changes: [(&str, Change); 6] = [
        ("blindness is denied", |receipt| {
            receipt.subject.certificate.claims.verifier_plan_blind.result = ClaimResult::Fail;
        }),
        ("a leak is denied", |receipt| {
            receipt.subject.certificate.claims.plan_leak.because = "nothing".to_owned();
        }),
        ("a warning is added", |receipt| {
            receipt.subject.certificate.warnings.push("beware".to_owned());
        }),
        ("another artifact was judged", |receipt| {
            receipt.subject.steps[5].judged.as_mut().unwrap().artifact = 2;
        }),
        ("a step is called otherwise", |receipt| {
            receipt.subject.steps[5].name = "review".to_owned();
        }),
        ("a response has another digest", |receipt| {
            receipt.calls[3].response.as_mut().unwrap().digest = "00".repeat(32);
        }),
    ];
    for (about, change) in changes {
        assert_eq!(resealed(change), (Undecided, Contradicted), "{about}");
    }
}

#[test]
fn every_leaf_of_the_evidence_is_hashed() {
    let evidence = replanned().evidence();
    assert_all_is_hashed(&evidence, |evidence| issue(evidence).0.evidence);
}

#[test]
fn another_payload_under_the_same_digest_shows() {
    let (receipt, bundle) = &*GOOD;
    let mut receipt = receipt.clone();
    receipt.task_class = "quick_answer".to_owned();
    assert_eq!(verify(&receipt.to_bytes(), Some(bundle)).result, Contradicted);
}

#[test]
fn a_bundle_of_another_run_or_salt_contradicts() {
    let (receipt, bundle) = &*GOOD;
    let text = String::from_utf8(bundle.clone()).unwrap();
    let other = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        verify(&receipt.to_bytes(), Some(text.replacen(from, to, 1).as_bytes())).result
    };
    assert_eq!(other("0707", "0708"), Contradicted);
    assert_eq!(other("tells a new colleague", "tells an old colleague"), Contradicted);
    assert_eq!(other("Be strict where", "Be kind where"), Contradicted);
    assert_eq!(other("\"structured\":false", "\"structured\":true"), Contradicted);
    let (_, of_another_run) = issue(replanned().evidence());
    assert_eq!(verify(&receipt.to_bytes(), Some(&of_another_run)).result, Contradicted);
}

#[test]
fn a_panels_bundle_is_not_an_orchestrations() {
    let (receipt, bundle) = &*GOOD;
    let (panel, of_panel) = of_a_panel();
    let found = verify(&receipt.to_bytes(), Some(&of_panel));
    assert_eq!(found.result, Undecided);
    let told = "the bundle cannot be read: it is of a panel, and the receipt of an orchestration";
    assert_eq!(found.findings[0], told);
    assert_eq!(verify(&panel.to_bytes(), Some(bundle)).result, Undecided);
    assert_eq!(resealed(|receipt| receipt.kind = ReceiptKind::Panel), (NoReceipt, NoReceipt));
}

/// Checks that receipts and bundles of a stranger are bounded: these would exhaust a naive reader's
/// memory or time.
#[test]
fn a_strangers_documents_are_bounded() {
    let mut evidence = replanned().evidence();
    let step = evidence.steps[0].clone();
    evidence.steps.resize(300, step);
    let (receipt, bundle) = issue(evidence);
    let found = verify(&receipt.to_bytes(), Some(&bundle));
    assert_eq!(found.result, NoReceipt);
    assert_eq!(found.findings, ["it has more members, steps or calls than any run"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_damaged_receipt_or_bundle_never_holds(of_receipt in flips(), of_bundle in flips()) {
        let (receipt, bundle) = &*GOOD;
        let receipt = receipt.to_bytes();
        let (mut damaged, mut damaged_bundle) = (receipt.clone(), bundle.clone());
        damage(&mut damaged, &of_receipt);
        damage(&mut damaged_bundle, &of_bundle);
        let holds = verify(&damaged, Some(&damaged_bundle)).result == Holds;
        let same = is_same(&damaged, &receipt) && is_same(&damaged_bundle, bundle);
        prop_assert!(!holds || same);
        let same_bytes = damaged == receipt && damaged_bundle == *bundle;
        prop_assert!(holds || !same_bytes);
    }
}
