//! Issues the receipt of a run, and its bundle. The same function serves a new run and a run that
//! is checked again.

use serde::Serialize;

use super::digests::RequestDigests;
use super::document::{
    BUNDLE_FORMAT, BUNDLE_VERSION, Bundle, Particulars, RECEIPT_FORMAT, Receipt, VERSION,
};
use super::rows::{self, CommitmentRow, ExchangeRow, LineageTable};
use super::subject::Subject;
use crate::certificate::answers;
use crate::certificate::canonical::{ReceiptDigest, Salt, salted_digest};
use crate::certificate::lineage::Kinship;

/// Issues the receipt of a certified run, and its bundle.
pub(in crate::certificate) fn issue<S: Subject>(
    particulars: Particulars,
    evidence: S::Evidence,
    subject: S,
    kinship: &Kinship,
    salt: Salt,
) -> (Receipt<S>, Bundle<S::Evidence>) {
    let kind = S::KIND;
    let asked = S::calls(&evidence);
    let answers = answers::answered_calls(&asked, kind);
    let mut requests = RequestDigests::new(&salt);
    let commitments = rows::commitments(&asked, &mut requests);
    let calls = rows::calls(&asked, &mut requests, &particulars.costs);
    let mut receipt = Receipt {
        format: RECEIPT_FORMAT.to_owned(),
        version: VERSION,
        kind,
        run_id: particulars.run_id,
        task_class: particulars.task_class,
        gateway_version: particulars.gateway_version,
        policy_digest: particulars.policy_digest,
        subject,
        members: rows::members(&asked),
        evidence: evidence_digest::<S>(&salt, &evidence, &commitments, &calls),
        commitments,
        calls,
        lineage: LineageTable {
            version: kinship.version().to_owned(),
            rows: rows::lineage(&answers, kinship),
        },
        digest: ReceiptDigest::stated(String::new()),
    };
    receipt.digest = receipt.computed_digest();
    let format = BUNDLE_FORMAT.to_owned();
    (receipt, Bundle { format, version: BUNDLE_VERSION, kind, salt, evidence })
}

/// Returns the salted digest of the whole evidence of a run. Its commitments and exchanges are
/// represented by their rows.
fn evidence_digest<S: Subject>(
    salt: &Salt,
    evidence: &S::Evidence,
    commitments: &[CommitmentRow],
    calls: &[ExchangeRow],
) -> String {
    let calls: Vec<_> = calls.iter().map(messages).collect();
    let whole = (S::KIND, S::declared(evidence), commitments, calls);
    salted_digest(salt, "evidence", &whole, &[])
}

/// Returns the digests and moments that identify the messages of an attempt. Its cost is not part
/// of the evidence.
fn messages(call: &ExchangeRow) -> impl Serialize + '_ {
    let response = call.response.as_ref().map(|came| &came.digest);
    (call.sequence, call.member, call.attempt, &call.request, response)
}
