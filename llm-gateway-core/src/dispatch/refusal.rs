//! A target that gave no answer, and why.

use crate::error::Error;
use crate::model::Target;
use crate::policy::Preflight;

/// Why a target gave no answer.
pub(crate) struct Refusal {
    pub(crate) target: Target,
    pub(crate) error: Error,
    pub(crate) preflight: Option<Box<Preflight>>,
    /// No other target may be asked: a kill switch is on.
    pub(crate) ends_request: bool,
}

impl Refusal {
    pub(crate) fn new(target: Target, error: Error, preflight: Option<Box<Preflight>>) -> Self {
        Self { target, error, preflight, ends_request: false }
    }
}
