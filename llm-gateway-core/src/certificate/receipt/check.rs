//! Re-checks a receipt of either kind: alone as far as that goes, with its bundle in full, and
//! with the digest that its reader was given as the very one that was issued.

use super::consistency::contradictions;
use super::differences::differences;
use super::document::{Bundle, Receipt};
use super::issue::issue;
use super::opening;
use super::recount::{Recount, recount};
use super::subject::Subject;
use super::verification::{Verification, VerifyResult};
use crate::certificate::canonical::ReceiptDigest;
use crate::certificate::lineage::Kinship;

/// What a receipt is held against, beside itself. Each part that is there decides more.
///
/// ```
/// use llm_gateway_core::certificate::Against;
///
/// let digest = "ab".repeat(32).parse()?;
/// let against = Against::default().with_bundle(b"{}").with_digest(&digest);
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Against<'a> {
    bundle: Option<&'a [u8]>,
    digest: Option<&'a ReceiptDigest>,
    models: Option<&'a Kinship>,
}

impl<'a> Against<'a> {
    /// Its bundle: with it, calls are read, counted and certified again.
    #[must_use]
    pub fn with_bundle(self, bundle: &'a [u8]) -> Self {
        Self { bundle: Some(bundle), ..self }
    }

    /// The digest that its reader was given, as in the envelope's `meta.certificate.receipt`: it
    /// pins every word of the receipt.
    #[must_use]
    pub fn with_digest(self, digest: &'a ReceiptDigest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// What the reader knows of models. Where the receipt's rows say otherwise a finding tells
    /// it: a policy may declare rows of its own.
    #[must_use]
    pub fn with_models(self, models: &'a Kinship) -> Self {
        Self { models: Some(models), ..self }
    }
}

/// Re-checks a receipt about `S`.
pub(in crate::certificate) fn check_as<S: Subject>(
    receipt: &[u8],
    against: Against<'_>,
) -> Verification {
    match opening::receipt::<S>(receipt) {
        Ok(receipt) => check(&receipt, against).of(&receipt),
        Err(verification) => verification,
    }
}

fn check<S: Subject>(receipt: &Receipt<S>, against: Against<'_>) -> Verification {
    let found = misnamed(receipt, against.digest);
    if !found.is_empty() {
        return Verification::contradicted(&found);
    }
    let found = contradictions(receipt);
    if !found.is_empty() {
        return Verification::contradicted(&found);
    }
    let (result, checked) = match against.bundle.map(opening::bundle::<S>) {
        None => (VerifyResult::Undecided, format!("no bundle: {UNCHECKED}")),
        Some(Err(why)) => (VerifyResult::Undecided, format!("the bundle cannot be read: {why}")),
        Some(Ok(bundle)) => match reissued(receipt, bundle) {
            Ok(checked) => (VerifyResult::Holds, checked),
            Err(found) => return Verification::contradicted(&found),
        },
    };
    let pinned = match against.digest {
        Some(_) => "the digest that was expected pins them",
        None => "the digest that you were given would pin them",
    };
    let trusted = format!("{TRUSTED}; {pinned}");
    let mut findings = vec![checked, trusted, SELF_ISSUED.to_owned()];
    findings.extend(against.models.into_iter().flat_map(|known| unlike(receipt, known)));
    Verification::new(result, &findings)
}

/// What the bundle would decide.
const UNCHECKED: &str = "request texts, what responses said (status, ids, models, caches), digests and \
                         token counts were not checked";

/// What neither receipt nor bundle can show.
const TRUSTED: &str = "taken on trust, as the issuer's word: costs, tokens that no response counts, run \
                       id, task class, policy digest, gateway version, rules and model rows";

/// What a receipt can show at most; said of every one that is not contradicted.
const SELF_ISSUED: &str =
    "a receipt is self-issued: it shows tampering and bugs, not a dishonest operator";

/// Whether its digest is its own, and the one that was expected.
fn misnamed<S: Subject>(receipt: &Receipt<S>, expected: Option<&ReceiptDigest>) -> Vec<String> {
    let mut found = Vec::new();
    if receipt.computed_digest() != receipt.digest {
        found.push("the digest is not that of the rest of the receipt".to_owned());
    }
    let stated = &receipt.digest;
    if let Some(expected) = expected.map(ReceiptDigest::as_str).filter(|it| it != stated) {
        found.push(format!("it is another receipt: digest {expected} was expected, not {stated}"));
    }
    found
}

/// The model rows of the receipt that are not as they are known here.
fn unlike<S: Subject>(receipt: &Receipt<S>, known: &Kinship) -> Vec<String> {
    let rows = receipt.lineage.rows.iter();
    let told = rows.filter_map(|row| {
        let known = known.find(row.provider.as_deref().unwrap_or_default(), &row.id)?;
        (*known != row.lineage)
            .then(|| format!("of {} the receipt says: {}; known is: {known}", row.id, row.lineage))
    });
    told.collect()
}

/// Issues the receipt again from the bundle's bytes, and compares part by part. Gives what was
/// checked.
///
/// # Errors
/// What does not agree.
fn reissued<S: Subject>(
    receipt: &Receipt<S>,
    bundle: Bundle<S::Evidence>,
) -> Result<String, Vec<String>> {
    let Bundle { salt, evidence, .. } = bundle;
    let kinship = receipt.rows().kinship();
    let subject = receipt.subject.again(&evidence, &kinship);
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
