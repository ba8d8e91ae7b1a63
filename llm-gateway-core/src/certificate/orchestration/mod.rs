//! What the recorded bytes of an orchestration show: what its verifier was shown, who judged
//! whom, and how much of the plan the artifact repeats.
//!
//! Beside the panel's certificate, with the same readers, and as pure. A verifier's request is
//! rebuilt from its parts: the instruction, the task, the gateway's own words around the
//! artifact, and the artifact as it stands in the recorded *response* of the step that made it.
//! Whatever else is in the request is a stray, and fails the claim about what it repeats.

mod attribution;
mod certify;
mod claims;
mod distinct;
mod evidence;
mod expected;
mod leak;
mod receipt;
mod repeats;
mod sight;
mod step_answer;
mod tokens;

pub use certify::{ORCHESTRATION_NOT_PROVEN, OrchestrationCertificate, certify_orchestration};
pub use claims::OrchestrationClaims;
pub use evidence::{Judged, OrchestrationEvidence, StepEvidence};
pub use receipt::OfOrchestration;
