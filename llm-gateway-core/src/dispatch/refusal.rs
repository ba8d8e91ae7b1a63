//! The refusal of a call: the target that gave no answer, the reason, and the targets for which it
//! holds.

use std::fmt::Display;

use crate::error::{BlockedBy, Error};
use crate::model::{NanoUsd, Target};
use crate::policy::{Preflight, Switches};

use super::partial_text::PartialText;

/// A refusal: a target that gave no answer, and the reason.
pub(crate) struct Refusal {
    pub(crate) target: Target,
    pub(crate) error: Error,
    /// The price check of the call, if it was made.
    pub(crate) preflight: Option<Box<Preflight>>,
    pub(crate) reach: Reach,
    /// The text that the target had written all the same.
    pub(crate) partial: Option<PartialText>,
}

/// The targets for which a refusal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The target is refused, and another one may be asked.
    Target,
    /// The request is refused: no other target may be asked, or none could do better.
    Request,
}

impl Refusal {
    /// Creates the refusal of a target, after which the chain may go on.
    pub(crate) fn new(target: Target, error: Error, preflight: Option<Box<Preflight>>) -> Self {
        Self { target, error, preflight, reach: Reach::Target, partial: None }
    }
}

/// Returns the error of a call, or of several, that a switch refuses; `None` if the `switches`
/// allow what may `cost` this much. A `cost` of `None` means that the price is unknown.
pub(crate) fn switched_off(
    what: impl Display,
    switches: &Switches,
    cost: Option<NanoUsd>,
) -> Option<Error> {
    let why = switches.refuses_cost(cost)?;
    let error = Error::blocked(BlockedBy::Switch, format!("{what} is refused: {why}"));
    Some(error.with_hint(switches.way_out()))
}
