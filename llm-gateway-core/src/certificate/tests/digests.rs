//! Checks that every part of a bundle is covered by the digests of its receipt.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::panel::{QUESTION, SEATS, panel};
use super::receipts::issue_counting;
use crate::certificate::json::{PathStep, leaves};
use crate::certificate::{Evidence, PanelSubject, Receipt};

fn receipt(evidence: Evidence) -> Receipt<PanelSubject> {
    issue_counting(evidence, &[]).0
}

/// Returns evidence of a panel in which no field is empty.
fn full() -> Evidence {
    let mut evidence = panel(&SEATS);
    evidence.policy_texts = vec!["Be brief.".to_owned()];
    evidence.earlier_answers = vec![QUESTION.to_owned()];
    evidence
}

const WORDS: &[(&str, &str)] = &[
    ("openai", "gemini"),
    ("anthropic", "openai"),
    ("gemini", "openai"),
    ("planner", "worker"),
    ("worker", "planner"),
    ("verifier", "worker"),
    ("plain", "structured"),
];

/// Returns a JSON value other than the given one that is allowed at the same place of the evidence.
fn another(value: &Value) -> Value {
    match value {
        Value::Bool(truth) => json!(!truth),
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        // Dialects, roles and asks have a few values only, and a body must stay base64.
        Value::String(text) => match WORDS.iter().find(|(word, _)| word == text) {
            Some((_, other)) => json!(other),
            None => {
                let first = if text.starts_with('x') { "y" } else { "x" };
                json!(text.replacen(|_| true, first, 1))
            }
        },
        other => panic!("{other} is no leaf of evidence that is full"),
    }
}

/// Changes every leaf of the evidence, one at a time, and asserts that the digest changes.
pub(super) fn assert_all_is_hashed<E: Serialize + DeserializeOwned>(
    evidence: &E,
    digest: impl Fn(E) -> String,
) {
    let evidence = json!(evidence);
    let read = |value| serde_json::from_value::<E>(value).unwrap();
    let original = digest(read(evidence.clone()));
    let leaves = leaves(&evidence);
    assert!(leaves.len() > 60, "{}", leaves.len());
    for leaf in leaves.iter().filter(|leaf| !leaf.value.is_null()) {
        let mut changed = evidence.clone();
        let place = leaf.path.iter().fold(&mut changed, |value, step| match step {
            PathStep::Key(key) => &mut value[key],
            PathStep::Index(index) => &mut value[index],
        });
        *place = another(leaf.value);
        let pointer = leaf.pointer();
        assert_ne!(digest(read(changed)), original, "{pointer} is not hashed");
    }
}

#[test]
fn every_leaf_of_the_evidence_is_hashed() {
    assert!(!json!(full()).to_string().contains("null"), "every field holds something");
    assert_all_is_hashed(&full(), |evidence| receipt(evidence).evidence);
}
