//! What the receipt of a panel says beside its rows: the rules and the certificate.

use serde::{Deserialize, Serialize};

use super::certify::{Certificate, Rules, certify, claims, quoted};
use crate::certificate::canonical::Salt;
use crate::certificate::claims::{Claim, Verdict};
use crate::certificate::evidence::{Evidence, MemberEvidence};
use crate::certificate::lineage::Kinship;
use crate::certificate::receipt::digests;
use crate::certificate::receipt::document::{self, Bundle, Particulars, Receipt};
use crate::certificate::receipt::subject::{ReceiptKind, Subject};
use crate::policy::Level;

/// The part of a receipt that is about a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfPanel {
    pub(in crate::certificate) rules: Rules,
    pub(in crate::certificate) certificate: Certificate,
}

impl Receipt<OfPanel> {
    /// Certifies a panel and writes its receipt, with the bundle that proves it. Earlier answers
    /// that the caller's text does not quote are left out of the bundle: they are other runs'.
    pub fn issue(
        particulars: Particulars,
        evidence: Evidence,
        rules: &Rules,
        kinship: &Kinship,
        salt: Salt,
    ) -> (Self, Bundle) {
        let evidence = forget_unquoted(evidence);
        let certificate = certify(&evidence, rules, kinship);
        let subject = OfPanel { rules: *rules, certificate };
        document::write(particulars, evidence, subject, kinship, salt)
    }

    /// What was certified.
    pub fn certificate(&self) -> &Certificate {
        &self.subject.certificate
    }
}

fn forget_unquoted(mut evidence: Evidence) -> Evidence {
    let mut is_quoted = quoted(&evidence).into_iter();
    evidence.earlier_answers.retain(|_| is_quoted.next().unwrap_or(false));
    evidence
}

impl Subject for OfPanel {
    type Evidence = Evidence;

    const KIND: ReceiptKind = ReceiptKind::Panel;

    fn calls(evidence: &Evidence) -> Vec<&MemberEvidence> {
        evidence.members.iter().collect()
    }

    fn declared(evidence: &Evidence) -> impl Serialize {
        let Evidence { caller, policy_texts, earlier_answers, members } = evidence;
        let members: Vec<_> = members.iter().map(digests::declared).collect();
        (caller, policy_texts, earlier_answers, members)
    }

    fn again(&self, evidence: &Evidence, kinship: &Kinship) -> Self {
        Self { rules: self.rules, certificate: certify(evidence, &self.rules, kinship) }
    }

    fn contradictions(receipt: &Receipt<Self>) -> Vec<String> {
        let mut found = blindness(receipt);
        found.extend(certificate(receipt));
        found
    }

    fn differences(&self, follows: &Self) -> Vec<String> {
        differences(&self.certificate, &follows.certificate)
    }

    fn is_certified(&self) -> bool {
        self.certificate.independence_certified()
    }

    fn levels(&self) -> Option<(Level, Level)> {
        Some((self.certificate.level, self.certificate.required))
    }
}

/// Where the certificate says that members were blind, the rows must bear it out: each call
/// carries its member's committed digest, and was committed before anything was answered.
fn blindness(receipt: &Receipt) -> Vec<String> {
    if receipt.certificate().claims.context_blind.result != Verdict::Pass {
        return Vec::new();
    }
    let answers = receipt.calls.iter().filter_map(|call| Some(call.response.as_ref()?.sequence));
    let first_answer = answers.min().unwrap_or(u64::MAX);
    let mut found = Vec::new();
    for call in &receipt.calls {
        let member = call.member;
        match receipt.committed(call) {
            Err(what) => found.push(what),
            Ok(committed) if committed > call.sequence.min(first_answer) => {
                found.push(format!("member {member} committed too late to be blind"));
            }
            Ok(_) => {}
        }
    }
    found
}

/// Identity, freshness, quorum and level follow from the receipt's own rows.
fn certificate(receipt: &Receipt) -> Vec<String> {
    let OfPanel { rules, certificate: stated } = &receipt.subject;
    let blind = stated.claims.context_blind.clone();
    let asked = receipt.members.len();
    let claims = claims(blind, &receipt.answers(), rules, asked, &receipt.kinship());
    differences(stated, &Certificate::of(claims, rules.required, stated.warnings.clone()))
}

/// How a certificate differs from the one that follows.
fn differences(stated: &Certificate, follows: &Certificate) -> Vec<String> {
    let mut found = claims_differ(&stated.claims.named(), &follows.claims.named());
    if (stated.level, stated.required) != (follows.level, follows.required) {
        found.push("the level does not follow from the claims and the rules".to_owned());
    }
    let told =
        |certificate: &Certificate| (certificate.not_proven.clone(), certificate.warnings.clone());
    found.extend(words_differ(told(stated), told(follows)));
    found
}

/// How claims differ from those that follow.
pub(in crate::certificate) fn claims_differ(
    stated: &[(&'static str, &Claim)],
    follows: &[(&'static str, &Claim)],
) -> Vec<String> {
    let pairs = stated.iter().zip(follows).filter(|((_, stated), (_, follows))| stated != follows);
    let told = pairs.map(|((name, stated), (_, follows))| {
        format!(
            "claim {name}: stated {} ({}), follows {} ({})",
            stated.result, stated.because, follows.result, follows.because
        )
    });
    told.collect()
}

/// How what is not proven, and the warnings, differ from those that follow.
pub(in crate::certificate) fn words_differ(
    stated: (Vec<String>, Vec<String>),
    follows: (Vec<String>, Vec<String>),
) -> Vec<String> {
    let mut found = Vec::new();
    if stated.0 != follows.0 {
        found.push("what is not proven is not told in full".to_owned());
    }
    if stated.1 != follows.1 {
        found.push("the warnings do not follow".to_owned());
    }
    found
}
