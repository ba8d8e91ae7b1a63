//! Tests of pairs of answers that must agree and pairs that must not, each with its reason. The
//! pairs decide disputes about the rules.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{agrees, outcome};
use crate::panel::agreement::Consensus;
use crate::policy::Agree;

const DIFFER: &str = include_str!("corpus/differ.jsonl");
const AGREE: &str = include_str!("corpus/agree.jsonl");
const BY_VALUE: &str = include_str!("corpus/by_value.jsonl");

/// A pair of answers to one question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    expect: Expectation,
    /// The language of the answers, or the notation.
    language: String,
    answers: [String; 2],
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expectation {
    Agree,
    Differ,
}

fn pairs(lines: &str) -> Vec<Pair> {
    lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Returns every answer of the corpus once.
pub(super) fn all_answers() -> Vec<String> {
    let all = [DIFFER, AGREE, BY_VALUE].into_iter().flat_map(pairs);
    all.flat_map(|pair| pair.answers).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Asserts that pairs are compared as they expect, in either order.
fn check(lines: &str, agree: Agree) -> (usize, BTreeSet<String>) {
    let pairs = pairs(lines);
    let mut wrong = Vec::new();
    for Pair { expect, answers: [one, other], why, .. } in &pairs {
        assert!(!why.is_empty());
        let wanted = *expect == Expectation::Agree;
        let both = [agrees(one, other, agree), agrees(other, one, agree)];
        if both != [wanted; 2] {
            wrong.push(format!("{one:?} and {other:?} must {expect:?}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
    (pairs.len(), pairs.into_iter().map(|pair| pair.language).collect())
}

#[test]
fn pairs_that_two_readers_could_take_for_two_answers_differ() {
    let (pairs, languages) = check(DIFFER, Agree::NormalizedExact);
    assert!(pairs >= 400 && languages.len() >= 20, "{pairs} pairs in {languages:?}");
}

#[test]
fn pairs_that_nobody_could_take_for_two_answers_agree() {
    let (pairs, languages) = check(AGREE, Agree::NormalizedExact);
    assert!(pairs >= 150 && languages.len() >= 10, "{pairs} pairs in {languages:?}");
}

#[test]
fn numbers_agree_by_value_where_the_policy_says_so() {
    check(BY_VALUE, Agree::ByValue);
    // By value more agrees, and never less.
    check(AGREE, Agree::ByValue);
}

/// Checks pairs in which one value is spelled in two ways: such answers are neither the same nor
/// different.
#[test]
fn one_value_in_two_spellings_is_neither_the_same_nor_another_answer() {
    for Pair { expect, answers: [one, other], .. } in pairs(BY_VALUE) {
        if expect == Expectation::Agree {
            let as_written = outcome(&one, &other, Agree::NormalizedExact);
            assert_ne!(as_written, Consensus::NoConsensus, "{one:?} and {other:?}");
        }
    }
}
