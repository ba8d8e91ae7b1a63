//! One request and one response as they were on the wire, in a form that JSON can hold.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::SharedBytes;

/// A request as it left, without its credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// Where to.
    pub url: String,
    /// The headers in the order in which they were set, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: RecordedBody,
}

impl RecordedRequest {
    /// Takes down a request.
    pub fn new(url: impl Into<String>, headers: &HeaderMap, body: impl Into<SharedBytes>) -> Self {
        Self { url: url.into(), headers: pairs(headers), body: RecordedBody(body.into()) }
    }
}

/// A response as far as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedResponse {
    /// When it had come, by the panel's counter.
    pub sequence: u64,
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: RecordedBody,
    /// Whether a key was replaced in it, so that the bytes are not quite those that came.
    pub redacted: bool,
}

impl RecordedResponse {
    /// Takes down a response that had come at moment `sequence`.
    pub fn new(
        sequence: u64,
        status: u16,
        headers: &HeaderMap,
        body: impl Into<SharedBytes>,
    ) -> Self {
        let body = RecordedBody(body.into());
        Self { sequence, status, headers: pairs(headers), body, redacted: false }
    }

    /// Notes that a key was replaced in it.
    #[must_use]
    pub fn with_redaction(self) -> Self {
        Self { redacted: true, ..self }
    }

    /// The value of a header that is there once or more; the first one.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A value that is no text is kept with marks in it, which no reader takes for protocol.
fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// Bytes of a body: base64 in JSON.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct RecordedBody(SharedBytes);

impl RecordedBody {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for RecordedBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for RecordedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for RecordedBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for RecordedBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self::from).map_err(D::Error::custom)
    }
}
