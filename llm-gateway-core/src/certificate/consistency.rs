//! Whether a receipt agrees with itself: what can be held against its rows without the bytes.

use super::certify::{Certificate, claims};
use super::claims::Verdict;
use super::evidence::Moments;
use super::receipt::Receipt;
use super::rows::{self, CallRow};

/// Everything in a receipt that contradicts itself, a sentence each.
pub(super) fn contradictions(receipt: &Receipt) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(members(receipt));
    found.extend(order(receipt));
    found.extend(receipt.calls.iter().flat_map(|call| call_alone(receipt, call)));
    found.extend(blindness(receipt));
    found.extend(certificate(receipt));
    found
}

fn members(receipt: &Receipt) -> Option<String> {
    let counted = receipt.members.iter().zip(1..).all(|(member, n)| member.position == n);
    (!counted).then(|| "members are not counted from 1".to_owned())
}

/// No moment is missing or there twice, and rows stand in their order: a dropped, repeated or
/// reordered call shows here.
fn order(receipt: &Receipt) -> Vec<String> {
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
        let of_member = receipt.calls.iter().filter(|call| call.member == member.position);
        if !of_member.zip(1..).all(|(call, n)| call.attempt == n) {
            found.push(format!("tries of member {} are not counted from 1", member.position));
        }
    }
    found
}

/// What a call says of its member and of its own response.
fn call_alone(receipt: &Receipt, call: &CallRow) -> Vec<String> {
    let CallRow { sequence, member: position, .. } = call;
    let mut found = Vec::new();
    match receipt.members.iter().find(|member| member.position == *position) {
        None => found.push(format!("call {sequence} is of member {position}, who is not there")),
        Some(member) if member.model != call.requested_model => {
            found.push(format!("call {sequence} asks for another model than member {position}'s"));
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

/// Where the certificate says that members were blind, the rows must bear it out: each call
/// carries its member's committed digest, and was committed before anything was answered.
fn blindness(receipt: &Receipt) -> Vec<String> {
    if receipt.certificate.claims.context_blind.result != Verdict::Pass {
        return Vec::new();
    }
    let answers = receipt.calls.iter().filter_map(|call| Some(call.response.as_ref()?.sequence));
    let first_answer = answers.min().unwrap_or(u64::MAX);
    let mut found = Vec::new();
    for call in &receipt.calls {
        let member = call.member;
        let mut committed = receipt.commitments.iter().filter(|row| row.member == member);
        match (committed.next(), committed.next()) {
            (Some(row), None) if row.request != call.request => {
                found.push(format!("call {} is not what member {member} committed", call.sequence));
            }
            (Some(row), None) if row.sequence > call.sequence.min(first_answer) => {
                found.push(format!("member {member} committed too late to be blind"));
            }
            (Some(_), None) => {}
            _ => found.push(format!("member {member} has not one commitment")),
        }
    }
    found
}

/// Identity, freshness, quorum and level follow from the receipt's own rows.
fn certificate(receipt: &Receipt) -> Vec<String> {
    let stated = &receipt.certificate;
    let answers = rows::answers(&receipt.members, &receipt.calls);
    let blind = stated.claims.context_blind.clone();
    let asked = receipt.members.len();
    let claims = claims(blind, &answers, &receipt.rules, asked, &receipt.kinship());
    let follows = Certificate::of(claims, receipt.rules.required, stated.warnings.clone());
    differences(stated, &follows)
}

/// How a certificate differs from the one that follows.
pub(super) fn differences(stated: &Certificate, follows: &Certificate) -> Vec<String> {
    let mut found = Vec::new();
    for ((name, stated), (_, follows)) in
        stated.claims.named().into_iter().zip(follows.claims.named())
    {
        if stated != follows {
            found.push(format!(
                "claim {name}: stated {} ({}), follows {} ({})",
                stated.result, stated.because, follows.result, follows.because
            ));
        }
    }
    if (stated.level, stated.required) != (follows.level, follows.required) {
        found.push("the level does not follow from the claims and the rules".to_owned());
    }
    if stated.not_proven != follows.not_proven {
        found.push("what is not proven is not told in full".to_owned());
    }
    if stated.warnings != follows.warnings {
        found.push("the warnings do not follow".to_owned());
    }
    found
}
