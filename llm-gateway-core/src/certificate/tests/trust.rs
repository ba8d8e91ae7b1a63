//! Tests of statements in a receipt that neither its rows nor its bundle can confirm, but only its
//! digest.

use serde_json::json;

use super::panel::kinship;
use super::receipts::good;
use crate::certificate::VerifyResult::{Contradicted, Holds, NoReceipt, Undecided};
use crate::certificate::{
    Kinship, Lineage, LineageRow, PanelSubject, Receipt, ReceiptDigest, Verification,
    VerifyOptions, verify,
};
use crate::policy::Level;

/// Changes a receipt, computes its digest again, and returns it with its bundle.
fn resealed(change: impl FnOnce(&mut Receipt<PanelSubject>)) -> (Vec<u8>, Vec<u8>) {
    let (mut receipt, bundle) = good();
    change(&mut receipt);
    receipt.digest = receipt.computed_digest();
    (receipt.to_bytes(), bundle)
}

fn digest_of(receipt: &Receipt<PanelSubject>) -> ReceiptDigest {
    receipt.digest().clone()
}

fn says(found: &Verification, words: &str) -> bool {
    found.findings.iter().any(|finding| finding.contains(words))
}

/// Checks that only the digest that the reader received fixes what is taken on trust. Anybody who
/// has a receipt and its bundle can make other files that hold.
#[test]
fn what_is_taken_on_trust_is_fixed_by_the_digest_alone() {
    type Change = fn(&mut Receipt<PanelSubject>);
    let changes: [(&str, Change); 6] = [
        ("the run", |receipt| receipt.run_id = "f".repeat(32)),
        ("the class", |receipt| receipt.task_class = "quick_answer".to_owned()),
        ("the policy", |receipt| receipt.policy_digest = "cd".repeat(32)),
        ("the version", |receipt| receipt.gateway_version = "9.9.9".to_owned()),
        ("what a call cost", |receipt| receipt.calls[0].spent = None),
        ("the rules", |receipt| {
            receipt.subject.rules.required = Level::ContextBlind;
            receipt.subject.certificate.required = Level::ContextBlind;
        }),
    ];
    let given = digest_of(&good().0);
    for (about, change) in changes {
        let (receipt, bundle) = resealed(change);
        let against = VerifyOptions::default().with_bundle(&bundle);
        let found = verify(&receipt, against);
        assert_eq!(found.result, Holds, "{about}: {:?}", found.findings);
        assert!(
            says(&found, "the issuer's word: costs, tokens that no response counts, run id"),
            "{:?}",
            found.findings
        );
        let stated = found.stated.unwrap().digest;
        for against in [against, VerifyOptions::default()] {
            let found = verify(&receipt, against.with_digest(&given));
            assert_eq!(found.result, Contradicted, "{about}");
            assert!(says(&found, &stated) && says(&found, given.as_str()), "{:?}", found.findings);
            assert!(!found.stated.unwrap().independence_certified);
        }
    }
}

#[test]
fn a_receipt_with_the_expected_digest_holds() {
    let (receipt, bundle) = good();
    let given = receipt.digest().as_str().to_ascii_uppercase().parse().unwrap();
    let against = VerifyOptions::default().with_digest(&given);
    let found = verify(&receipt.to_bytes(), against.with_bundle(&bundle));
    assert_eq!(found.result, Holds, "{:?}", found.findings);
    assert!(says(&found, "the digest that was expected pins them"), "{:?}", found.findings);
    assert_eq!(verify(&receipt.to_bytes(), against).result, Undecided);
}

#[test]
fn a_digest_is_64_hex_digits() {
    for wrong in ["", "ab", &"ab".repeat(33), &"xy".repeat(32), &format!(" {}", "ab".repeat(32))] {
        assert!(wrong.parse::<ReceiptDigest>().is_err(), "{wrong:?}");
    }
}

#[test]
fn what_a_readable_receipt_states_is_returned() {
    let (receipt, bundle) = good();
    let bytes = receipt.to_bytes();
    let found = json!(verify(&bytes, VerifyOptions::default().with_bundle(&bundle)));
    assert_eq!(found["digest"], receipt.digest().as_str());
    assert_eq!(found["level"], "lineage_distinct");
    assert_eq!(found["required"], "model_distinct");
    assert_eq!(found["independence_certified"], true);
    assert_eq!(json!(verify(&bytes, VerifyOptions::default()))["independence_certified"], true);
    let (bytes, bundle) =
        resealed(|receipt| receipt.subject.certificate.required = Level::LineageDistinct);
    let found = verify(&bytes, VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(found.result, Contradicted);
    assert_eq!(json!(found)["independence_certified"], false);
    let (mut receipt, _) = good();
    receipt.digest = ReceiptDigest::stated("\u{1b}[2J".repeat(900));
    let found = verify(&receipt.to_bytes(), VerifyOptions::default());
    let shown = found.stated.unwrap().digest;
    assert!(shown.len() <= 500 && !shown.contains('\u{1b}'), "{shown:?}");
    let found = verify(b"{}", VerifyOptions::default());
    assert_eq!((found.result, &found.stated), (NoReceipt, &None));
    assert_eq!(
        json!(found).as_object().unwrap().keys().collect::<Vec<_>>(),
        ["result", "findings"]
    );
}

#[test]
fn unlike_model_rows_are_reported_and_contradict_nothing() {
    let (receipt, bundle) = good();
    let bytes = receipt.to_bytes();
    let against = VerifyOptions::default().with_bundle(&bundle);
    let found = |known: &Kinship| verify(&bytes, against.with_models(known));
    let same = found(&kinship());
    assert_eq!(same, verify(&bytes, against), "nothing is told of rows that agree");
    let kin = Lineage::new("gpt-4o", Some("somebody"), ["gpt", "more"]);
    let found = found(&Kinship::new([LineageRow::new(None, "gpt-4o", kin)]));
    assert_eq!(found.result, Holds);
    let told = "of gpt-4o the receipt says: gpt-4o of openai, lineage gpt; \
                known is: gpt-4o of somebody, lineage gpt+more";
    assert!(says(&found, told), "{:?}", found.findings);
    assert_eq!(found.findings.len(), same.findings.len() + 1, "{:?}", found.findings);
    assert!(says(
        &verify(&bytes, VerifyOptions::default().with_models(&Kinship::default())),
        "no bundle"
    ));
}
