//! The receipt of a run: how it is issued, how it is read, and how it is checked against its
//! bundle.
//!
//! This room knows neither panels nor orchestrations. The trait [`Subject`] holds the differences
//! between them, so their rooms depend on this one, and this one depends on neither.

mod check;
mod consistency;
mod cost;
mod differences;
mod digests;
mod document;
mod issue;
mod opening;
mod recount;
mod rows;
mod subject;
mod verification;

pub use check::VerifyOptions;
pub(super) use check::check_as;
pub use cost::AttemptCost;
pub(super) use differences::{claims_differ, words_differ};
pub(super) use digests::declared;
pub use document::{Bundle, Particulars, Receipt};
pub(super) use issue::issue;
pub(super) use opening::kind_of;
pub use opening::{
    LARGEST_BUNDLE, LARGEST_BUNDLE_FILE, LARGEST_RECEIPT, LARGEST_RECEIPT_FILE, is_bundle,
    is_receipt,
};
#[cfg(test)]
pub(super) use rows::ResponseRow;
pub(super) use rows::Rows;
pub(super) use subject::Subject;
pub use verification::{ReceiptSummary, Verification, VerifyResult};
