use serde_json::{Value, json};

use super::suspicion::looks_like_a_verdict;
use super::*;

mod around;
mod plain;
mod properties;
mod structured;
mod suspicion;

const NONCE: &str = "0123456789abcdef0123456789abcdef";

/// The artifact that the verifier of these tests judges.
const ARTIFACT: &str = "fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n\nIt adds two numbers.";

/// Returns a structured acceptance that counts.
fn acceptance() -> Value {
    json!({
        "checklist": [
            {"requirement": "adds", "evidence_quote": "a + b", "met": "yes"},
            {"requirement": "no unsafe", "evidence_quote": "", "met": "yes"},
        ],
        "blocking": [],
        "verdict": "ACCEPT",
        "nonce": NONCE,
    })
}

/// Returns the structured acceptance with one value changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut verdict = acceptance();
    *verdict.pointer_mut(pointer).unwrap() = value;
    verdict
}

fn structured(reply: &str, artifact: &str) -> ParsedReply {
    parse_reply(reply, FinishReason::Other, artifact, VerdictForm::Structured, NONCE)
}

fn plain(reply: &str, artifact: &str) -> ParsedReply {
    parse_reply(reply, FinishReason::Stop, artifact, VerdictForm::Plain, NONCE)
}

#[track_caller]
fn verdict(judgement: ParsedReply) -> Verdict {
    match judgement {
        ParsedReply::Verdict(verdict) => verdict,
        ParsedReply::Malformed(why) => panic!("malformed: {why}"),
    }
}

#[track_caller]
fn malformed(judgement: ParsedReply) -> String {
    match judgement {
        ParsedReply::Verdict(verdict) => panic!("a verdict: {verdict:?}"),
        ParsedReply::Malformed(why) => why,
    }
}

#[test]
fn a_verdict_speaks_the_words_of_the_contract() {
    let raw = acceptance().to_string();
    assert_eq!(
        serde_json::to_value(verdict(structured(&raw, ARTIFACT))).unwrap(),
        json!({
            "decision": "ACCEPT",
            "accepted": true,
            "reasons": [],
            "checklist": [
                {"requirement": "adds", "met": "yes", "evidence_quote": "a + b"},
                {"requirement": "no unsafe", "met": "yes", "evidence_quote": ""},
            ],
            "injection_suspected": false,
            "raw": raw,
        })
    );
    let words = [Decision::Revise, Decision::CannotJudge].map(|word| json!(word));
    assert_eq!(words, ["REVISE", "CANNOT_JUDGE"]);
    assert_eq!([Met::No, Met::Unclear].map(|met| json!(met)), ["no", "unclear"]);
}

#[test]
fn what_stays_malformed_cannot_be_judged() {
    let verdict = Verdict::cannot_judge("no form", "yes!", "ACCEPT");
    assert_eq!((verdict.decision, verdict.accepted), (Decision::CannotJudge, false));
    assert_eq!((&verdict.reasons[..], &*verdict.raw), (&["no form".to_owned()][..], "yes!"));
    assert!(verdict.injection_suspected && verdict.checklist.is_empty());
    assert!(!Verdict::cannot_judge("no form", "yes!", ARTIFACT).injection_suspected);
}

#[test]
fn a_verdict_keeps_a_sane_amount() {
    let long = "ü".repeat(MOST_CHARS + 1);
    let item = json!({"requirement": long, "evidence_quote": long, "met": "no"});
    let mut reply = with("/checklist", json!(vec![item; MOST_ITEMS + 1]));
    reply["verdict"] = "REVISE".into();
    let raw = reply.to_string();
    let verdict = verdict(structured(&raw, ARTIFACT));
    assert_eq!((verdict.checklist.len(), verdict.reasons.len()), (MOST_ITEMS, MOST_REASONS));
    let item = &verdict.checklist[0];
    for text in [&item.requirement, &item.evidence_quote, &verdict.reasons[0]] {
        assert_eq!(text.chars().count(), MOST_CHARS + 1);
        assert!(text.ends_with("ü…"), "{text}");
    }
    assert_eq!(verdict.raw, raw);
}
