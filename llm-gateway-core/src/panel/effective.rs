//! Bounds the number of independent answers that the answers of a panel are worth.
//!
//! Models make the same mistakes, so three answers are not three independent witnesses. How
//! strongly their mistakes correlate was measured for models of different developers. For all other
//! models no number is made up: an answer that may have come from another answer, or from the same
//! model, counts as the same answer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::certificate::{Claim, ClaimResult, Claims, Lineage};

/// The answer of one panel member, and what is known of the model that gave it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemberAnswer<'a> {
    /// Position of the member in the panel, counted from 1.
    pub(crate) member: usize,
    /// Text of the answer.
    pub(crate) text: &'a str,
    /// Whether the answer is whole, that is, the model ended it by itself. An answer that was cut
    /// at its length, by a filter or for an unknown reason might have gone on differently.
    pub(crate) is_whole: bool,
    /// Lineage of the model that answered, if it is known.
    pub(crate) lineage: Option<&'a Lineage>,
}

/// An upper bound on the number of independent answers that n correlated answers are worth:
/// `n / (1 + (n - 1) rho)`, the effective sample size of survey statistics (Kish 1965).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EffectiveSampleSize {
    /// The largest number of independent answers that the answers can be worth.
    pub value: f64,
    /// Source of the correlation rho, in words.
    pub source: &'static str,
}

/// The correlation of strong models of different developers. It was measured on recorded answers to
/// 10 320 questions: three such models are worth about 1.56 independent ones, which is rho = 0.46;
/// rounded up.
const RHO_BETWEEN_DEVELOPERS: f64 = 0.5;

const PRIOR: &str = "upper bound, by a prior: rho 0.5 between models of different developers, \
    1.0 within one or where unknown";
const KIN: &str = "upper bound, as lineage_distinct failed: rho 1.0 between models that are kin \
    or unknown, 0.5 by a prior between others";
const NO_PAIR_IS_KNOWN: &str = "upper bound: rho 1.0, as lineage_distinct failed";
const NOT_BLIND: &str = "upper bound: rho 1.0, as context_blind failed";
const NOT_FRESH: &str = "upper bound: rho 1.0, as fresh failed";

/// Returns the number of independent answers that `answers` are worth, given the certified
/// `claims`.
pub(super) fn effective_sample_size(
    answers: &[MemberAnswer<'_>],
    claims: &Claims,
) -> EffectiveSampleSize {
    let failed = |claim: &Claim| claim.result == ClaimResult::Fail;
    let (rho, source) = match answers {
        [] => return EffectiveSampleSize { value: 0.0, source: "no member answered" },
        [_] => return EffectiveSampleSize { value: 1.0, source: "one member answered" },
        _ if failed(&claims.context_blind) => (1.0, NOT_BLIND),
        _ if failed(&claims.fresh) => (1.0, NOT_FRESH),
        _ => match (mean_rho(answers), failed(&claims.lineage_distinct)) {
            (rho, false) => (rho, PRIOR),
            (rho, true) if rho > RHO_BETWEEN_DEVELOPERS => (rho, KIN),
            // The certificate found models related that are not known as such here.
            (_, true) => (1.0, NO_PAIR_IS_KNOWN),
        },
    };
    #[allow(clippy::cast_precision_loss)] // a handful of members
    let n = answers.len() as f64;
    let value = n / (1.0 + (n - 1.0) * rho);
    EffectiveSampleSize { value: (value * 100.0).round() / 100.0, source }
}

/// Returns the mean correlation over all pairs of answers, of which there is at least one.
fn mean_rho(answers: &[MemberAnswer<'_>]) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (index, one) in answers.iter().enumerate() {
        for other in answers.iter().skip(index + 1) {
            (sum, pairs) = (sum + rho(one, other), pairs + 1.0);
        }
    }
    sum / pairs
}

/// Returns the correlation of two answers. Models that share a developer or a family, or whose
/// developer is unknown, count as one: answers must not weigh more than the data shows.
fn rho(one: &MemberAnswer<'_>, other: &MemberAnswer<'_>) -> f64 {
    let (Some(one), Some(other)) = (one.lineage, other.lineage) else { return 1.0 };
    let developers_differ = match (&one.developer, &other.developer) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    match developers_differ && one.families.is_disjoint(&other.families) {
        true => RHO_BETWEEN_DEVELOPERS,
        false => 1.0,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns a panel's claims that all pass.
    pub(in super::super) fn claims() -> Claims {
        let pass = || Claim { result: ClaimResult::Pass, because: String::new() };
        Claims {
            context_blind: pass(),
            fresh: pass(),
            answered_quorum: pass(),
            model_distinct: pass(),
            vendor_distinct: pass(),
            lineage_distinct: pass(),
        }
    }

    /// Returns the number of independent answers that answers of these models are worth, and its
    /// source. A model is `developer/family`, or unknown.
    fn worth(models: &[&str], claims: &Claims) -> (f64, &'static str) {
        let kins: Vec<_> = models
            .iter()
            .map(|model| {
                let (developer, family) = model.split_once('/')?;
                Some(Lineage::new(*model, Some(developer), [family]))
            })
            .collect();
        let answer = |lineage| MemberAnswer { member: 1, text: "", is_whole: true, lineage };
        let answers: Vec<_> = kins.iter().map(|kin| answer(kin.as_ref())).collect();
        let EffectiveSampleSize { value, source } = effective_sample_size(&answers, claims);
        (value, source)
    }

    const DISTINCT: [&str; 3] = ["openai/gpt", "anthropic/claude", "google/gemini"];

    #[test]
    fn correlated_answers_weigh_less() {
        assert_eq!(worth(&DISTINCT, &claims()), (1.5, PRIOR));
        assert_eq!(worth(&DISTINCT[..2], &claims()), (1.33, PRIOR));
        assert_eq!(worth(&["openai/gpt", "openai/gpt", "?"], &claims()), (1.0, PRIOR));
        assert_eq!(worth(&["?", "?"], &claims()), (1.0, PRIOR));
    }

    #[test]
    fn who_did_not_answer_is_worth_nothing() {
        assert_eq!(worth(&[], &claims()), (0.0, "no member answered"));
        assert_eq!(worth(&["?"], &claims()), (1.0, "one member answered"));
    }

    #[test]
    fn what_may_be_one_answer_is_one_vote() {
        let failed = || Claim { result: ClaimResult::Fail, because: String::new() };
        let not_blind = Claims { context_blind: failed(), ..claims() };
        assert_eq!(worth(&DISTINCT, &not_blind), (1.0, NOT_BLIND));
        let not_fresh = Claims { fresh: failed(), ..claims() };
        assert_eq!(worth(&DISTINCT, &not_fresh), (1.0, NOT_FRESH));
        let open = Claim { result: ClaimResult::Unknown, because: String::new() };
        let open = Claims { fresh: open, ..claims() };
        assert_eq!(worth(&DISTINCT, &open), (1.5, PRIOR), "unknown is not failed");
    }

    #[test]
    fn kin_is_one_vote() {
        let failed = Claim { result: ClaimResult::Fail, because: String::new() };
        let kin = Claims { lineage_distinct: failed, ..claims() };
        assert_eq!(worth(&["alibaba/qwen", "deepseek/qwen"], &kin), (1.0, KIN));
        let one_more = ["alibaba/qwen", "deepseek/qwen", "openai/gpt"];
        assert_eq!(worth(&one_more, &kin), (1.29, KIN));
        assert_eq!(worth(&DISTINCT, &kin), (1.0, NO_PAIR_IS_KNOWN));
    }
}
