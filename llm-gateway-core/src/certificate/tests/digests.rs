//! That no part of a bundle is left out of the digests of its receipt.

use serde_json::{Value, json};

use super::panel::{QUESTION, SEATS, panel};
use super::receipts::issue_counting;
use crate::certificate::json::{Step, leaves};
use crate::certificate::{Evidence, Receipt};

fn receipt(evidence: Evidence) -> Receipt {
    issue_counting(evidence, &[]).0
}

/// Evidence in which every field holds something.
fn full() -> Evidence {
    let mut evidence = panel(&SEATS);
    evidence.policy_texts = vec!["Be brief.".to_owned()];
    evidence.earlier_answers = vec![QUESTION.to_owned()];
    evidence
}

/// Another value that may stand at the same place.
fn another(value: &Value) -> Value {
    match value {
        Value::Bool(truth) => json!(!truth),
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        // A dialect is a word of a few, a body is base64.
        Value::String(text) if text == "openai" => json!("gemini"),
        Value::String(text) if ["anthropic", "gemini"].contains(&text.as_str()) => json!("openai"),
        Value::String(text) => {
            let first = if text.starts_with('x') { "y" } else { "x" };
            json!(text.replacen(|_| true, first, 1))
        }
        other => panic!("{other} is no leaf of evidence that is full"),
    }
}

#[test]
fn every_leaf_of_the_evidence_is_hashed() {
    let original = receipt(full());
    let evidence = json!(full());
    let leaves = leaves(&evidence);
    assert!(leaves.len() > 60, "{}", leaves.len());
    for leaf in leaves {
        let mut changed = evidence.clone();
        let place = leaf.path.iter().fold(&mut changed, |value, step| match step {
            Step::Key(key) => &mut value[key],
            Step::Index(index) => &mut value[index],
        });
        *place = another(leaf.value);
        let changed: Evidence = serde_json::from_value(changed).unwrap();
        let pointer = leaf.pointer();
        assert_ne!(receipt(changed).evidence, original.evidence, "{pointer} is not hashed");
    }
}
