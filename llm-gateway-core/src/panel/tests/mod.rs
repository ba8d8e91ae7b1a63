//! Tests of the agreement of whole panels.

mod abstentions;
mod agreements;
mod corpus;
mod options;
mod properties;

use super::agreement::{Agreement, Consensus, agreement};
use super::effective::MemberAnswer;
use super::effective::tests::claims;
use crate::policy::Agree;

/// Compares the answers of members whose models have an unknown lineage.
fn of(texts: &[&str], agree: Agree) -> Agreement {
    agreement(&answers(texts), agree, &claims())
}

/// Returns the result of comparing two answers.
fn outcome(one: &str, other: &str, agree: Agree) -> Consensus {
    of(&[one, other], agree).outcome
}

/// Returns whether two answers agree.
fn agrees(one: &str, other: &str, agree: Agree) -> bool {
    outcome(one, other, agree) == Consensus::Unanimous
}

/// Returns answers that came to their own end.
fn answers<'a>(texts: &[&'a str]) -> Vec<MemberAnswer<'a>> {
    let answer = |(text, member)| MemberAnswer { member, text, is_whole: true, lineage: None };
    texts.iter().copied().zip(1..).map(answer).collect()
}
