//! What the recorded bytes of a panel show: what its members were shown, whether their answers
//! are fresh, and how many answered.

mod blindness;
mod certify;
mod claims;
mod evidence;
mod freshness;
mod quorum;
mod quote;
mod receipt;

pub use certify::{Certificate, NOT_PROVEN, Rules, certify};
pub use claims::Claims;
pub use evidence::{CallerTexts, Evidence};
pub use receipt::OfPanel;
