//! The calls that end without an answer, because their client left before they were done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::RequestId;

/// The ids of calls whose answers are not written. Clones are one list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unanswered(Arc<Mutex<HashSet<RequestId>>>);

impl Unanswered {
    /// Adds a call.
    pub(crate) fn add(&self, id: &RequestId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    }

    /// Removes a call from the list, and returns whether it was there.
    pub(super) fn take(&self, id: &RequestId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}
