//! The mark that shows whether any byte of a request has left, if nobody waits for the answer any
//! longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A mark that a [`Transport`](super::Transport) sets before the first byte of a request leaves.
/// Clones of a mark stand for the same request.
///
/// A call that ends while its mark is not set has cost nothing, because its connection was never
/// made.
#[derive(Debug, Clone, Default)]
pub struct SentMark(Arc<AtomicBool>);

impl SentMark {
    /// Creates the mark of a request of which nothing has left.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that bytes of the request are about to leave.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Returns whether bytes of the request may have left.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
