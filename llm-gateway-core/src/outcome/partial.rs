//! The text that was there when a call failed or was stopped, of each kind of outcome.

use super::{Ending, Failure, OrchestrationOutcome, PartialText};

impl Failure {
    /// Returns the beginning of an answer that a model had written when the call failed or was
    /// stopped, if there is one: what was paid for is not lost. It is no answer, and nothing is
    /// certified about it.
    ///
    /// Of a cascade it is the strong model's text, of an orchestration that of the step that failed.
    /// A panel has none of its own: each of its [members](Self::panel) that failed may have one.
    #[must_use]
    pub fn partial(&self) -> Option<&PartialText> {
        let parts = self.parts();
        parts.partial.as_ref().or_else(|| parts.orchestration.as_ref()?.partial())
    }

    /// Returns why there is no answer, and what had come of one, as a section of a text.
    pub(super) fn told(&self) -> String {
        match self.partial() {
            Some(partial) => format!("{self}\n\nAs far as it came:\n\n{}\n", partial.text),
            None => format!("{self}\n"),
        }
    }
}

impl OrchestrationOutcome {
    /// Returns what the step that failed had written, if the orchestration failed. It is no
    /// artifact, no plan and no verdict.
    #[must_use]
    pub fn partial(&self) -> Option<&PartialText> {
        let Ending::Failed { .. } = self.ending else { return None };
        self.steps.last()?.result.as_ref().err()?.partial()
    }
}
