//! What the recorded bytes of a panel show: what its members were shown, whether their answers
//! are fresh, and how many answered.

pub(super) mod blindness;
mod certify;
pub(super) mod freshness;
mod quote;
pub(super) mod receipt;

pub use certify::{Certificate, NOT_PROVEN, Rules, certify};
pub use receipt::OfPanel;
