//! Certifies a panel by its evidence, its rules and its kinship.
//!
//! The function is pure. The same function runs in a live panel, over fixtures and in `verify`.

use serde::{Deserialize, Serialize};

use super::blindness::context_blind;
use super::claims::Claims;
use super::evidence::{Evidence, MOST_EARLIER_ANSWERS};
use super::freshness::fresh;
use super::quorum::answered_quorum;
use super::quote::Windows;
use crate::certificate::answers::{self, AnsweredCall};
use crate::certificate::claims::{Claim, ClaimResult};
use crate::certificate::identity::{Identity, identity};
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Kinship;
use crate::policy::Level;

/// The rules that a policy sets for a panel: the level and the quorum that it requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rules {
    /// Level that the panel must reach.
    pub required: Level,
    /// Number of members that must answer; `None` for all. A quorum of less than two counts as two.
    pub quorum: Option<u32>,
}

impl Rules {
    /// Creates rules that require the level `required` and at least `quorum` answers.
    pub fn new(required: Level, quorum: Option<u32>) -> Self {
        Self { required, quorum }
    }
}

/// The facts about a panel that no record of a gateway can prove. Every certificate of a panel
/// lists them.
pub const NOT_PROVEN: &[&str] = &[
    "which weights really ran: a model is what its API calls itself",
    "that errors are independent: distinct models learn from overlapping data",
    "that a provider keeps no memory between requests",
    "that the caller's own text held no other model's answer",
    "that the answers are correct",
];

/// The certificate of a panel: what its recorded bytes show of its members' independence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Certificate {
    /// Level that the panel reached.
    pub level: Level,
    /// Level that the policy requires of the panel.
    pub required: Level,
    /// The claims about the panel, with their results.
    pub claims: Claims,
    /// The facts that the certificate does not prove; always [`NOT_PROVEN`].
    pub not_proven: Vec<String>,
    /// Warnings that a reader should know although they make no claim fail.
    pub warnings: Vec<String>,
}

impl Certificate {
    /// Creates the certificate that follows from the claims about a panel.
    pub(in crate::certificate) fn of(
        claims: Claims,
        required: Level,
        warnings: Vec<String>,
    ) -> Self {
        let not_proven = NOT_PROVEN.iter().map(|&what| what.to_owned()).collect();
        Self { level: claims.level(), required, claims, not_proven, warnings }
    }

    /// Returns whether the panel is certified: it reached the required level, enough members
    /// answered, and nothing shows that an answer came from a cache.
    pub fn independence_certified(&self) -> bool {
        self.level >= self.required
            && self.claims.answered_quorum.result == ClaimResult::Pass
            && self.claims.fresh.result != ClaimResult::Fail
    }
}

/// Certifies a panel by its recorded evidence.
///
/// ```
/// use llm_gateway_core::certificate::{ClaimResult, Evidence, Kinship, Rules, certify};
/// use llm_gateway_core::policy::Level;
///
/// let rules = Rules::new(Level::ModelDistinct, None);
/// let certificate = certify(&Evidence::default(), &rules, &Kinship::default());
/// // No member answered, so there is no quorum.
/// assert_eq!(certificate.claims.answered_quorum.result, ClaimResult::Fail);
/// assert!(!certificate.independence_certified());
/// ```
pub fn certify(evidence: &Evidence, rules: &Rules, kinship: &Kinship) -> Certificate {
    let members: Vec<_> = evidence.members.iter().collect();
    let answers = answers::answered_calls(&members, ReceiptKind::Panel);
    let blind = context_blind(evidence);
    let claims = claims(blind, &answers, rules, evidence.members.len(), kinship);
    Certificate::of(claims, rules.required, warnings(evidence))
}

/// Combines all claims of a panel: `context_blind` is decided from the requests, the others from
/// the record of the answers.
pub(super) fn claims(
    context_blind: Claim,
    answers: &[AnsweredCall<'_>],
    rules: &Rules,
    asked: usize,
    kinship: &Kinship,
) -> Claims {
    let Identity { model, vendor, lineage } = identity(answers, kinship);
    Claims {
        context_blind,
        fresh: fresh(answers),
        answered_quorum: answered_quorum(answers, rules.quorum, asked),
        model_distinct: model,
        vendor_distinct: vendor,
        lineage_distinct: lineage,
    }
}

/// Returns a warning if the caller's text quotes earlier answers of this process.
fn warnings(evidence: &Evidence) -> Vec<String> {
    let quoted = quoted(evidence).into_iter().filter(|is_quoted| *is_quoted).count();
    let warning = format!("the caller's text quotes {quoted} earlier answer(s) of this process");
    if quoted > 0 { vec![warning] } else { Vec::new() }
}

/// Returns for each earlier answer whether the caller's text quotes it.
pub(super) fn quoted(evidence: &Evidence) -> Vec<bool> {
    let caller = &evidence.caller;
    if evidence.earlier_answers.is_empty() {
        return Vec::new();
    }
    let windows = Windows::of(caller.system.iter().chain(&caller.user).map(String::as_str));
    let answers = evidence.earlier_answers.iter().take(MOST_EARLIER_ANSWERS);
    answers.map(|answer| windows.quote(answer)).collect()
}
