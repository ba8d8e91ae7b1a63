//! Decides which targets of a chain may still be asked after a target whose context was too small.

use crate::error::Category;
use crate::model::Prompt;
use crate::policy::PlannedTarget;

use super::refusal::Refusal;

/// The context that a target must exceed to be asked, if the context of an earlier target was too
/// small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ContextFloor(Option<u64>);

impl ContextFloor {
    /// Returns whether a target's context is known to be larger than every one that was too small.
    pub(super) fn allows(self, planned: &PlannedTarget) -> bool {
        self.0.is_none_or(|floor| context(planned).is_some_and(|context| context > floor))
    }

    /// Returns the floor after a refusal of `refused`, which raises it if its context did not hold
    /// the request.
    ///
    /// An unknown context of `refused` counts as one token less than the safe bound of the request,
    /// which the request never exceeds, so a context that holds the bound is large enough.
    #[must_use]
    pub(super) fn after(self, refusal: &Refusal, refused: &PlannedTarget, prompt: &Prompt) -> Self {
        if refusal.error.category() != Category::ContextLength {
            return self;
        }
        let request = || prompt.token_bound().saturating_add(refused.max_tokens);
        let too_small = context(refused).unwrap_or_else(|| request().saturating_sub(1));
        Self(self.0.max(Some(too_small)))
    }
}

fn context(planned: &PlannedTarget) -> Option<u64> {
    planned.facts.as_ref()?.context
}
