//! The part of a receipt that only a panel has: its rules and its certificate.

use serde::{Deserialize, Serialize};

use super::certify::{Certificate, Rules, certify, claims, quoted};
use super::evidence::Evidence;
use crate::certificate::canonical::Salt;
use crate::certificate::claims::ClaimResult;
use crate::certificate::evidence::CallEvidence;
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Kinship;
use crate::certificate::receipt::{
    Bundle, Particulars, Receipt, Rows, Subject, claims_differ, declared, issue, words_differ,
};
use crate::policy::Level;

/// The part of a receipt that is about a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelSubject {
    pub(in crate::certificate) rules: Rules,
    pub(in crate::certificate) certificate: Certificate,
}

impl Receipt<PanelSubject> {
    /// Certifies a panel, and issues its receipt and the bundle that proves it. Earlier answers
    /// that the caller's text does not quote are left out of the bundle, because they belong to
    /// other runs.
    pub fn issue(
        particulars: Particulars,
        evidence: Evidence,
        rules: &Rules,
        kinship: &Kinship,
        salt: Salt,
    ) -> (Self, Bundle<Evidence>) {
        let mut evidence = without_unquoted_answers(evidence);
        evidence.members.iter_mut().for_each(CallEvidence::share_requests);
        let certificate = certify(&evidence, rules, kinship);
        let subject = PanelSubject { rules: *rules, certificate };
        issue(particulars, evidence, subject, kinship, salt)
    }

    /// Returns the certificate of the panel.
    pub fn certificate(&self) -> &Certificate {
        &self.subject.certificate
    }
}

fn without_unquoted_answers(mut evidence: Evidence) -> Evidence {
    let mut is_quoted = quoted(&evidence).into_iter();
    evidence.earlier_answers.retain(|_| is_quoted.next().unwrap_or(false));
    evidence
}

impl Subject for PanelSubject {
    type Evidence = Evidence;

    const KIND: ReceiptKind = ReceiptKind::Panel;

    fn calls(evidence: &Evidence) -> Vec<&CallEvidence> {
        evidence.members.iter().collect()
    }

    fn declared(evidence: &Evidence) -> impl Serialize {
        let Evidence { caller, policy_texts, earlier_answers, members } = evidence;
        let members: Vec<_> = members.iter().map(declared).collect();
        (caller, policy_texts, earlier_answers, members)
    }

    fn reissued(&self, evidence: &Evidence, kinship: &Kinship) -> Self {
        Self { rules: self.rules, certificate: certify(evidence, &self.rules, kinship) }
    }

    fn contradictions(&self, rows: &Rows<'_>) -> Vec<String> {
        let mut found = self.unsupported_blindness(rows);
        found.extend(self.differences_from_rows(rows));
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

impl PanelSubject {
    /// Reports rows that do not support a certified blindness of members: each call must have its
    /// member's committed digest, and must have been committed before the first answer.
    fn unsupported_blindness(&self, rows: &Rows<'_>) -> Vec<String> {
        if self.certificate.claims.context_blind.result != ClaimResult::Pass {
            return Vec::new();
        }
        let answers = rows.calls.iter().filter_map(|call| Some(call.response.as_ref()?.sequence));
        let first_answer = answers.min().unwrap_or(u64::MAX);
        let mut found = Vec::new();
        for call in rows.calls {
            let member = call.member;
            match rows.committed(call) {
                Err(what) => found.push(what),
                Ok(committed) if committed > call.sequence.min(first_answer) => {
                    found.push(format!("member {member} committed too late to be blind"));
                }
                Ok(_) => {}
            }
        }
        found
    }

    /// Reports where the certificate differs from what the receipt's own rows imply about identity,
    /// freshness, quorum and level.
    fn differences_from_rows(&self, rows: &Rows<'_>) -> Vec<String> {
        let Self { rules, certificate: stated } = self;
        let blind = stated.claims.context_blind.clone();
        let asked = rows.members.len();
        let claims = claims(blind, &rows.answers(), rules, asked, &rows.kinship());
        differences(stated, &Certificate::of(claims, rules.required, stated.warnings.clone()))
    }
}

/// Reports how a panel's stated certificate differs from the one that was made again.
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
