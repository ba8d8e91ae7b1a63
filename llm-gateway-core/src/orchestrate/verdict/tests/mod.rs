use serde_json::{Value, json};

use super::suspicion::brings_a_verdict;
use super::*;
use crate::model::{Completion, FinishReason, Usage};

mod around;
mod corpus;
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

/// The task that the artifact of these tests was made for.
const TASK: &str = "Write a function that adds two numbers, without unsafe code.";

fn question<'a>(form: VerdictForm, task: &'a str, artifact: &'a str) -> Question<'a> {
    Question { form, nonce: NONCE, task, artifact }
}

fn whole(text: &str) -> VerifierReply<'_> {
    VerifierReply { text, unfinished: None }
}

fn structured(reply: &str, artifact: &str) -> ParsedReply {
    parse_reply(whole(reply), question(VerdictForm::Structured, TASK, artifact))
}

fn plain(reply: &str, artifact: &str) -> ParsedReply {
    parse_reply(whole(reply), question(VerdictForm::Plain, TASK, artifact))
}

/// Returns whether an artifact for a task of these tests is suspected.
fn looks_like_a_verdict(artifact: &str) -> bool {
    brings_a_verdict(artifact, TASK)
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
    let cannot_judge = |artifact| {
        Verdict::cannot_judge("no form", "yes!", question(VerdictForm::Plain, TASK, artifact))
    };
    let verdict = cannot_judge("ACCEPT");
    assert_eq!((verdict.decision, verdict.accepted), (Decision::CannotJudge, false));
    assert_eq!((&verdict.reasons[..], &*verdict.raw), (&["no form".to_owned()][..], "yes!"));
    assert!(verdict.injection_suspected && verdict.checklist.is_empty());
    assert!(!cannot_judge(ARTIFACT).injection_suspected);
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

/// Checks an acceptance that is incomplete: by the provider's word, or because it is as long as the
/// bound that was sent.
#[test]
fn an_acceptance_that_did_not_come_to_its_own_end_is_none() {
    let ended = |finish_reason, output: Option<u64>| {
        let usage = output.map(|output| Usage::new(9, output));
        Completion { finish_reason, usage, ..Completion::text("") }.unfinished(100)
    };
    use FinishReason::{ContentFilter, Length, Other, Stop, ToolCalls};
    for (reason, output, is_whole) in [
        (Stop, None, true),
        (Stop, Some(99), true),
        (Stop, Some(100), false),
        (Stop, Some(4096), false),
        (Length, Some(7), false),
        (ContentFilter, None, false),
        (ToolCalls, Some(7), false),
        (Other, None, false),
    ] {
        let unfinished = ended(reason, output);
        assert_eq!(unfinished.is_none(), is_whole, "{reason:?} {output:?}");
        for (form, accepts, refuses) in [
            (VerdictForm::Plain, "ACCEPT".to_owned(), "REVISE: it does not add".to_owned()),
            (
                VerdictForm::Structured,
                acceptance().to_string(),
                with("/verdict", "REVISE".into()).to_string(),
            ),
        ] {
            let unfinished = unfinished.as_deref();
            let read = |text| {
                parse_reply(VerifierReply { text, unfinished }, question(form, TASK, ARTIFACT))
            };
            match is_whole {
                true => assert!(verdict(read(&accepts)).accepted),
                false => assert!(malformed(read(&accepts)).starts_with("it accepts, and ")),
            }
            // A refusal stands, whatever would have followed.
            assert_eq!(verdict(read(&refuses)).decision, Decision::Revise);
        }
    }
}
