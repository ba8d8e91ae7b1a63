//! Re-checks a receipt: alone as far as that goes, with its bundle in full.

use serde::{Deserialize, Serialize};

use super::canonical::{self, Unread};
use super::consistency::{contradictions, differences};
use super::receipt::{BUNDLE_FORMAT, Bundle, RECEIPT_FORMAT, Receipt, VERSION};

/// The largest receipt that is read, in bytes. A call is a row of about 500 bytes.
pub const LARGEST_RECEIPT: usize = 4 * 1024 * 1024;

/// The largest bundle that is read, in bytes. Four times a body that is as large as the gateway takes.
pub const LARGEST_BUNDLE: usize = 64 * 1024 * 1024;

/// The most members that a panel has, and calls that they make, where a receipt is read: work
/// grows with the square of each.
const MOST_MEMBERS: usize = 256;
const MOST_CALLS: usize = 4_096;

/// The most findings that are told, and the most characters of one: a document may be a
/// stranger's.
const TOLD: usize = 20;
const SHOWN: usize = 500;

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum VerifyResult {
    /// The bytes bear it out: digests were computed and the panel certified again.
    #[serde(rename = "holds")]
    Holds,
    /// Something in it, or between it and the bundle, does not agree.
    #[serde(rename = "contradicted")]
    Contradicted,
    /// Nothing contradicts it, but the bundle is needed to decide.
    #[serde(rename = "undecided")]
    Undecided,
    /// It is no receipt.
    #[serde(rename = "no receipt")]
    NoReceipt,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// What became of the receipt.
    pub result: VerifyResult,
    /// Why, a sentence each.
    pub findings: Vec<String>,
}

impl Verification {
    fn new(result: VerifyResult, findings: Vec<String>) -> Self {
        let shown = |text: &String| text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        let rest = findings.len().saturating_sub(TOLD);
        let mut findings: Vec<String> = findings.iter().take(TOLD).map(shown).collect();
        if rest > 0 {
            findings.push(format!("and {rest} more"));
        }
        Self { result, findings }
    }

    fn contradicted(findings: Vec<String>) -> Self {
        Self::new(VerifyResult::Contradicted, findings)
    }
}

/// Re-checks a receipt. Pure; takes any bytes, does bounded work and never panics.
///
/// ```
/// use llm_gateway_core::certificate::{VerifyResult, verify};
///
/// assert_eq!(verify(b"{}", None).result, VerifyResult::NoReceipt);
/// ```
pub fn verify(receipt: &[u8], bundle: Option<&[u8]>) -> Verification {
    let receipt = match read_receipt(receipt) {
        Ok(receipt) => receipt,
        Err(verification) => return verification,
    };
    if receipt.computed_digest() != receipt.digest {
        let what = "the digest is not that of the rest of the receipt".to_owned();
        return Verification::contradicted(vec![what]);
    }
    let found = contradictions(&receipt);
    if !found.is_empty() {
        return Verification::contradicted(found);
    }
    match bundle.map(read_bundle) {
        None => undecided("no bundle: request texts and digests were not checked".to_owned()),
        Some(Err(why)) => undecided(format!("the bundle cannot be read: {why}")),
        Some(Ok(bundle)) => against(&receipt, bundle),
    }
}

/// What a receipt can show at most; said of every one that is not contradicted.
const SELF_ISSUED: &str =
    "a receipt is self-issued: it shows tampering and bugs, not a dishonest operator";

fn undecided(why: String) -> Verification {
    Verification::new(VerifyResult::Undecided, vec![why, SELF_ISSUED.to_owned()])
}

fn read_receipt(bytes: &[u8]) -> Result<Receipt, Verification> {
    let no_receipt = |why: String| Verification::new(VerifyResult::NoReceipt, vec![why]);
    if bytes.len() > LARGEST_RECEIPT {
        return Err(no_receipt(format!("it is larger than {LARGEST_RECEIPT} bytes")));
    }
    let receipt: Receipt = canonical::read(bytes).map_err(|error| match error {
        Unread::Form(why) => no_receipt(why),
        Unread::NotCanonical => Verification::contradicted(vec![error.to_string()]),
    })?;
    if (receipt.format.as_str(), receipt.version) != (RECEIPT_FORMAT, VERSION) {
        return Err(no_receipt(format!("it is not a `{RECEIPT_FORMAT}` of version {VERSION}")));
    }
    if is_too_large(receipt.members.len(), receipt.calls.len(), receipt.commitments.len()) {
        return Err(no_receipt("it has more members or calls than any panel".to_owned()));
    }
    Ok(receipt)
}

fn is_too_large(members: usize, calls: usize, commitments: usize) -> bool {
    members > MOST_MEMBERS || calls > MOST_CALLS || commitments > MOST_MEMBERS
}

fn read_bundle(bytes: &[u8]) -> Result<Bundle, String> {
    if bytes.len() > LARGEST_BUNDLE {
        return Err(format!("it is larger than {LARGEST_BUNDLE} bytes"));
    }
    let bundle: Bundle = canonical::read(bytes).map_err(|error| error.to_string())?;
    if (bundle.format.as_str(), bundle.version) != (BUNDLE_FORMAT, VERSION) {
        return Err(format!("it is not a `{BUNDLE_FORMAT}` of version {VERSION}"));
    }
    let members = &bundle.evidence.members;
    let calls = members.iter().map(|member| member.exchanges.len()).sum();
    if is_too_large(members.len(), calls, 0) {
        return Err("it has more members or calls than any panel".to_owned());
    }
    Ok(bundle)
}

/// Issues the receipt again from the bundle's bytes, and compares part by part.
fn against(receipt: &Receipt, bundle: Bundle) -> Verification {
    let Bundle { salt, evidence, .. } = bundle;
    let kinship = receipt.kinship();
    let (again, _) =
        Receipt::issue(receipt.particulars(), evidence, &receipt.rules, &kinship, salt);
    let mut found = Vec::new();
    let mut must_agree = |agrees: bool, what: &str| {
        if !agrees {
            found.push(format!("{what} of the receipt are not those of the bundle"));
        }
    };
    must_agree(again.members == receipt.members, "members");
    must_agree(again.commitments == receipt.commitments, "commitments");
    must_agree(again.calls == receipt.calls, "calls");
    must_agree(again.lineage == receipt.lineage, "models");
    must_agree(again.evidence == receipt.evidence, "salt and recorded bytes");
    found.extend(differences(&receipt.certificate, &again.certificate));
    if !found.is_empty() || again != *receipt {
        return Verification::contradicted(found);
    }
    let checked = format!(
        "{} calls of {} members were read and certified again",
        receipt.calls.len(),
        receipt.members.len()
    );
    Verification::new(VerifyResult::Holds, vec![checked, SELF_ISSUED.to_owned()])
}
