//! Decides whether a panel's answers agree, as far as that is possible without a guess.
//!
//! Two answers are the same, different, or undecided, where only a guess could decide. If one pair
//! of a panel is undecided, its answers are `not_comparable`: prose that differs may still mean the
//! same, and 3.10 may be the version after 3.9 or the number before 3.2.

use schemars::JsonSchema;
use serde::Serialize;

use super::effective::{EffectiveSampleSize, MemberAnswer, effective_sample_size};
use super::form::Form;
use super::likeness::Likeness;
use crate::certificate::Claims;
use crate::model::single_spaced;
use crate::policy::Agree;

/// The number of characters of an answer that are shown for its cluster.
const GIST_CHARS: usize = 120;

/// The agreement of a panel: how far its members' answers are the same.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Agreement {
    /// The result of comparing the answers, in one word.
    pub outcome: Consensus,
    /// The form in which answers were compared: `number`, `boolean`, `option_letter`,
    /// `canonical_json` or `normalized_exact`, which is any other text; `none` if the answers
    /// cannot be compared.
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

/// Compares the answers of a panel in the way that the policy says. All answers count alike. The
/// number of independent answers that they are worth depends on `claims`.
pub(crate) fn agreement(answers: &[MemberAnswer<'_>], agree: Agree, claims: &Claims) -> Agreement {
    let n_effective = effective_sample_size(answers, claims);
    // How an answer that was cut would have gone on can only be guessed.
    let all_whole = answers.iter().all(|answer| answer.is_whole);
    let (method, mut clusters) = clusters(answers, agree)
        .filter(|_| all_whole && answers.len() > 1)
        .unwrap_or(("none", Vec::new()));
    clusters.sort_by_key(|cluster| cluster.members.len());
    let outcome = outcome(&clusters, answers.len());
    Agreement { outcome, method, clusters, n_effective }
}

/// Groups answers that are the same, and names the form of the first. Returns `None` if only a
/// guess could decide whether two of them are the same.
fn clusters(answers: &[MemberAnswer<'_>], agree: Agree) -> Option<(&'static str, Vec<Cluster>)> {
    let forms: Vec<Form> = answers.iter().map(|answer| Form::of(answer.text)).collect();
    let mut clusters: Vec<(&Form, Cluster)> = Vec::new();
    for (index, (answer, form)) in answers.iter().zip(&forms).enumerate() {
        let earlier = forms.iter().take(index);
        if earlier.map(|other| other.likeness(form, agree)).any(|it| it == Likeness::Unclear) {
            return None;
        }
        let same =
            |(known, _): &&mut (&Form, Cluster)| known.likeness(form, agree) == Likeness::Same;
        match clusters.iter_mut().find(same) {
            Some((_, cluster)) => cluster.members.push(answer.member),
            None => {
                let cluster = Cluster { members: vec![answer.member], gist: gist(answer.text) };
                clusters.push((form, cluster));
            }
        }
    }
    let method = forms.first()?.method();
    Some((method, clusters.into_iter().map(|(_, cluster)| cluster).collect()))
}

/// Returns the result of comparing `answers` answers. `clusters` are in ascending order of size,
/// and empty if the answers cannot be compared.
fn outcome(clusters: &[Cluster], answers: usize) -> Consensus {
    let largest = clusters.last().map_or(0, |cluster| cluster.members.len());
    match clusters.len() {
        0 => Consensus::NotComparable,
        1 => Consensus::Unanimous,
        _ if largest * 2 > answers => Consensus::Majority,
        _ => Consensus::NoConsensus,
    }
}

/// Returns the beginning of a text in one short line.
pub(crate) fn gist(text: &str) -> String {
    let line = single_spaced(text);
    match line.char_indices().nth(GIST_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
