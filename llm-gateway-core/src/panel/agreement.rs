//! Decides whether a panel's answers agree, as far as that is possible without a guess.
//!
//! Only answers with a normal form are compared: numbers, yes and no, option letters, JSON, and
//! texts that are word for word the same. Prose that differs may still mean the same, and to say
//! that it does not would be a guess: such answers are `not_comparable`.

use schemars::JsonSchema;
use serde::Serialize;

use super::effective::{EffectiveSampleSize, MemberAnswer, effective_sample_size};
use super::form::Form;
use crate::certificate::Claims;

/// The number of characters of an answer that are shown for its cluster.
const GIST_CHARS: usize = 120;

/// The agreement of a panel: how far its members' answers are the same.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Agreement {
    /// The result of comparing the answers, in one word.
    pub outcome: Consensus,
    /// The form in which answers were compared: `number`, `boolean`, `option_letter`,
    /// `canonical_json` or `normalized_exact`; `none` if the answers cannot be compared.
    pub method: &'static str,
    /// Members grouped by what they answered, the smallest group first, so that dissent comes
    /// before the majority. Empty if the answers cannot be compared.
    pub clusters: Vec<Cluster>,
    /// The largest number of independent answers that the panel's answers can be worth.
    pub n_effective: EffectiveSampleSize,
}

/// The result of comparing the answers of a panel's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Consensus {
    /// All answers of the panel are the same.
    Unanimous,
    /// More than half of the panel's answers are the same.
    Majority,
    /// The panel's answers differ, and no answer is given by more than half of the members.
    NoConsensus,
    /// The panel's answers cannot be compared without a guess.
    NotComparable,
}

/// A cluster of panel members that gave the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Cluster {
    /// Positions of the cluster's members in the panel, counted from 1.
    pub members: Vec<usize>,
    /// Beginning of the cluster's answer, in one short line.
    pub gist: String,
}

/// Compares the answers of a panel. All answers count alike. The number of independent answers that
/// they are worth depends on `claims`.
pub(crate) fn agreement(answers: &[MemberAnswer<'_>], claims: &Claims) -> Agreement {
    let forms: Vec<Form> = answers.iter().map(|answer| Form::of(answer.text)).collect();
    let n_effective = effective_sample_size(answers, claims);
    // How an answer that was cut would have gone on can only be guessed.
    let all_whole = answers.iter().all(|answer| answer.is_whole);
    let comparable = forms.len() > 1 && forms.windows(2).all(same_form) && all_whole;
    let mut clusters: Vec<(Form, Cluster)> = Vec::new();
    for (answer, form) in answers.iter().zip(forms) {
        match clusters.iter_mut().find(|(known, _)| known.says_the_same_as(&form)) {
            Some((_, cluster)) => cluster.members.push(answer.member),
            None => {
                let cluster = Cluster { members: vec![answer.member], gist: gist(answer.text) };
                clusters.push((form, cluster));
            }
        }
    }
    let is_prose = clusters.iter().any(|(form, _)| matches!(form, Form::Text(_)));
    let method = clusters.first().map_or("none", |(form, _)| form.method());
    // Texts that are word for word the same agree; texts that differ may still mean the same.
    if !comparable || (is_prose && clusters.len() > 1) {
        let outcome = Consensus::NotComparable;
        return Agreement { outcome, method: "none", clusters: Vec::new(), n_effective };
    }
    let mut clusters: Vec<Cluster> = clusters.into_iter().map(|(_, cluster)| cluster).collect();
    clusters.sort_by_key(|cluster| cluster.members.len());
    let outcome = outcome(&clusters, answers.len());
    Agreement { outcome, method, clusters, n_effective }
}

/// Returns whether two answers have normal forms of the same kind.
fn same_form(pair: &[Form]) -> bool {
    matches!(pair, [one, other] if one.method() == other.method())
}

/// Returns the result of comparing `answers` answers, whose `clusters` are in ascending order of
/// size.
fn outcome(clusters: &[Cluster], answers: usize) -> Consensus {
    let largest = clusters.last().map_or(0, |cluster| cluster.members.len());
    match clusters.len() {
        1 => Consensus::Unanimous,
        _ if largest * 2 > answers => Consensus::Majority,
        _ => Consensus::NoConsensus,
    }
}

/// Returns the beginning of a text in one short line.
pub(crate) fn gist(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(GIST_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::super::effective::tests::claims;
    use super::*;

    /// Compares the answers of members whose models have an unknown lineage.
    fn of(texts: &[&'static str]) -> Agreement {
        agreement(&answers(texts), &claims())
    }

    fn answers(texts: &[&'static str]) -> Vec<MemberAnswer<'static>> {
        let answer = |(text, member): (&&'static str, usize)| MemberAnswer {
            member,
            text,
            is_whole: true,
            lineage: None,
        };
        texts.iter().zip(1..).map(answer).collect()
    }

    fn members(agreement: &Agreement) -> Vec<Vec<usize>> {
        agreement.clusters.iter().map(|cluster| cluster.members.clone()).collect()
    }

    #[test]
    fn one_answer_in_several_spellings_is_unanimous() {
        for texts in [
            ["42", "42.0", "**42**"],
            ["1,000", "1000", "1 000."],
            ["0.5", "0.50", "**0.5**"],
            ["0.5", "0.500", "00.5"],
            ["1234.500", "1,234.5", "1234.50"],
            ["1.500", "1.500", "**1.500**"],
            ["1234.3", "1234.3000000000002", "1,234.30"],
            ["-0.5", "-00.5", "\u{2212}0.5"],
            ["[9007199254740991]", "[ 9007199254740991 ]", "```\n[9007199254740991]\n```"],
            ["0.6666666666", "0.66666666667", "0.666666666667"],
            ["yes", "Yes.", "TRUE"],
            ["B", "(b)", "Answer: B."],
            ["{\"a\": 1, \"b\": [2]}", "{\"b\":[2],\"a\":1}", "```json\n{\"a\":1,\"b\":[2]}\n```"],
            ["Paris", "**Paris**", " Paris. "],
        ] {
            let agreement = of(&texts);
            assert_eq!(agreement.outcome, Consensus::Unanimous, "{texts:?}: {agreement:?}");
            assert_eq!(members(&agreement), [[1, 2, 3]]);
        }
    }

    #[test]
    fn what_differs_is_never_unanimous() {
        for texts in [
            ["1234567890123", "1234567890124"],
            ["1.5", "1.6"],
            ["-1", "1"],
            ["-0.5", "0.5"],
            ["1234567890.12", "1234567891.05"],
            ["1234567890.12", "1234567890.95"],
            ["12345678901234567890.25", "12345678901234567890.5"],
            ["9007199254740993.5", "9007199254740992.5"],
            ["0.000000000001", "0.000000000002"],
            ["{\"a\": 1}", "{\"a\": 2}"],
        ] {
            assert_eq!(of(&texts).outcome, Consensus::NoConsensus, "{texts:?}");
        }
        assert_eq!(of(&["{\"a\":1}", "{\"a\": 1.0}"]).outcome, Consensus::Unanimous);
    }

    #[test]
    fn what_was_cut_is_not_compared() {
        let mut answers = answers(&["42", "42"]);
        assert_eq!(agreement(&answers, &claims()).outcome, Consensus::Unanimous);
        answers[1].is_whole = false;
        assert_eq!(agreement(&answers, &claims()).outcome, Consensus::NotComparable);
    }

    #[test]
    fn dissent_comes_first() {
        let split = of(&["A", "C", "A"]);
        assert_eq!((split.outcome, split.method), (Consensus::Majority, "option_letter"));
        assert_eq!(members(&split), [vec![2], vec![1, 3]]);
        assert_eq!(of(&["1", "2", "3"]).outcome, Consensus::NoConsensus);
        assert_eq!(of(&["no", "yes", "no", "yes"]).outcome, Consensus::NoConsensus);
    }

    #[test]
    fn what_could_only_be_guessed_is_not_compared() {
        for texts in [
            vec!["The capital is Paris.", "It is Paris."],
            vec!["42", "forty-two"],
            vec!["yes", "Yes, but only on Sundays"],
            vec!["A", "true"],
            vec!["1.000", "1"],
            vec!["1.500", "1.5"],
            vec!["-12.250", "-12.25"],
            vec!["1,5", "15"],
            vec!["0,125", "125"],
            vec!["2024 100", "2024100"],
            vec!["1,000 000", "1000000"],
            vec!["git add .", "git add"],
            vec!["cd ..", "cd ."],
            vec!["a/.", "a/"],
            vec!["1234,567", "1234567"],
            vec!["[9007199254740993]", "[9007199254740992]"],
            vec!["`ab.`", "`ab`"],
            vec!["5!", "5"],
            vec!["CO", "Co"],
            vec!["if a:\n  b\n  c", "if a:\n  b\nc"],
            vec!["{\"a\": 1, \"a\": 2}", "{\"a\": 2}"],
            vec!["[12345678901234567890123]", "[12345678901234567890124]"],
            vec!["{\"id\": 9007199254740993}", "{\"id\": 9007199254740992}"],
            vec!["[-9007199254740993]", "[-9007199254740992]"],
            vec!["42"],
            vec![],
        ] {
            let agreement = of(&texts);
            assert_eq!(agreement.outcome, Consensus::NotComparable, "{texts:?}");
            assert!(agreement.clusters.is_empty());
        }
    }
}
