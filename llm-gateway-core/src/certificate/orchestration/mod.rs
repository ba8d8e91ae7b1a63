//! The certificate of an orchestration: what its verifiers were shown, which model judged which,
//! and how much of the plan the artifact repeats.
//!
//! The certificate is pure and uses the same readers as the certificate of a panel. A verifier's
//! request is rebuilt from its parts: the instruction, the task, the gateway's own words around the
//! artifact, and the artifact as it is in the recorded *response* of the step that made it.
//! Everything else in the request is a stray text, and makes the claim fail that forbids it. The
//! artifact itself makes a claim fail if it repeats a plan, or what an earlier verdict said was
//! wrong.

mod attribution;
mod certify;
mod claims;
mod critique;
mod distinct;
mod evidence;
mod expected;
mod history;
mod leak;
mod receipt;

mod repeats;
mod repetition;
mod sight;
mod step_answer;
mod tokens;

pub use certify::{ORCHESTRATION_NOT_PROVEN, OrchestrationCertificate, certify_orchestration};
pub use claims::OrchestrationClaims;
pub use evidence::{JudgementEvidence, OrchestrationEvidence, StepEvidence};
pub use receipt::OrchestrationSubject;
