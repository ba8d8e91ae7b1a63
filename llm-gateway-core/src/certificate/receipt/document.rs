//! The receipt and the bundle of a run. The receipt identifies the requests, the responses and the
//! certificate by digests; the bundle contains the bytes themselves.
//!
//! A receipt is self-issued: it shows tampering and bugs of the gateway, not a dishonest operator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cost::AttemptCost;
use super::rows::{CommitmentRow, ExchangeRow, LineageTable, MemberRow, Rows};
use crate::certificate::canonical::{self, ReceiptDigest, Salt};
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Lineage;

/// The name of the format that every receipt states.
pub(super) const RECEIPT_FORMAT: &str = "llm-gateway receipt";
/// The name of the format that every bundle states.
pub(super) const BUNDLE_FORMAT: &str = "llm-gateway bundle";
/// The version of the format of receipts.
pub(super) const VERSION: u32 = 1;
/// The version of the format of bundles that are issued. Version 1 has every request in full;
/// version 2 has each request of a call once.
pub(super) const BUNDLE_VERSION: u32 = 2;

/// The particulars of a run that its receipt states and that do not follow from the evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Particulars {
    /// Id of the run, as in its envelope.
    pub run_id: String,
    /// Task class of the run's request.
    pub task_class: String,
    /// SHA-256 of the policy file of the run, in hex.
    pub policy_digest: String,
    /// Version of the gateway that issued the receipt.
    pub gateway_version: String,
    /// Tokens and cost of each attempt, by the moment at which the attempt's request was sent.
    pub costs: BTreeMap<u64, AttemptCost>,
}

/// The receipt of a run: digests of what was sent and received, a few facts, and the certificate.
///
/// `S` is the kind of run: [`PanelSubject`](crate::certificate::PanelSubject) or
/// [`OrchestrationSubject`](crate::certificate::OrchestrationSubject).
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
    /// The members of a panel, or the steps of an orchestration as they ran.
    pub(in crate::certificate) members: Vec<MemberRow>,
    pub(in crate::certificate) commitments: Vec<CommitmentRow>,
    pub(in crate::certificate) calls: Vec<ExchangeRow>,
    /// Salted digest of the whole evidence, in which messages are represented by their digests. No
    /// part of a bundle can be changed without changing it.
    pub(in crate::certificate) evidence: String,
    pub(in crate::certificate) lineage: LineageTable,
    /// SHA-256 over everything else in the receipt; it names the receipt.
    #[serde(deserialize_with = "ReceiptDigest::read_stated")]
    pub(in crate::certificate) digest: ReceiptDigest,
}

/// The recorded bytes behind a receipt, and the salt of its digests. A bundle contains prompts and
/// answers.
///
/// `E` is the evidence of the kind of run: [`Evidence`](crate::certificate::Evidence) or
/// [`OrchestrationEvidence`](crate::certificate::OrchestrationEvidence).
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
    /// Returns the digest that names the receipt: SHA-256 over everything else in it, in hex.
    pub fn digest(&self) -> &ReceiptDigest {
        &self.digest
    }

    /// Writes the receipt in canonical form (RFC 8785).
    pub fn to_bytes(&self) -> Vec<u8>
    where
        S: Serialize,
    {
        canonical::to_bytes(self)
    }

    /// Computes the digest that the receipt must state: SHA-256 over everything else in it, in hex.
    pub(in crate::certificate) fn computed_digest(&self) -> ReceiptDigest
    where
        S: Serialize,
    {
        let mut rest = json!(self);
        if let Value::Object(fields) = &mut rest {
            fields.shift_remove("digest");
        }
        ReceiptDigest::stated(canonical::plain_digest(&rest))
    }

    /// Returns the particulars of the run that the receipt states.
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

    /// Returns the rows of the receipt, which its certificate is checked against.
    pub(super) fn rows(&self) -> Rows<'_> {
        Rows::new(self.kind, &self.members, &self.commitments, &self.calls, &self.lineage)
    }

    /// Returns the length in bytes of each name in the receipt. Developer and families of a model
    /// count together, as one name.
    pub(in crate::certificate) fn names(&self) -> impl Iterator<Item = usize> {
        let asked = self.members.iter().flat_map(|member| [&member.provider, &member.model]);
        let came = self.calls.iter().filter_map(|call| call.response.as_ref());
        let told = came.flat_map(|came| {
            came.returned_model.iter().chain(&came.other_models).chain(&came.response_id)
        });
        let known = self.lineage.rows.iter().flat_map(|row| {
            let Lineage { canonical, developer, families, moves: _ } = &row.lineage;
            let families = families.iter().map(String::len).sum::<usize>();
            [canonical.len(), developer.as_ref().map_or(0, String::len) + families]
        });
        asked.chain(told).map(String::len).chain(known)
    }
}

impl<E: Serialize> Bundle<E> {
    /// Writes the bundle in canonical form (RFC 8785).
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical::to_bytes(self)
    }
}
