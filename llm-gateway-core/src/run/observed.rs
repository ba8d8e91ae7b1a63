//! Tells the observer of a gateway when a run begins and how it ends.

use std::time::Duration;

use crate::error::Category;
use crate::observe::{Observation, RunObserver};

/// A run that the observer was told of. If it is dropped before it has ended, the observer hears of
/// that too.
pub(super) struct ObservedRun<'a> {
    observer: Option<&'a RunObserver>,
    has_ended: bool,
}

impl<'a> ObservedRun<'a> {
    /// Tells the observer that a run begins its work.
    pub(super) fn started(observer: Option<&'a RunObserver>) -> Self {
        let run = Self { observer, has_ended: false };
        run.tell(Observation::RunStarted);
        run
    }

    /// Tells the observer that the run has ended; `category` is that of its failure.
    pub(super) fn ended(mut self, category: Option<Category>, latency: Duration) {
        self.has_ended = true;
        self.tell(Observation::RunEnded { category, latency });
    }

    fn tell(&self, what: Observation<'_>) {
        if let Some(observer) = self.observer {
            observer.tell(what);
        }
    }
}

impl Drop for ObservedRun<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.tell(Observation::RunDropped);
        }
    }
}
