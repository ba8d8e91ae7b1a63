//! Re-checks a receipt: alone as far as that goes, with its bundle in full, and with the digest
//! that its reader was given as the very one that was issued.

use super::consistency::contradictions;
use super::document::{self, Bundle, Receipt};
use super::opening;
use super::recount::{Recount, recount};
use super::subject::{ReceiptKind, Subject};
use super::verification::{Verification, VerifyResult};
use crate::certificate::canonical::ReceiptDigest;
use crate::certificate::lineage::Kinship;
use crate::certificate::orchestration::OfWork;
use crate::certificate::panel::receipt::OfPanel;

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

/// Re-checks a receipt. Pure; takes any bytes, does bounded work and never panics.
///
/// ```
/// use llm_gateway_core::certificate::{Against, VerifyResult, verify};
///
/// assert_eq!(verify(b"{}", Against::default()).result, VerifyResult::NoReceipt);
/// ```
pub fn verify(receipt: &[u8], against: Against<'_>) -> Verification {
    match opening::kind(receipt) {
        Ok(ReceiptKind::Panel) => verify_as::<OfPanel>(receipt, against),
        Ok(ReceiptKind::Orchestration) => verify_as::<OfWork>(receipt, against),
        Err(verification) => verification,
    }
}

fn verify_as<S: Subject>(receipt: &[u8], against: Against<'_>) -> Verification {
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
        (*known != row.kin)
            .then(|| format!("of {} the receipt says: {}; known is: {known}", row.id, row.kin))
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
    let kinship = receipt.kinship();
    let subject = receipt.subject.again(&evidence, &kinship);
    let (again, bundle) = document::write(receipt.particulars(), evidence, subject, &kinship, salt);
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

/// How a receipt differs from the one that follows from its bundle: by its parts, else that it
/// does.
fn differences<S: Subject>(receipt: &Receipt<S>, again: &Receipt<S>) -> Vec<String> {
    let mut found = Vec::new();
    let mut must_agree = |agrees: bool, what: &str| {
        if !agrees {
            found.push(format!("{what} of the receipt are not those of the bundle"));
        }
    };
    must_agree(again.members == receipt.members, S::KIND.units());
    must_agree(again.commitments == receipt.commitments, "commitments");
    must_agree(again.calls == receipt.calls, "calls");
    must_agree(again.lineage == receipt.lineage, "models");
    must_agree(again.evidence == receipt.evidence, "salt and recorded bytes");
    found.extend(receipt.subject.differences(&again.subject));
    if found.is_empty() && again != receipt {
        found.push("the receipt is not the one that follows from the bundle".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Evidence, Particulars, Rules, Salt};
    use crate::policy::Level;

    #[test]
    fn a_receipt_that_differs_in_whatever_part_is_said_to() {
        let issue = |particulars| {
            let (rules, salt) = (Rules::new(Level::None, None), Salt::from_bytes([7; 32]));
            Receipt::issue(particulars, Evidence::default(), &rules, &Kinship::default(), salt).0
        };
        let receipt = issue(Particulars::default());
        let other = issue(Particulars { run_id: "other".to_owned(), ..Particulars::default() });
        let all: [String; 0] = [];
        assert_eq!(differences(&receipt, &issue(Particulars::default())), all);
        let told = "the receipt is not the one that follows from the bundle";
        assert_eq!(differences(&receipt, &other), [told]);
    }
}
