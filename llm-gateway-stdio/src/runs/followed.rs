//! What happens in the runs under way, for the calls that wait for a run which another call began.

use std::sync::{Mutex, PoisonError};

use llm_gateway_core::front::Progress;
use llm_gateway_core::model::RunId;
use tokio::sync::watch;

/// The progress of each run that is followed. A run that has ended is dropped with the next one.
#[derive(Default)]
pub(super) struct FollowedRuns(Mutex<Vec<(RunId, watch::Receiver<Progress>)>>);

impl FollowedRuns {
    /// Adds a run that has begun.
    pub(super) fn add(&self, id: RunId, progress: watch::Receiver<Progress>) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody changes the progress of a run that is not followed any more.
        runs.retain(|(_, progress)| progress.has_changed().is_ok());
        runs.push((id, progress));
    }

    /// Returns what happens in a run; what happens before a run begins if it is not followed.
    pub(super) fn progress(&self, id: RunId) -> watch::Receiver<Progress> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = runs.iter().find(|(run, _)| *run == id);
        found.map_or_else(|| watch::Sender::default().subscribe(), |(_, it)| it.clone())
    }
}
