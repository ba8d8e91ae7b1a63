//! A test with a panel member that made as many attempts as a bundle may have.

use super::orchestration;
use super::panel::{SEATS, panel, rules};
use crate::certificate::{
    CallEvidence, ClaimResult, Kinship, RecordedExchange, certify, certify_orchestration,
};

const TRIES: u64 = 4_096;

/// Adds many attempts to a call, with large bodies that differ only in their last bytes. Each body
/// occurs twice.
fn many(member: &mut CallEvidence) {
    let request = member.exchanges[0].request.clone();
    let exchange = |n: u64| {
        let mut request = request.clone();
        request.body = format!("{}{:04}", "x".repeat(32 * 1024), n / 2).into_bytes().into();
        RecordedExchange::new(n, request, None)
    };
    member.exchanges = (0..TRIES).map(exchange).collect();
}

/// Checks that the work of reading attempts grows with the number of bytes. If it grew with the
/// square, the test would take minutes.
#[test]
fn equal_attempts_are_read_once() {
    let mut evidence = panel(&SEATS);
    many(&mut evidence.members[0]);
    let blind = certify(&evidence, &rules(), &Kinship::default()).claims.context_blind;
    assert_eq!(blind.result, ClaimResult::Fail);
    // No attempt sends what was committed; each distinct body is not JSON and has no user turn; the
    // system part of two members is not that of the first. Four findings are named.
    let told = TRIES + 2 * TRIES / 2 + 2 - 4;
    assert!(blind.because.contains(&format!("and {told} more")), "{}", blind.because);
    let mut evidence = orchestration::replanned_by(SEATS);
    many(&mut evidence.steps[5].call);
    let certificate = certify_orchestration(&evidence, &Kinship::default());
    assert_eq!(certificate.claims.verifier_plan_blind.result, ClaimResult::Fail);
}
