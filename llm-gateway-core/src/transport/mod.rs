//! The transport port: it sends exact bytes to a URL and returns exact bytes.
//!
//! A transport knows HTTP and nothing about models. It follows no redirect, repeats nothing, and
//! delivers the body as it arrives. Timeouts and bounds on the body belong to the reader
//! ([`crate::provider`]), so that tests can pause its clock.
//!
//! `ReqwestTransport` uses the network, [`Scripted`] answers offline, and a program may implement
//! [`Transport`] for a proxy or a client of its own:
//!
//! ```
//! use async_trait::async_trait;
//! use llm_gateway_core::transport::{
//!     Credential, HttpRequest, HttpResponse, Scripted, Transport, TransportError,
//! };
//!
//! /// Prints each URL that it sends to.
//! struct Logged<T>(T);
//!
//! #[async_trait]
//! impl<T: Transport> Transport for Logged<T> {
//!     async fn send(
//!         &self,
//!         request: &HttpRequest,
//!         credential: Option<&Credential>,
//!     ) -> Result<HttpResponse, TransportError> {
//!         println!("POST {}", request.url);
//!         self.0.send(request, credential).await
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url = "https://api.openai.com/v1/chat/completions".to_owned();
//! let request = HttpRequest::post(url, http::HeaderMap::new(), r#"{"model": "gpt-4o-mini"}"#);
//! let response = Logged(Scripted::new()).send(&request, None).await?;
//! assert_eq!(response.status, 200);
//! # Ok(())
//! # }
//! ```

mod body;
mod credential_names;
mod isolated;
mod progress;
mod recorder;
#[cfg(feature = "reqwest")]
mod reqwest;
mod scripted;
mod scrubber;
mod sent_mark;
mod so_far;

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::credential::Secret;
use crate::model::SharedBytes;

#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
#[cfg(feature = "reqwest")]
pub(crate) use self::reqwest::certificate_remarks;
pub use crate::model::sequence::Sequence;
pub use body::Body;
pub(crate) use body::{BodyStream, Trailers};
pub(crate) use isolated::IsolatedTransport;
pub(crate) use progress::CallProgress;
pub use recorder::{Exchange, Recorder, Response};
pub use scripted::{Scripted, UnfinishedScript};
pub(crate) use scrubber::KnownSecrets;
pub use scrubber::{REDACTED, Scrubber, StreamScrubber};
pub use sent_mark::SentMark;
pub(crate) use so_far::TextOf;

/// A POST request, without its credential.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpRequest {
    /// The URL to post to. The built-in providers put no key into it: keys travel in headers.
    pub url: String,
    /// The headers of the request. The built-in providers leave the credential out of them.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: SharedBytes,
}

impl HttpRequest {
    /// Creates a POST of `body` to `url`.
    pub fn post(url: String, headers: HeaderMap, body: impl Into<SharedBytes>) -> Self {
        Self { url, headers, body: body.into() }
    }
}

// Without the values of headers and parameters that carry credentials.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, headers, body } = self.without_credentials();
        let mut shown = f.debug_struct("HttpRequest");
        shown.field("url", &url).field("headers", &headers).field("body", &body).finish()
    }
}

/// The header that carries a key. The transport adds it at the last moment, so that nothing before
/// the transport ever holds the request and the key together.
#[derive(Clone)]
#[non_exhaustive]
pub struct Credential {
    /// The header's name.
    pub header: HeaderName,
    /// The text before the key, such as `Bearer `.
    pub prefix: &'static str,
    /// The key.
    pub secret: Secret,
}

// Without the key.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Credential");
        shown.field("header", &self.header).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Credential {
    /// Creates a credential for the header `header`, whose value is `prefix` and the key.
    pub fn new(header: HeaderName, prefix: &'static str, secret: Secret) -> Self {
        Self { header, prefix, secret }
    }

    /// Returns the value of the header, marked as sensitive; `None` if the key holds a character
    /// that no header may carry.
    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from([self.prefix, self.secret.expose()].concat()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// A response whose body has yet to be read.
#[non_exhaustive]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers of the response.
    pub headers: HeaderMap,
    /// The body, chunk by chunk. Dropping it closes the connection.
    pub body: Body,
}

impl HttpResponse {
    /// Creates a response from its head and the body that is yet to be read.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        Self { status, headers, body }
    }
}

// Without the values of headers that carry credentials.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = credential_names::without_credentials(&self.headers);
        let mut shown = f.debug_struct("HttpResponse");
        shown.field("status", &self.status).field("headers", &headers).field("body", &self.body);
        shown.finish()
    }
}

/// The progress that a request had made when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// This process has no descriptor or no memory left for the request, so nothing was sent.
    OutOfResources,
    /// A setting of this process, such as a variable, names what cannot be used, so nothing was
    /// sent.
    Setting,
    /// No connection was made, so not a byte of the request was sent.
    Connect,
    /// The server sent the request back before it looked at it, so nothing can be billed.
    Refused,
    /// The request was sent at least in part, and no response arrived.
    Send,
    /// The response's body broke off before its end.
    Body,
    /// The code of the transport panicked, or was ended with its runtime. The request may have been
    /// sent.
    Interrupted,
}

/// A failure below HTTP. Its text is the cause alone: it holds no URL, no key and not the phase,
/// which has a field of its own.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct TransportError {
    /// The progress that the request had made.
    pub phase: Phase,
    /// The cause of the failure, in words for a person.
    pub message: String,
    /// What its reader can do about it, where that is known.
    pub(crate) hint: Option<&'static str>,
}

impl TransportError {
    /// Creates a failure in `phase`.
    pub fn new(phase: Phase, message: impl Into<String>) -> Self {
        Self { phase, message: message.into(), hint: None }
    }

    /// Adds what its reader can do about it.
    #[cfg(feature = "reqwest")]
    pub(crate) fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

/// A transport, which sends an [`HttpRequest`]. Implement it to bring your own HTTP client.
///
/// The gateway bounds the time of a request and of its body, retries, and counts money; a transport
/// does none of it. On a runtime of several threads each request, and each chunk of a body, is
/// waited for in a task of its own, so that a transport that blocks its thread keeps nobody else
/// waiting. A panic, also in the body, is the failure [`Internal`](crate::Category::Internal) of
/// that call alone. A call that ends early is dropped, as soon as it yields, and counts at its
/// highest possible cost if its [`SentMark`] is set. An empty body is the failure
/// [`BadResponse`](crate::Category::BadResponse), which the provider decides.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and returns as soon as the head of the response has arrived.
    ///
    /// # Errors
    /// Fails with a [`TransportError`] that says in which phase.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection, and so does dropping the body later.
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError>;

    /// Sends a request as [`send`](Self::send) does, and sets `mark` before its first byte leaves.
    ///
    /// A transport that does not know that moment sets the mark at once, as the default
    /// implementation does: a call that is ended then counts at its highest possible cost.
    ///
    /// # Errors
    /// Fails as [`send`](Self::send) does.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection, and so does dropping the body later.
    async fn send_marked(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
        mark: &SentMark,
    ) -> Result<HttpResponse, TransportError> {
        mark.set();
        self.send(request, credential).await
    }

    /// Returns whether the gateway guards itself against panics and blocked threads of this
    /// transport, by which each request and each piece of an answer takes some microseconds longer.
    /// It is true by default, and false for the transports of this crate.
    fn needs_isolation(&self) -> bool {
        true
    }
}
