//! The refusal of a call: the target that gave no answer, why, and how far that reaches.

use std::fmt::Display;

use crate::error::{BlockedBy, Error};
use crate::model::Target;
use crate::policy::Preflight;

/// A target that gave no answer, and why.
pub(crate) struct Refusal {
    pub(crate) target: Target,
    pub(crate) error: Error,
    /// The price check of the call, if it came so far.
    pub(crate) preflight: Option<Box<Preflight>>,
    pub(crate) reach: Reach,
}

/// The targets for which a refusal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The target is refused, and another one may be asked.
    Target,
    /// The request is refused: no other target may be asked, or it could do no better.
    Request,
}

impl Refusal {
    /// Refuses a target; the chain may go on.
    pub(crate) fn new(target: Target, error: Error, preflight: Option<Box<Preflight>>) -> Self {
        Self { target, error, preflight, reach: Reach::Target }
    }
}

/// Returns the error of a call, or of several, that a switch of the environment refuses.
pub(crate) fn switched_off(what: impl Display, why: impl Display) -> Error {
    Error::blocked(BlockedBy::Switch, format!("{what} is refused: {why}"))
        .with_hint("take the variable out of the gateway's environment to allow the call")
}
