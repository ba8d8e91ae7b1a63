//! The transport port: exact bytes to a URL, exact bytes back.
//!
//! A transport knows HTTP and nothing of models. It follows no redirect, repeats nothing,
//! and hands the body over as it comes. Clocks and bounds on the body are the reader's
//! ([`crate::provider`]), so that tests can pause them.

mod body;
mod recorder;
#[cfg(feature = "reqwest")]
mod reqwest;
mod scripted;
mod scrubber;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, StatusCode};

use crate::credential::Secret;
use crate::model::SharedBytes;

#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
pub use body::Body;
pub(crate) use body::BodyStream;
pub use recorder::{Exchange, Recorder, Response, Sequence};
pub use scripted::Scripted;
pub use scrubber::{REDACTED, Scrubber};

/// A POST that is about to leave, without its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpRequest {
    /// Where to. Never holds a key: those travel in headers.
    pub url: String,
    /// The headers that we set, credential excluded.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: SharedBytes,
}

impl HttpRequest {
    /// A POST of `body` to `url`.
    pub fn post(url: String, headers: HeaderMap, body: impl Into<SharedBytes>) -> Self {
        Self { url, headers, body: body.into() }
    }
}

/// The header that carries a key. Added by the transport at the last moment, so that
/// nothing upstream of it ever holds request and key together.
#[derive(Clone)]
#[non_exhaustive]
pub struct Credential {
    /// The header's name.
    pub header: HeaderName,
    /// What stands before the key, such as `Bearer `.
    pub prefix: &'static str,
    /// The key.
    pub secret: Secret,
}

impl Credential {
    /// A header called `header` that holds `prefix` and the key.
    pub fn new(header: HeaderName, prefix: &'static str, secret: Secret) -> Self {
        Self { header, prefix, secret }
    }
}

/// A response whose body has yet to be read.
#[non_exhaustive]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. Dropping it closes the connection.
    pub body: Body,
}

impl HttpResponse {
    /// A response with this head, whose body is yet to come.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        Self { status, headers, body }
    }
}

/// How far a request had come when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// No connection was made: not a byte of the request left.
    Connect,
    /// The request was on its way, and no response came.
    Send,
    /// The response's body ended before its end.
    Body,
}

/// A failure below HTTP. Its text is the cause alone: no URL, no key, and not the phase, which
/// stands beside it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct TransportError {
    /// How far the request had come.
    pub phase: Phase,
    /// What happened, for a person.
    pub message: String,
}

impl TransportError {
    /// A failure in `phase`.
    pub fn new(phase: Phase, message: impl Into<String>) -> Self {
        Self { phase, message: message.into() }
    }
}

/// Something that can carry an [`HttpRequest`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and returns as soon as the response's head is there.
    ///
    /// # Errors
    /// [`TransportError`] with the phase it failed in.
    ///
    /// # Cancel safety
    /// Dropping the future, or later the body, closes the connection.
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError>;
}
