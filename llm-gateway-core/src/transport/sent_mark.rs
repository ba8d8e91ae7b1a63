//! Shows whether any byte of a request has left, to whoever gives up waiting for its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by a [`Transport`](super::Transport) before the first byte of a request leaves. Clones show
/// the same request.
///
/// A call that is ended before that has cost nothing, and its connection never came to be.
#[derive(Debug, Clone, Default)]
pub struct SentMark(Arc<AtomicBool>);

impl SentMark {
    /// Creates the mark of a request of which nothing has left.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that bytes of the request are about to leave.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Returns whether bytes of the request may have left.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
