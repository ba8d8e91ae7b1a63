//! The request to a ledger to set money aside for one attempt.

use std::collections::BTreeMap;

use crate::model::{NanoUsd, Target, TaskClass};

use super::scope::Scope;

/// A request to set money aside for one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldRequest {
    /// Target of the attempt.
    pub target: Target,
    /// Task class of the caller's request.
    pub task_class: TaskClass,
    /// The most that the attempt can cost.
    pub amount: NanoUsd,
}

impl HoldRequest {
    /// Creates the request for `amount`, the most that an attempt at `target` can cost.
    pub fn new(target: Target, task_class: TaskClass, amount: NanoUsd) -> Self {
        Self { target, task_class, amount }
    }

    /// Returns the scopes in which the attempt counts: the total, its provider and its task class.
    /// All are counted whether or not they are capped, so that a cap that is set later, or by
    /// another process, applies to everything spent before.
    pub fn scopes(&self) -> Vec<Scope> {
        let provider = Scope::Provider(self.target.provider.clone());
        vec![Scope::Total, provider, Scope::Class(self.task_class.clone())]
    }
}

/// Returns the sum that `attempts` ask for in each scope.
pub(crate) fn asked(attempts: &[HoldRequest]) -> BTreeMap<Scope, NanoUsd> {
    let mut asked: BTreeMap<Scope, NanoUsd> = BTreeMap::new();
    for attempt in attempts {
        for scope in attempt.scopes() {
            let sum = asked.entry(scope).or_default();
            *sum = sum.saturating_add(attempt.amount);
        }
    }
    asked
}
