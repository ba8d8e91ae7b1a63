//! The errors of attempts that came to no end, in the same words for every provider.

use std::time::Duration;

use crate::error::{Category, Error};
use crate::model::Target;

/// Advice for code of the program that panicked or was ended with its runtime.
pub(super) const INTERRUPTED_HINT: &str = "look for the message of the panic where the program's \
    panic hook writes it, by default on stderr";

/// Creates the error for a timeout of the policy: `setting` names it, and `what` did not happen
/// within `limit`.
pub(super) fn late(target: Target, what: &str, setting: &str, limit: Duration) -> Error {
    let provider = &target.provider;
    let message = format!("{provider} {what} within {limit:?} ({setting})");
    let hint = format!("raise providers.{provider}.{setting}");
    Error::new(Category::Timeout, message).with_unfinished_hint(hint).with_target(target)
}
