//! Tests of an orchestration's certificate, over bytes that the real adapters wrote.

mod cases;
mod history;
mod leaks;
mod random;
mod receipts;
mod run;
mod shown;

use super::panel::Seat;
use crate::certificate::{ClaimResult, OrchestrationCertificate, OrchestrationEvidence};

/// Returns the claims of an orchestration that did not pass, with their names.
pub(super) fn not_passed(
    certificate: &OrchestrationCertificate,
) -> Vec<(&'static str, ClaimResult)> {
    run::not_passed(certificate)
}

/// Returns the evidence of an orchestration of two rounds, with these models as planner, worker and
/// verifier.
pub(super) fn replanned_by(seats: [Seat; 3]) -> OrchestrationEvidence {
    run::Run { seats, ..run::replanned() }.evidence()
}
