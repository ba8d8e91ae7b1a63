//! The order of moments within a run.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that numbers moments 1, 2, 3, …, to show which request was fixed, sent or answered
/// before which. The recorders of calls that run at the same time share one counter.
#[derive(Debug, Default)]
pub struct Sequence(AtomicU64);

impl Sequence {
    /// Returns the number of the current moment.
    pub fn next(&self) -> u64 {
        // There is one counter, so no two moments have the same number.
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}
