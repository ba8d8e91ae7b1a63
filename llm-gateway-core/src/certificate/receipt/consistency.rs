//! Checks whether a receipt agrees with itself, as far as that needs no recorded bytes.

use super::document::Receipt;
use super::rows::{ExchangeRow, Rows};
use super::subject::Subject;
use crate::certificate::evidence::Moments;

/// Returns the contradictions within a receipt, one sentence each.
pub(super) fn contradictions<S: Subject>(receipt: &Receipt<S>) -> Vec<String> {
    let mut found = Vec::new();
    let rows = receipt.rows();
    found.extend(members(receipt));
    found.extend(order(receipt, &rows));
    found.extend(receipt.calls.iter().flat_map(|call| call_alone::<S>(&rows, call)));
    found.extend(receipt.subject.contradictions(&rows));
    found
}

/// Reports members or steps whose positions are not counted from 1.
fn members<S: Subject>(receipt: &Receipt<S>) -> Option<String> {
    let counted = receipt.members.iter().zip(1..).all(|(member, n)| member.position == n);
    (!counted).then(|| format!("{} are not counted from 1", S::KIND.units()))
}

/// Reports moments that are missing or occur twice, and rows that are out of order. This detects a
/// row that was dropped, repeated or moved.
fn order<S: Subject>(receipt: &Receipt<S>, rows: &Rows<'_>) -> Vec<String> {
    let mut moments = Moments::default();
    for commitment in &receipt.commitments {
        moments.add(commitment.sequence);
    }
    for call in &receipt.calls {
        moments.add_call(call.sequence, call.response.as_ref().map(|came| came.sequence));
    }
    let mut found: Vec<String> = moments.disorder().into_iter().collect();
    if !receipt.calls.is_sorted_by_key(|call| call.sequence) {
        found.push("calls do not stand in their order".to_owned());
    }
    if !receipt.commitments.is_sorted_by_key(|commitment| commitment.sequence) {
        found.push("commitments do not stand in their order".to_owned());
    }
    for member in &receipt.members {
        let of_member = rows.calls_of(member.position).iter();
        if !of_member.zip(1..).all(|(call, n)| call.attempt == n) {
            let who = S::KIND.speaker(member.position);
            found.push(format!("tries of {who} are not counted from 1"));
        }
    }
    found
}

/// Checks one attempt in a receipt by itself: its member or step must exist, with the requested
/// model, and a response that counts as an answer must not have an error status.
fn call_alone<S: Subject>(rows: &Rows<'_>, call: &ExchangeRow) -> Vec<String> {
    let ExchangeRow { sequence, member: position, .. } = call;
    let who = S::KIND.speaker(*position);
    let mut found = Vec::new();
    match rows.member(*position) {
        None => found.push(format!("call {sequence} is of {who}, which is not there")),
        Some(member) if member.model != call.requested_model => {
            found.push(format!("call {sequence} asks for another model than {who}'s"));
        }
        Some(_) => {}
    }
    let is_odd = call
        .response
        .as_ref()
        .is_some_and(|came| came.unreadable.is_none() && !(200..300).contains(&came.status));
    if is_odd {
        found.push(format!("call {sequence} takes an error status for an answer"));
    }
    found
}
