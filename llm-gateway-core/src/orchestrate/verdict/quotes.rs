//! Decides whether the checklist of an acceptance shows its evidence: quotes that are specific and
//! occur in the artifact.

use super::ChecklistItem;
use crate::model::single_spaced;

/// Checks that an acceptance has a checklist with requirements, that it quotes the artifact at
/// least once, and that each of its quotes is specific and occurs in the artifact. A quote may be
/// empty if the evidence is that something is absent.
///
/// # Errors
/// The reason why the checklist does not support an acceptance.
pub(super) fn check(checklist: &[ChecklistItem], artifact: &str) -> Result<(), String> {
    if checklist.is_empty() {
        return Err("it accepts with an empty `checklist`".to_owned());
    }
    if checklist.iter().any(|item| !has_letter_or_digit(&item.requirement)) {
        return Err("it accepts with an empty `requirement`".to_owned());
    }
    if !checklist.iter().any(|item| has_letter_or_digit(&item.evidence_quote)) {
        return Err("it accepts without a single `evidence_quote`".to_owned());
    }
    // A quote may wrap its lines differently.
    let artifact = single_spaced(artifact);
    for (item, n) in checklist.iter().zip(1..) {
        let quote = single_spaced(&item.evidence_quote);
        if !artifact.contains(&quote) {
            return Err(format!("the `evidence_quote` of item {n} does not stand in the artifact"));
        }
        if !tells_something(&quote) && quote != artifact {
            return Err(format!("the `evidence_quote` of item {n} is no longer than a letter"));
        }
    }
    Ok(())
}

/// Returns whether a text has a letter or a digit. A quote without any, such as a full stop, occurs
/// in every artifact.
fn has_letter_or_digit(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Returns whether a quote is empty, or more than one character and more than one letter with marks
/// around it. A single letter occurs in every artifact, and shows nothing.
fn tells_something(quote: &str) -> bool {
    let mut letters = quote.chars().filter(|c| c.is_alphanumeric());
    let is_a_letter = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
    let shown = quote.chars().filter(|c| !c.is_whitespace()).count();
    shown != 1 && !is_a_letter
}
