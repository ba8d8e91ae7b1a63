//! The receipt of a run: one document that names what left, what came and what was certified, by
//! digest; and the bundle, which holds the bytes themselves.
//!
//! A receipt is self-issued. It shows tampering and our own bugs, not a dishonest operator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rows::{AttemptCost, CallRow, CommitmentRow, LineageTable, MemberRow, Rows};
use crate::certificate::canonical::{self, Salt};
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Lineage;

/// What a receipt calls itself.
pub(in crate::certificate) const RECEIPT_FORMAT: &str = "llm-gateway receipt";
/// What a bundle calls itself.
pub(in crate::certificate) const BUNDLE_FORMAT: &str = "llm-gateway bundle";
/// The version of both formats.
pub(in crate::certificate) const VERSION: u32 = 1;

/// What the evidence does not tell of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Particulars {
    /// The run, as the envelope names it.
    pub run_id: String,
    /// What was asked for.
    pub task_class: String,
    /// SHA-256 over the policy file, in hex.
    pub policy_digest: String,
    /// The gateway's own version.
    pub gateway_version: String,
    /// What each attempt used and cost, by the moment at which it was sent.
    pub costs: BTreeMap<u64, AttemptCost>,
}

/// The document of a run: digests, facts and the certificate. `S` says what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt<S> {
    pub(in crate::certificate) format: String,
    pub(in crate::certificate) version: u32,
    pub(in crate::certificate) kind: ReceiptKind,
    pub(in crate::certificate) run_id: String,
    pub(in crate::certificate) task_class: String,
    pub(in crate::certificate) gateway_version: String,
    pub(in crate::certificate) policy_digest: String,
    pub(in crate::certificate) subject: S,
    /// Who was asked: the members of a panel, or the steps of an orchestration as they ran.
    pub(in crate::certificate) members: Vec<MemberRow>,
    pub(in crate::certificate) commitments: Vec<CommitmentRow>,
    pub(in crate::certificate) calls: Vec<CallRow>,
    /// Salted digest of the whole evidence, which holds its messages by their digests: no part of
    /// a bundle can be changed, used or not.
    pub(in crate::certificate) evidence: String,
    pub(in crate::certificate) lineage: LineageTable,
    /// SHA-256 over all the rest: the receipt's name.
    pub(in crate::certificate) digest: String,
}

/// The recorded bytes behind a receipt, and the salt of its digests. Holds prompts and answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle<E> {
    pub(in crate::certificate) format: String,
    pub(in crate::certificate) version: u32,
    pub(in crate::certificate) kind: ReceiptKind,
    pub(in crate::certificate) salt: Salt,
    pub(in crate::certificate) evidence: E,
}

impl<S> Receipt<S> {
    /// Its name: SHA-256 over all the rest, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The document, in canonical form (RFC 8785).
    pub fn to_bytes(&self) -> Vec<u8>
    where
        S: Serialize,
    {
        canonical::to_bytes(self)
    }

    /// The digest that it should have.
    pub(in crate::certificate) fn computed_digest(&self) -> String
    where
        S: Serialize,
    {
        let mut rest = json!(self);
        if let Value::Object(fields) = &mut rest {
            fields.shift_remove("digest");
        }
        canonical::plain_digest(&rest)
    }

    /// The particulars that it states.
    pub(in crate::certificate) fn particulars(&self) -> Particulars {
        let costs = self.calls.iter().filter_map(|call| Some((call.sequence, call.spent?)));
        Particulars {
            run_id: self.run_id.clone(),
            task_class: self.task_class.clone(),
            policy_digest: self.policy_digest.clone(),
            gateway_version: self.gateway_version.clone(),
            costs: costs.collect(),
        }
    }

    /// Its rows, which the parts of each kind are held against.
    pub(super) fn rows(&self) -> Rows<'_> {
        Rows {
            kind: self.kind,
            members: &self.members,
            commitments: &self.commitments,
            calls: &self.calls,
            lineage: &self.lineage,
        }
    }

    /// The bytes of each name in it; of a model row, of all that it says.
    pub(in crate::certificate) fn names(&self) -> impl Iterator<Item = usize> {
        let asked = self.members.iter().flat_map(|member| [&member.provider, &member.model]);
        let came = self.calls.iter().filter_map(|call| call.response.as_ref());
        let told = came.flat_map(|came| came.returned_model.iter().chain(&came.response_id));
        let known = self.lineage.rows.iter().map(|row| {
            let Lineage { canonical, developer, families, moves: _ } = &row.lineage;
            let families = families.iter().map(String::len).sum::<usize>();
            canonical.len() + developer.as_ref().map_or(0, String::len) + families
        });
        asked.chain(told).map(String::len).chain(known)
    }
}

impl<E: Serialize> Bundle<E> {
    /// The document, in canonical form (RFC 8785).
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical::to_bytes(self)
    }
}
