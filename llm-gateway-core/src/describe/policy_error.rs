//! Describes what is wrong with a newer policy, while the one before it is in force.

use serde::Serialize;

use crate::config::{Diagnostic, PolicyProblems, Severity};

/// The first error of a policy that could not take the place of the one in force, with its position
/// and advice.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyErrorDescription {
    /// The first error.
    #[serde(flatten)]
    pub first: Diagnostic,
    /// The number of the other errors; serialised only when there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

impl PolicyErrorDescription {
    /// Returns the description of these problems; `None` if none of them is an error.
    pub(super) fn of(problems: &PolicyProblems) -> Option<Self> {
        let is_error = |problem: &&Diagnostic| problem.severity == Severity::Error;
        let mut errors = problems.diagnostics().iter().filter(is_error);
        let first = errors.next()?.clone();
        Some(Self { first, more: errors.count() })
    }
}

fn is_zero(more: &usize) -> bool {
    *more == 0
}
