//! The forms in which a request and a response are recorded: as on the wire, in a form that JSON
//! can store.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::SharedBytes;

/// An HTTP request to a provider as it was sent, without its credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// URL of the request.
    pub url: String,
    /// Headers of the request in the order in which they were set, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body of the request, byte for byte.
    pub body: RecordedBody,
}

impl RecordedRequest {
    /// Creates the record of a request, which must not contain a credential.
    pub fn new(url: impl Into<String>, headers: &HeaderMap, body: impl Into<SharedBytes>) -> Self {
        Self { url: url.into(), headers: pairs(headers), body: RecordedBody(body.into()) }
    }
}

/// An HTTP response of a provider, as far as it was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedResponse {
    /// Moment at which the response was received, by the run's counter.
    pub sequence: u64,
    /// HTTP status of the response.
    pub status: u16,
    /// Headers of the response, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body of the response, as far as it was received.
    pub body: RecordedBody,
    /// Whether an API key was replaced in the body, which then differs from the bytes received.
    pub redacted: bool,
}

impl RecordedResponse {
    /// Creates the record of a response that was received at moment `sequence`.
    pub fn new(
        sequence: u64,
        status: u16,
        headers: &HeaderMap,
        body: impl Into<SharedBytes>,
    ) -> Self {
        let body = RecordedBody(body.into());
        Self { sequence, status, headers: pairs(headers), body, redacted: false }
    }

    /// Marks the response as one in whose body an API key was replaced.
    #[must_use]
    pub fn with_redaction(self) -> Self {
        Self { redacted: true, ..self }
    }

    /// Returns the first value of the response header `name`, compared without case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Copies HTTP headers as text. In a value that is not UTF-8 the invalid bytes become replacement
/// characters, which no reader accepts as part of the protocol.
fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// The bytes of a recorded request's or response's body. In JSON they are written as base64.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct RecordedBody(SharedBytes);

impl RecordedBody {
    /// Returns the bytes of the body.
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
