//! Tests of panels with several answers: clusters, dissent, and answers that cannot be compared.

use super::{agreement, answers, claims, of};
use crate::panel::agreement::{Agreement, Consensus};
use crate::policy::Agree::{self, ByValue, NormalizedExact};

fn members(agreement: &Agreement) -> Vec<Vec<usize>> {
    agreement.clusters.iter().map(|cluster| cluster.members.clone()).collect()
}

#[test]
fn one_answer_in_several_forms_is_unanimous() {
    for (agree, texts, method) in [
        (NormalizedExact, ["42", "42.", "**42**"], "number"),
        (NormalizedExact, ["yes", "Yes.", "**YES**"], "boolean"),
        (NormalizedExact, ["B", "(b)", "**B**"], "option_letter"),
        (NormalizedExact, ["B", "(b)", "Answer: B."], "option_letter"),
        (
            NormalizedExact,
            [r#"{"a": 1, "b": [2]}"#, r#"{"b":[2],"a":1}"#, "```json\n{\"a\":1,\"b\":[2]}\n```"],
            "canonical_json",
        ),
        (NormalizedExact, ["Paris", "**Paris**", " Paris. "], "normalized_exact"),
        (NormalizedExact, ["`x`", "`x`\n", " `x`"], "normalized_exact"),
        (ByValue, ["42", "42.0", "**42.00**"], "number"),
        (ByValue, ["-0.5", "-0.50", "\u{2212}0.5"], "number"),
        (ByValue, ["1,234.5", "1234.50", "1.234,5"], "number"),
    ] {
        let agreement = of(&texts, agree);
        assert_eq!(agreement.outcome, Consensus::Unanimous, "{texts:?}: {agreement:?}");
        assert_eq!((members(&agreement), agreement.method), (vec![vec![1, 2, 3]], method));
    }
}

#[test]
fn what_was_cut_is_not_compared() {
    let mut answers = answers(&["42", "42"]);
    let compared = |answers: &[_]| agreement(answers, Agree::default(), &claims()).outcome;
    assert_eq!(compared(&answers), Consensus::Unanimous);
    answers[1].is_whole = false;
    assert_eq!(compared(&answers), Consensus::NotComparable);
}

#[test]
fn dissent_comes_first() {
    let split = of(&["A", "**C**", "A."], NormalizedExact);
    assert_eq!((split.outcome, split.method), (Consensus::Majority, "option_letter"));
    assert_eq!(members(&split), [vec![2], vec![1, 3]]);
    for texts in [&["1", "2", "3"][..], &["no", "yes", "no", "yes"], &["1.5", "1.6"], &["-1", "1"]]
    {
        assert_eq!(of(texts, NormalizedExact).outcome, Consensus::NoConsensus, "{texts:?}");
    }
    let objects = of(&[r#"{"a":1}"#, r#"{"a":2}"#, r#"{ "a": 2 }"#], NormalizedExact);
    assert_eq!((objects.outcome, objects.method), (Consensus::Majority, "canonical_json"));
}

#[test]
fn what_could_only_be_guessed_is_not_compared() {
    for texts in [
        &["3.10", "3.1", "3.10"][..],
        &["42", "42", "forty-two"],
        &["42", "41", "42.0"],
        &["(b)", "b", "B"],
        &["(k)", "Answer: k", "K"],
        &["A", "true"],
        &["CO", "Co"],
        &["42"],
        &[],
    ] {
        let agreement = of(texts, NormalizedExact);
        assert_eq!(agreement.outcome, Consensus::NotComparable, "{texts:?}");
        assert!(agreement.clusters.is_empty());
        assert_eq!(agreement.method, "none");
    }
}
