//! The bytes of a request or a response, which clones share.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

/// A byte string that clones share. It reads like a `&[u8]` and compares with anything that is
/// bytes.
///
/// ```
/// use llm_gateway_core::model::SharedBytes;
///
/// let body = SharedBytes::from("{}");
/// assert_eq!(body.len(), 2);
/// assert_eq!(body, body.clone());
/// assert_eq!(body, "{}");
/// ```
#[derive(Clone, Default, Eq, Hash)]
pub struct SharedBytes(Bytes);

impl SharedBytes {
    /// Returns the bytes as a slice.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for SharedBytes {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&'static str> for SharedBytes {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl From<&'static [u8]> for SharedBytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self(bytes.into())
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for SharedBytes {
    fn eq(&self, other: &T) -> bool {
        *self.0 == *other.as_ref()
    }
}

/// Shows the bytes as a byte string, such as `b"{}"`.
impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
