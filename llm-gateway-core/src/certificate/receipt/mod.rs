//! The receipt of a run: how it is issued, read, and held against its bundle.

mod consistency;
pub(super) mod digests;
pub(super) mod document;
mod opening;
mod recount;
pub(super) mod rows;
pub(super) mod subject;
mod verification;
mod verify;

pub use document::{Bundle, Particulars, Receipt};
pub use opening::{LARGEST_BUNDLE, LARGEST_RECEIPT};
pub use rows::Spent;
pub use subject::ReceiptKind;
pub use verification::{Stated, Verification, VerifyResult};
pub use verify::{Against, verify};
