//! Checks a receipt of a panel or of an orchestration.
//!
//! A receipt alone can only be contradicted. With its bundle, everything that follows from the
//! bytes is computed again. The digest that the reader received shows whether it is the receipt
//! that was issued.

use super::consistency::contradictions;
use super::differences::differences;
use super::document::{Bundle, Receipt};
use super::issue::issue;
use super::opening;
use super::recount::{Recount, recount};
use super::subject::Subject;
use super::verification::{Verification, VerifyResult};
use crate::certificate::canonical::{OpenedDocument, ReceiptDigest};
use crate::certificate::lineage::Kinship;

/// The bundle, the digest and the model data that a receipt is checked against, in addition to
/// itself. Each of them makes the check more decisive.
///
/// ```
/// use llm_gateway_core::certificate::VerifyOptions;
///
/// let digest = "ab".repeat(32).parse()?;
/// let against = VerifyOptions::default().with_bundle(b"{}").with_digest(&digest);
/// # Ok::<(), llm_gateway_core::certificate::InvalidHex>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions<'a> {
    bundle: Option<&'a [u8]>,
    digest: Option<&'a ReceiptDigest>,
    models: Option<&'a Kinship>,
}

impl<'a> VerifyOptions<'a> {
    /// Adds the receipt's bundle, from which calls are read, counted and certified again.
    #[must_use]
    pub fn with_bundle(self, bundle: &'a [u8]) -> Self {
        Self { bundle: Some(bundle), ..self }
    }

    /// Adds the receipt's digest as its reader received it, in the envelope's
    /// `meta.certificate.receipt`. The digest fixes every word of the receipt.
    #[must_use]
    pub fn with_digest(self, digest: &'a ReceiptDigest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// Adds the reader's own data about models. If a row of the receipt says otherwise, a finding
    /// reports it. That is no contradiction, because a policy may declare rows of its own.
    #[must_use]
    pub fn with_models(self, models: &'a Kinship) -> Self {
        Self { models: Some(models), ..self }
    }
}

/// Reads and checks a receipt about the kind of run `S`.
pub(in crate::certificate) fn check_as<S: Subject>(
    receipt: &[u8],
    against: VerifyOptions<'_>,
) -> Verification {
    match opening::receipt::<S>(receipt) {
        Ok(receipt) => check(&receipt, against).with_stated(&receipt.document),
        Err(verification) => verification,
    }
}

fn check<S: Subject>(
    opened: &OpenedDocument<Receipt<S>>,
    against: VerifyOptions<'_>,
) -> Verification {
    let receipt = &opened.document;
    let found = wrong_digests(receipt, against.digest);
    if !found.is_empty() {
        return Verification::contradicted(&found);
    }
    let found = contradictions(receipt);
    if !found.is_empty() {
        return Verification::contradicted(&found);
    }
    let mut reformatted: Vec<&str> =
        opened.is_reformatted.then_some("receipt").into_iter().collect();
    let (result, checked) = match against.bundle.map(opening::bundle::<S>) {
        None => (VerifyResult::Undecided, format!("no bundle: {UNCHECKED}")),
        Some(Err(why)) => (VerifyResult::Undecided, format!("the bundle cannot be read: {why}")),
        Some(Ok(bundle)) => {
            reformatted.extend(bundle.is_reformatted.then_some("bundle"));
            match compare_reissued(receipt, bundle.document) {
                Ok(checked) => (VerifyResult::Holds, checked),
                Err(found) => return Verification::contradicted(&found),
            }
        }
    };
    let pinned = match against.digest {
        Some(_) => "the digest that was expected pins them",
        None => "the digest that you were given would pin them",
    };
    let trusted = format!("{TRUSTED}; {pinned}");
    let mut findings = vec![checked, trusted, SELF_ISSUED.to_owned()];
    findings.extend(reformatted.iter().map(|what| {
        format!("the {what} was reformatted: it is written anew, and says what was issued")
    }));
    findings
        .extend(against.models.into_iter().flat_map(|known| unlike_known_models(receipt, known)));
    Verification::new(result, &findings)
}

/// The finding that lists the statements that only the receipt's bundle can decide.
const UNCHECKED: &str = "request texts, what responses said (status, ids, models, caches), digests and \
                         token counts were not checked";

/// The finding that lists the statements that neither the receipt nor its bundle can prove.
const TRUSTED: &str = "taken on trust, as the issuer's word: costs, tokens that no response counts, run \
                       id, task class, policy digest, gateway version, rules and model rows";

/// The finding about the limit of what a receipt proves, added unless the receipt is contradicted.
const SELF_ISSUED: &str =
    "a receipt is self-issued: it shows tampering and bugs, not a dishonest operator";

/// Reports a stated digest that does not fit the receipt's text, or is not the expected digest.
fn wrong_digests<S: Subject>(
    receipt: &Receipt<S>,
    expected: Option<&ReceiptDigest>,
) -> Vec<String> {
    let mut found = Vec::new();
    if receipt.computed_digest() != receipt.digest {
        found.push("the digest is not that of the rest of the receipt".to_owned());
    }
    let stated = &receipt.digest;
    if let Some(expected) = expected.filter(|it| *it != stated) {
        found.push(format!("it is another receipt: digest {expected} was expected, not {stated}"));
    }
    found
}

/// Reports the receipt's rows about models that differ from the reader's own data.
fn unlike_known_models<S: Subject>(receipt: &Receipt<S>, known: &Kinship) -> Vec<String> {
    let rows = receipt.lineage.rows.iter();
    let told = rows.filter_map(|row| {
        let known = known.find(row.provider.as_deref().unwrap_or_default(), &row.id)?;
        (*known != row.lineage)
            .then(|| format!("of {} the receipt says: {}; known is: {known}", row.id, row.lineage))
    });
    told.collect()
}

/// Issues the receipt again from the bundle's bytes, compares the two receipts part by part, and
/// returns a sentence about the checked parts.
///
/// # Errors
/// The two receipts do not agree; there is one sentence for each difference.
fn compare_reissued<S: Subject>(
    receipt: &Receipt<S>,
    bundle: Bundle<S::Evidence>,
) -> Result<String, Vec<String>> {
    let Bundle { salt, evidence, .. } = bundle;
    let kinship = receipt.rows().kinship();
    let subject = receipt.subject.reissued(&evidence, &kinship);
    let (again, bundle) = issue(receipt.particulars(), evidence, subject, &kinship, salt);
    let mut found = differences(receipt, &again);
    let Recount { agreed, differences } = recount(receipt, &bundle.evidence);
    found.extend(differences);
    if !found.is_empty() {
        return Err(found);
    }
    let (calls, asked, units) = (receipt.calls.len(), receipt.members.len(), S::KIND.units());
    Ok(format!(
        "{calls} calls of {asked} {units} were read and certified again, the tokens of {agreed} \
         counted again"
    ))
}
