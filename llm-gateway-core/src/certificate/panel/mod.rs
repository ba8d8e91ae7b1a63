//! The certificate of a panel: whether its members saw nothing but the question, whether their
//! answers are fresh and distinct in origin, and whether enough of them answered.
//!
//! The identity of models is decided in the parent folder, for orchestrations as well. The policy
//! decides whether an uncertified panel is an error.

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
pub(crate) use evidence::MOST_EARLIER_ANSWERS;
pub use evidence::{CallerTexts, Evidence};
pub use receipt::PanelSubject;
