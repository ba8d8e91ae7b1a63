//! Checks, as case 19, receipts that were changed after they were issued, with or without a new
//! digest.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;

use super::cases::table;
use super::panel::{QUESTION, SEATS, kinship, panel, response, rules};
use crate::certificate::{
    self, AttemptCost, ClaimResult, Evidence, LARGEST_RECEIPT_FILE, PanelSubject, Particulars,
    Receipt, Salt, Verification, VerifyOptions, VerifyResult,
};
use crate::model::{NanoUsd, Usage};

fn issue(evidence: Evidence) -> (Receipt<PanelSubject>, Vec<u8>) {
    issue_counting(evidence, &[])
}

/// Issues a receipt that states what the attempts used, by the moments at which they were sent.
pub(super) fn issue_counting(
    evidence: Evidence,
    used: &[(u64, Usage)],
) -> (Receipt<PanelSubject>, Vec<u8>) {
    let cost = Some(NanoUsd::from_nanos(1_250));
    let costs = used.iter().map(|(moment, usage)| (*moment, AttemptCost::new(Some(*usage), cost)));
    let particulars = Particulars {
        run_id: "0123456789abcdef0123456789abcdef".to_owned(),
        task_class: "triple_review".to_owned(),
        policy_digest: "ab".repeat(32),
        gateway_version: "0.1.0".to_owned(),
        costs: costs.collect(),
    };
    let salt = Salt::from_bytes([7; 32]);
    let (receipt, bundle) = Receipt::issue(particulars, evidence, &rules(), &kinship(), salt);
    (receipt, bundle.to_bytes())
}

/// Returns the receipt of a panel in which the first member needed two attempts, and the bundle.
pub(super) fn good() -> (Receipt<PanelSubject>, Vec<u8>) {
    let mut evidence = panel(&SEATS);
    let first = &mut evidence.members[0];
    let mut again = first.exchanges[0].clone();
    first.exchanges[0].response.as_mut().unwrap().status = 503;
    (again.sent, again.response.as_mut().unwrap().sequence) = (10, 11);
    first.exchanges.push(again);
    // The script states counts in whole answers only; it is not known what the failure used.
    issue_counting(evidence, &[(4, Usage::new(10, 2)), (10, Usage::new(16, 5))])
}

pub(super) fn verify(receipt: &[u8], bundle: Option<&[u8]>) -> Verification {
    let against =
        bundle.map_or_else(VerifyOptions::default, |it| VerifyOptions::default().with_bundle(it));
    certificate::verify(receipt, against)
}

/// Changes a receipt, computes its digest again, and returns the results of checking it alone and
/// with its bundle.
fn resealed(change: impl FnOnce(&mut Receipt<PanelSubject>)) -> (VerifyResult, VerifyResult) {
    let (mut receipt, bundle) = good();
    change(&mut receipt);
    receipt.digest = receipt.computed_digest();
    let bytes = receipt.to_bytes();
    (verify(&bytes, None).result, verify(&bytes, Some(&bundle)).result)
}

use VerifyResult::{Contradicted, Holds, NoReceipt, Undecided};

#[test]
fn a_receipt_holds_with_its_bundle_and_is_undecided_without() {
    let (receipt, bundle) = good();
    let bytes = receipt.to_bytes();
    let verification = verify(&bytes, Some(&bundle));
    assert_eq!(verification.result, Holds, "{:?}", verification.findings);
    let alone = verify(&bytes, None);
    assert_eq!(alone.result, Undecided, "{:?}", alone.findings);
    let unchecked = "request texts, what responses said (status, ids, models, caches), digests";
    assert!(alone.findings[0].contains(unchecked), "{:?}", alone.findings);
}

/// Checks that every test case has a receipt that holds, because receipts report failures as well
/// as successes.
#[test]
fn every_case_has_a_receipt_that_holds() {
    for case in table() {
        let expected = if case.evidence.disorder().is_none() { Holds } else { Contradicted };
        let (receipt, bundle) = issue(case.evidence);
        let verification = verify(&receipt.to_bytes(), Some(&bundle));
        assert_eq!(verification.result, expected, "{}: {:?}", case.about, verification.findings);
        let alone = verify(&receipt.to_bytes(), None).result;
        assert_eq!(alone == Undecided, expected == Holds, "{}", case.about);
    }
}

#[test]
fn a_receipt_contains_no_text() {
    let (receipt, bundle) = good();
    let told = String::from_utf8(receipt.to_bytes()).unwrap();
    assert!(!told.contains("tomato") && !told.contains("Yes, says") && !told.contains("0707"));
    assert!(told.contains("\"cost_nanos\":1250") && told.contains("\"output\":2"));
    assert!(
        told.contains("\"returned_model\":\"gpt-4o\"") && told.contains(receipt.digest().as_str())
    );
    assert!(String::from_utf8(bundle).unwrap().contains("tomato"));
}

#[test]
fn calls_that_are_dropped_repeated_or_reordered_show() {
    type Change = fn(&mut Receipt<PanelSubject>);
    let changes: [(&str, Change); 9] = [
        ("the first try is dropped", |receipt| drop(receipt.calls.remove(0))),
        ("a member's only call is dropped", |receipt| drop(receipt.calls.remove(1))),
        ("a call is repeated", |receipt| receipt.calls.push(receipt.calls[2].clone())),
        ("two calls change places", |receipt| receipt.calls.swap(0, 1)),
        ("two calls change moments", |receipt| {
            let (first, second) = (receipt.calls[0].sequence, receipt.calls[3].sequence);
            receipt.calls[0].sequence = second;
            receipt.calls[3].sequence = first;
        }),
        ("a commitment is dropped", |receipt| drop(receipt.commitments.remove(0))),
        ("a call carries another request", |receipt| {
            receipt.calls[3].request = "00".repeat(32);
        }),
        ("a member commits after the first answer", |receipt| {
            let answer = receipt.calls[0].response.as_mut().unwrap();
            let late = std::mem::replace(&mut answer.sequence, 3);
            receipt.commitments[2].sequence = late;
        }),
        ("a call of nobody", |receipt| receipt.calls[3].member = 9),
    ];
    for (about, change) in changes {
        assert_eq!(resealed(change), (Contradicted, Contradicted), "{about}");
    }
}

#[test]
fn claims_that_do_not_follow_from_the_rows_show() {
    type Change = fn(&mut Receipt<PanelSubject>);
    let changes: [(&str, Change); 9] = [
        ("a row names another model", |receipt| {
            let came = receipt.calls[3].response.as_mut().unwrap();
            came.returned_model = Some("claude-haiku-4-5".to_owned());
        }),
        ("a row says that a cache answered", |receipt| {
            let came = receipt.calls[3].response.as_mut().unwrap();
            came.cache_headers = vec![("age".to_owned(), "9".to_owned())];
        }),
        ("a member did not answer", |receipt| receipt.members[1].answered = false),
        ("a model is of another developer", |receipt| {
            for row in &mut receipt.lineage.rows {
                row.lineage.developer = Some("one".to_owned());
            }
        }),
        ("more is required", |receipt| {
            receipt.subject.rules.required = crate::policy::Level::LineageDistinct;
        }),
        ("the level is another", |receipt| {
            receipt.subject.certificate.level = crate::policy::Level::ModelDistinct;
        }),
        ("a claim passes for another reason", |receipt| {
            receipt.subject.certificate.claims.fresh.because = "trust me".to_owned();
        }),
        ("what is not proven is left out", |receipt| {
            receipt.subject.certificate.not_proven.clear()
        }),
        ("an error is taken for an answer", |receipt| {
            receipt.calls[3].response.as_mut().unwrap().status = 500;
        }),
    ];
    for (about, change) in changes {
        assert_eq!(resealed(change), (Contradicted, Contradicted), "{about}");
    }
}

#[test]
fn changes_that_only_the_bytes_show_need_the_bundle() {
    type Change = fn(&mut Receipt<PanelSubject>);
    let changes: [(&str, Change); 4] = [
        ("blindness is denied", |receipt| {
            receipt.subject.certificate.claims.context_blind.result = ClaimResult::Fail;
            receipt.subject.certificate.level = crate::policy::Level::None;
        }),
        ("a warning is added", |receipt| {
            receipt.subject.certificate.warnings.push("beware".to_owned())
        }),
        ("a response has another digest", |receipt| {
            receipt.calls[3].response.as_mut().unwrap().digest = "00".repeat(32);
        }),
        ("the last try of all is dropped, and the first one answered", |receipt| {
            let last = receipt.calls.pop().unwrap();
            let came = receipt.calls[0].response.as_mut().unwrap();
            *came = crate::certificate::receipt::ResponseRow {
                sequence: came.sequence,
                ..last.response.unwrap()
            };
        }),
    ];
    for (about, change) in changes {
        assert_eq!(resealed(change), (Undecided, Contradicted), "{about}");
    }
}

#[test]
fn another_payload_under_the_same_digest_shows() {
    let (mut receipt, bundle) = good();
    receipt.task_class = "quick_answer".to_owned();
    assert_eq!(verify(&receipt.to_bytes(), None).result, Contradicted);
    assert_eq!(verify(&receipt.to_bytes(), Some(&bundle)).result, Contradicted);
}

#[test]
fn a_bundle_of_another_run_or_salt_contradicts() {
    let (receipt, bundle) = good();
    let bytes = receipt.to_bytes();
    let text = String::from_utf8(bundle).unwrap();
    let other = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        verify(&bytes, Some(text.replacen(from, to, 1).as_bytes())).result
    };
    assert_eq!(other("0707", "0708"), Contradicted);
    assert_eq!(other("\"policy_texts\":[]", "\"policy_texts\":[\"x\"]"), Contradicted);
    assert_eq!(other("Is a tomato", "Is no tomato"), Contradicted);
    assert_eq!(other("openai.test", "opener.test"), Contradicted);
    assert_eq!(other("llm-gateway bundle", "llm-gateway bungle"), Undecided);
    let (_, of_another_run) = issue(panel(&SEATS));
    assert_eq!(verify(&bytes, Some(&of_another_run)).result, Contradicted);
}

#[test]
fn only_quoted_answers_of_other_runs_are_in_a_bundle() {
    let mut evidence = panel(&SEATS);
    let secret = "another run's answer, which this caller never saw".to_owned();
    let seen: String = QUESTION.chars().take(30).collect();
    evidence.earlier_answers = vec![secret.clone(), seen.clone()];
    let (receipt, bundle) = issue(evidence);
    assert_eq!(receipt.certificate().warnings.len(), 1);
    assert!(!String::from_utf8(bundle.clone()).unwrap().contains(&secret));
    assert_eq!(verify(&receipt.to_bytes(), Some(&bundle)).result, Holds);
}

#[test]
fn bytes_that_are_not_a_receipt_are_recognised() {
    let (receipt, bundle) = good();
    let text = String::from_utf8(receipt.to_bytes()).unwrap();
    let nested = "[".repeat(100_000);
    let unknown = text.replacen('{', "{\"a\":1,", 1);
    let version = text.replace("\"version\":1", "\"version\":2");
    let large = " ".repeat(LARGEST_RECEIPT_FILE + 1);
    for bytes in ["", "null", "{}", "\u{feff}", &nested, &unknown, &version, &large] {
        assert_eq!(verify(bytes.as_bytes(), None).result, NoReceipt, "{:.40}", bytes);
    }
    assert_eq!(verify(&bundle, None).result, NoReceipt);
    assert_eq!(verify(&receipt.to_bytes(), Some(nested.as_bytes())).result, Undecided);
}

/// Checks that receipts and bundles of a stranger are bounded: these would exhaust a naive reader's
/// memory or time.
#[test]
fn a_strangers_documents_are_bounded() {
    let (receipt, bundle) = good();
    let text = String::from_utf8(receipt.to_bytes()).unwrap();
    let rows = text.split("\"members\":[").nth(1).unwrap();
    let member = rows.split_inclusive('}').next().unwrap();
    let crowded = text.replacen(member, &[member; 300].join(","), 1);
    let verification = verify(crowded.as_bytes(), Some(&bundle));
    assert_eq!(verification.result, NoReceipt);
    assert_eq!(verification.findings, ["it has more members, steps or calls than any run"]);
    let mut evidence = panel(&SEATS);
    let values = format!("[{}1]", "1,".repeat(100_000));
    evidence.members[0].exchanges[0].request.body = values.into_bytes().into();
    let (crowded, _) = issue(evidence);
    let blind = &crowded.certificate().claims.context_blind;
    assert!(blind.because.contains("too many values"), "{}", blind.because);
    let long = "n".repeat(2_000);
    let too_long = |from: &str| {
        let text = text.replacen(from, &from.replace("gpt-4o", &long), 1);
        verify(text.as_bytes(), None)
    };
    for place in
        ["\"model\":\"gpt-4o\"", "\"returned_model\":\"gpt-4o\"", "\"canonical\":\"gpt-4o\""]
    {
        let found = too_long(place);
        assert_eq!(found.result, NoReceipt, "{place}: {:?}", found.findings);
        assert_eq!(found.findings, ["a name in it is longer than 1024 bytes"]);
    }
    let of_bundle = String::from_utf8(bundle).unwrap();
    let of_bundle = of_bundle.replacen("\"model\":\"gpt-4o\"", &format!("\"model\":\"{long}\""), 1);
    let found = verify(text.as_bytes(), Some(of_bundle.as_bytes()));
    assert_eq!(found.result, Undecided);
    assert!(found.findings[0].ends_with("a name in it is longer than 1024 bytes"));
    let loud = format!("{{\"{}\u{1b}\":1}}", "x".repeat(9_000));
    let findings = verify(loud.as_bytes(), None).findings;
    assert!(findings.iter().all(|finding| finding.len() <= 500), "{findings:?}");
}

#[test]
fn a_redacted_answer_is_marked() {
    let mut evidence = panel(&SEATS);
    response(&mut evidence.members[0]).redacted = true;
    let (receipt, bundle) = issue(evidence);
    assert!(receipt.calls[0].response.as_ref().unwrap().redacted);
    assert_eq!(verify(&receipt.to_bytes(), Some(&bundle)).result, Holds);
}

static GOOD: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let (receipt, bundle) = good();
    (receipt.to_bytes(), bundle)
});

/// Damages some bytes of a document: each entry has the place, the kind of change and a byte.
pub(super) fn damage(bytes: &mut Vec<u8>, flips: &[(prop::sample::Index, u8, u8)]) {
    for (at, how, byte) in flips {
        let at = at.index(bytes.len());
        match how % 4 {
            0 => bytes[at] ^= 1 << (byte % 8),
            1 => bytes[at] = *byte,
            2 => drop(bytes.remove(at)),
            _ => bytes.insert(at, *byte),
        }
    }
}

pub(super) fn flips() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    let printable = prop_oneof![any::<u8>(), 0x20u8..0x7f];
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), printable), 0..3)
}

pub(super) fn is_same(damaged: &[u8], original: &[u8]) -> bool {
    // A number may be spelled with a fraction of nothing, which is read as the same number.
    let json = |bytes| {
        let value = serde_json::from_slice::<Value>(bytes).ok()?;
        serde_json_canonicalizer::to_vec(&value).ok()
    };
    json(damaged).is_some_and(|value| Some(value) == json(original))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn a_damaged_receipt_or_bundle_never_holds(of_receipt in flips(), of_bundle in flips()) {
        let (receipt, bundle) = &*GOOD;
        let (mut damaged, mut damaged_bundle) = (receipt.clone(), bundle.clone());
        damage(&mut damaged, &of_receipt);
        damage(&mut damaged_bundle, &of_bundle);
        let holds = verify(&damaged, Some(&damaged_bundle)).result == Holds;
        let same = is_same(&damaged, receipt) && is_same(&damaged_bundle, bundle);
        prop_assert!(!holds || same);
        let same_bytes = damaged == *receipt && damaged_bundle == *bundle;
        prop_assert!(holds || !same_bytes);
    }
}
