//! Tests of the form in which a bundle stores requests: each request of a call once.

use serde_json::{Value, json};

use super::panel::{SEATS, panel};
use super::receipts::{good, issue_counting, verify};
use crate::certificate::VerifyResult::Holds;

fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap()
}

/// Returns the calls in a bundle.
fn calls(bundle: &mut Value) -> &mut Vec<Value> {
    bundle["evidence"]["members"].as_array_mut().unwrap()
}

/// Returns a bundle in the form of version 1, with every request in full.
fn of_version_1(bundle: &[u8]) -> Value {
    let mut bundle: Value = serde_json::from_slice(bundle).unwrap();
    bundle["version"] = json!(1);
    for call in calls(&mut bundle) {
        let mut known = vec![call["committed"].clone()];
        for exchange in call["exchanges"].as_array_mut().unwrap() {
            if let Some(moment) = exchange["request"].as_u64() {
                let of = known.iter().find(|it| it["sequence"] == moment || it["sent"] == moment);
                exchange["request"] = of.unwrap()["request"].clone();
            }
            known.push(exchange.clone());
        }
    }
    bundle
}

#[test]
fn each_request_of_a_call_stands_once_in_a_bundle() {
    let (receipt, bundle) = good();
    let value: Value = serde_json::from_slice(&bundle).unwrap();
    assert_eq!(value["version"], 2);
    let text = String::from_utf8(bundle.clone()).unwrap();
    for call in value["evidence"]["members"].as_array().unwrap() {
        let body = call["committed"]["request"]["body"].as_str().unwrap();
        assert_eq!(text.matches(body).count(), 1);
        for exchange in call["exchanges"].as_array().unwrap() {
            assert_eq!(exchange["request"], call["committed"]["sequence"]);
        }
    }
    assert_eq!(verify(&receipt.to_bytes(), Some(&bundle)).result, Holds);
}

/// Checks that after a refused stream, the one other request of all further attempts is stored
/// once.
#[test]
fn a_request_without_a_stream_stands_once_too() {
    let mut evidence = panel(&SEATS);
    let first = &mut evidence.members[0];
    let mut whole = first.exchanges[0].clone();
    whole.request.headers.push(("x-other".to_owned(), "1".to_owned()));
    for moment in [10, 12, 14] {
        let mut again = whole.clone();
        (again.sent, again.response.as_mut().unwrap().sequence) = (moment, moment + 1);
        // Each attempt was recorded for itself.
        again.request = (*again.request).clone().into();
        first.exchanges.push(again);
    }
    let (receipt, bundle) = issue_counting(evidence, &[]);
    let value: Value = serde_json::from_slice(&bundle).unwrap();
    let exchanges = &value["evidence"]["members"][0]["exchanges"];
    assert!(exchanges[1]["request"].is_object(), "{exchanges}");
    assert_eq!([&exchanges[2]["request"], &exchanges[3]["request"]], [&json!(10), &json!(10)]);
    let found = verify(&receipt.to_bytes(), Some(&bundle));
    assert_eq!(found.result, Holds, "{:?}", found.findings);
}

#[test]
fn a_bundle_of_version_1_holds() {
    let (receipt, bundle) = good();
    let receipt = receipt.to_bytes();
    let old = of_version_1(&bundle);
    let found = verify(&receipt, Some(&canonical(&old)));
    assert_eq!(found.result, Holds, "{:?}", found.findings);
    assert!(!found.findings.iter().any(|it| it.contains("reformatted")), "{:?}", found.findings);
    let found = verify(&receipt, Some(format!("{old:#}").as_bytes()));
    assert_eq!(found.result, Holds, "{:?}", found.findings);
    assert!(found.findings.iter().any(|it| it.contains("reformatted")), "{:?}", found.findings);
}

/// Checks that each version has one form, so that no byte of a bundle can be changed without being
/// noticed.
#[test]
fn a_bundle_of_one_version_does_not_pass_for_the_other() {
    let (receipt, bundle) = good();
    let receipt = receipt.to_bytes();
    let mut old = of_version_1(&bundle);
    let mut new: Value = serde_json::from_slice(&bundle).unwrap();
    new["version"] = json!(1);
    assert_ne!(verify(&receipt, Some(&canonical(&new))).result, Holds);
    for version in [json!(2), json!(0), json!(3), json!("1"), json!(1.5), json!(null)] {
        old["version"] = version;
        assert_ne!(verify(&receipt, Some(&canonical(&old))).result, Holds);
    }
}

#[test]
fn a_reference_to_another_request_never_holds() {
    let (receipt, bundle) = good();
    let receipt = receipt.to_bytes();
    let mut value: Value = serde_json::from_slice(&bundle).unwrap();
    let whole = calls(&mut value)[0]["committed"]["request"].clone();
    let mut references: Vec<Value> = (0..=12).filter(|n| *n != 1).map(Value::from).collect();
    references.extend([
        json!(u64::MAX),
        json!(-1),
        json!("1"),
        json!([1]),
        json!({"of": 1}),
        json!({}),
        json!(null),
        json!(true),
        json!(1.5),
        json!(9_007_199_254_740_993_u64),
        whole,
    ]);
    for reference in references {
        for n in 0..2 {
            let mut changed = value.clone();
            calls(&mut changed)[0]["exchanges"][n]["request"] = reference.clone();
            let found = verify(&receipt, Some(&canonical(&changed)));
            assert_ne!(found.result, Holds, "{reference} in attempt {n}");
        }
    }
}

/// Checks two requests of one moment: the moment refers to the first, so the second is written in
/// full.
#[test]
fn requests_of_one_moment_keep_their_bytes() {
    let mut evidence = panel(&SEATS);
    let first = &mut evidence.members[0];
    let mut again = first.exchanges[0].clone();
    again.request.url.push('x');
    (again.sent, again.response.as_mut().unwrap().sequence) = (1, 10);
    first.exchanges.push(again.clone());
    again.response.as_mut().unwrap().sequence = 11;
    first.exchanges.push(again);
    let (_, bundle) = issue_counting(evidence.clone(), &[]);
    let value: Value = serde_json::from_slice(&bundle).unwrap();
    let read: crate::certificate::Evidence =
        serde_json::from_value(value["evidence"].clone()).unwrap();
    assert_eq!(read, evidence);
}
