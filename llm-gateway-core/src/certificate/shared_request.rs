//! A recorded request that several moments of a call share.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::recorded::RecordedRequest;

/// A recorded request, which clones share. A call sends the bytes that it committed, and sends them
/// again in every retry, so they are stored once. Changing a clone copies the request first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharedRequest(Arc<RecordedRequest>);

impl SharedRequest {
    /// Returns whether two requests are stored in the same place.
    pub(super) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the address at which the request is stored. Requests at one address are equal.
    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl From<RecordedRequest> for SharedRequest {
    fn from(request: RecordedRequest) -> Self {
        Self(Arc::new(request))
    }
}

impl Deref for SharedRequest {
    type Target = RecordedRequest;

    fn deref(&self) -> &RecordedRequest {
        &self.0
    }
}

impl DerefMut for SharedRequest {
    fn deref_mut(&mut self) -> &mut RecordedRequest {
        Arc::make_mut(&mut self.0)
    }
}

impl Serialize for SharedRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RecordedRequest::deserialize(deserializer).map(Self::from)
    }
}
