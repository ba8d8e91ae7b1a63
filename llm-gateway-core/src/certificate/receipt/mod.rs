//! The receipt of a run: how it is issued, read, and held against its bundle.
//!
//! It knows no kind of run. What a panel and an orchestration have each in a form of their own
//! comes through [`Subject`], so that their rooms depend on this one, and this one on neither.

mod check;
mod consistency;
mod differences;
mod digests;
mod document;
mod issue;
mod opening;
mod recount;
mod rows;
mod subject;
mod verification;

pub use check::Against;
pub(super) use check::check_as;
pub(super) use differences::{claims_differ, words_differ};
pub(super) use digests::declared;
pub use document::{Bundle, Particulars, Receipt};
pub(super) use issue::issue;
pub(super) use opening::kind_of;
pub use opening::{LARGEST_BUNDLE, LARGEST_RECEIPT};
pub use rows::AttemptCost;
#[cfg(test)]
pub(super) use rows::ResponseRow;
pub(super) use rows::Rows;
pub(super) use subject::Subject;
pub use verification::{Stated, Verification, VerifyResult};
