//! Reports how a receipt differs from one that was made again from its bundle or its rows, with one
//! sentence for each part.

use super::document::Receipt;
use super::subject::Subject;
use crate::certificate::claims::Claim;

/// Reports the parts in which a receipt differs from the receipt that was issued `again` from its
/// bundle. If no single part differs, one sentence says that the receipts differ.
pub(super) fn differences<S: Subject>(receipt: &Receipt<S>, again: &Receipt<S>) -> Vec<String> {
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

/// Reports the stated claims that differ from the claims that were decided again.
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

/// Reports whether a certificate's unproven facts or warnings differ from those that were made
/// again. Each argument is the pair of unproven facts and warnings.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Evidence, Kinship, Particulars, Rules, Salt};
    use crate::policy::Level;

    #[test]
    fn a_difference_in_any_part_is_reported() {
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
