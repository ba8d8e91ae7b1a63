//! The certificate of an orchestration, over bytes that the real adapters wrote.

mod cases;
mod leaks;
mod random;
mod receipts;
mod run;
mod shown;

use super::panel::Seat;
use crate::certificate::{Verdict, WorkCertificate, WorkEvidence};

/// The claims that did not pass, by name.
pub(super) fn not_passed(certificate: &WorkCertificate) -> Vec<(&'static str, Verdict)> {
    run::not_passed(certificate)
}

/// A run of two rounds by planner, worker and verifier.
pub(super) fn replanned_by(seats: [Seat; 3]) -> WorkEvidence {
    run::Run { seats, ..run::replanned() }.evidence()
}
