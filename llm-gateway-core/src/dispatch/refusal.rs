//! A target that gave no answer, and why.

use crate::error::Error;
use crate::model::Target;
use crate::policy::Preflight;

/// Why a target gave no answer.
pub(crate) struct Refusal {
    pub(crate) target: Target,
    pub(crate) error: Error,
    pub(crate) preflight: Option<Box<Preflight>>,
    pub(crate) reach: Reach,
}

/// How far a refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The target is refused; another one may be asked.
    Target,
    /// The request is refused: no other target may be asked, or could do better.
    Request,
}

impl Refusal {
    pub(crate) fn new(target: Target, error: Error, preflight: Option<Box<Preflight>>) -> Self {
        Self { target, error, preflight, reach: Reach::Target }
    }
}
