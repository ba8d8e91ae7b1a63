//! The transport over the network: HTTP/1.1 and HTTP/2, with TLS by rustls and ring.
//!
//! It decides how connections are made and pooled, and how their failures are worded. It follows no
//! redirect (a key must not travel to another host), repeats nothing (a POST is paid for) and
//! decompresses nothing (what is recorded is what arrived). Its only timeout is that of the
//! connect; all others belong to the reader of the response.

mod failure;
mod frames;
mod marked_body;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::reqwest::{Client, ClientBuilder, redirect, retry};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use self::failure::{body_ended, innermost, no_response, not_sent};
use self::marked_body::MarkedBody;
use super::{
    Body, Credential, HttpRequest, HttpResponse, Phase, SentMark, Trailers, Transport,
    TransportError,
};
use crate::error::is_own_want;
use crate::model::is_loopback;

/// The timeout of a connect. A handshake takes two to three round trips, so even a far host answers
/// within one or two seconds. After ten seconds, which allow for three lost SYNs (1 + 2 + 4 s), it
/// is better to try the next target.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a silent connection to another machine is kept. Load balancers drop one after 60 s
/// (AWS) to 75 s (nginx). A request that meets such a close may have been paid for, so this side
/// closes first.
const REMOTE_IDLE: Duration = Duration::from_secs(50);

/// How long a silent connection to this machine is kept. Local servers on uvicorn or Node drop one
/// after 5 s, and a local connect costs nothing.
const LOOPBACK_IDLE: Duration = Duration::from_secs(4);

/// How many silent connections to one host are kept: enough for a burst of panels to use its
/// connections again. Each costs a file descriptor and some kilobytes, and the usual limit is 1 024
/// descriptors.
const IDLE_CONNECTIONS_PER_HOST: usize = 64;

/// How many bytes of one answer HTTP/2 may send ahead of its reader. An answer that waits for room
/// in this process stops there.
const STREAM_WINDOW: u32 = 256 * 1024;

/// How many bytes of all answers of one connection HTTP/2 may send ahead of their readers: enough
/// for 256 answers that wait, so that they cannot keep another one from being read to its end.
const CONNECTION_WINDOW: u32 = 256 * STREAM_WINDOW;

/// The user agent, which is all that a provider learns about the gateway besides the request.
const USER_AGENT: &str = concat!("llm-gateway/", env!("CARGO_PKG_VERSION"));

/// Sends requests over the network, with pooled connections.
///
/// HTTP clients are built on first use, so that start-up costs nothing. If one cannot be built, the
/// call fails and not the process.
#[derive(Default)]
pub struct ReqwestTransport {
    remote: LazyClient,
    loopback: LazyClient,
    loopback_tls: LazyClient,
}

/// A client that is built on first use.
type LazyClient = OnceLock<Client>;

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

impl ReqwestTransport {
    /// Creates a transport without connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the client of a lane, built if this is its first use.
    fn client(&self, lane: Lane) -> Result<&Client, TransportError> {
        let client = match lane {
            Lane::Remote => &self.remote,
            Lane::Loopback => &self.loopback,
            Lane::LoopbackTls => &self.loopback_tls,
        };
        // Two calls that come first together may both build one, and use the same. A failure is
        // not kept: a process without descriptors has some again a moment later.
        match client.get() {
            Some(client) => Ok(client),
            None => build(lane).map(|built| client.get_or_init(|| built)),
        }
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.send_marked(request, credential, &SentMark::new()).await
    }

    async fn send_marked(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
        mark: &SentMark,
    ) -> Result<HttpResponse, TransportError> {
        let url = Url::parse(&request.url)
            .map_err(|cause| not_sent(format!("the provider's URL is malformed: {cause}")))?;
        let mut headers = request.headers.clone();
        if let Some(credential) = credential {
            let unsendable = || not_sent("the key holds a character that no header may carry");
            let value = credential.header_value().ok_or_else(unsendable)?;
            headers.insert(credential.header.clone(), value);
        }
        let body = MarkedBody::new(request.body.clone().into_bytes(), mark.clone());
        let response = self
            .client(Lane::to(&url))?
            .post(url)
            .headers(headers)
            .body(::reqwest::Body::wrap(body))
            .send()
            .await
            .map_err(no_response)?;
        let (head, body) = http::Response::from(response).into_parts();
        let trailers = Trailers::default();
        let chunks = frames::chunks(body, trailers.clone()).map_err(body_ended);
        let body = Body::from_stream(chunks).with_trailers(trailers);
        Ok(HttpResponse { status: head.status, headers: head.headers, body })
    }
}

/// The kinds of connection, by where they lead: each has a client with the settings it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Connections to other machines, through the system's proxies; they trust the system's roots.
    Remote,
    /// Connections to this machine without TLS. `HTTP_PROXY` must not capture them, and the files
    /// that hold the roots need not be read.
    Loopback,
    /// Connections to this machine with TLS, without proxies; they trust the system's roots.
    LoopbackTls,
}

impl Lane {
    /// Returns the lane of a URL.
    fn to(url: &Url) -> Self {
        let loopback = url.host().is_some_and(|host| is_loopback(&host));
        match (loopback, url.scheme()) {
            (false, _) => Self::Remote,
            (true, "https") => Self::LoopbackTls,
            (true, _) => Self::Loopback,
        }
    }
}

fn build(lane: Lane) -> Result<Client, TransportError> {
    builder(lane)?.build().map_err(|error| unbuilt(innermost(&error)))
}

fn builder(lane: Lane) -> Result<ClientBuilder, TransportError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(lane)?)
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        // The default sends a request again that HTTP/2 refused. Below it, hyper only tries
        // another connection if a pooled one was closed before a byte of the request was sent.
        .retry(retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST);
    Ok(match lane {
        Lane::Remote => builder.pool_idle_timeout(REMOTE_IDLE),
        Lane::Loopback | Lane::LoopbackTls => builder.no_proxy().pool_idle_timeout(LOOPBACK_IDLE),
    })
}

fn unbuilt(cause: impl fmt::Display) -> TransportError {
    not_sent(format!("cannot set up HTTP: {cause}"))
}

/// Returns the TLS configuration of a lane. It is the gateway's own, because a library should
/// neither install a process default nor need one.
fn tls(lane: Lane) -> Result<ClientConfig, TransportError> {
    let roots = match lane {
        Lane::Remote | Lane::LoopbackTls => roots()?,
        Lane::Loopback => RootCertStore::empty(),
    };
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(unbuilt)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // reqwest uses a preconfigured TLS backend as it is, so it has to offer HTTP/2.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns the system's roots, so that a company's own roots are trusted. Returns Mozilla's if the
/// system has none, as in a container without CA files.
///
/// # Errors
/// Fails if this process cannot open their files at this moment: a client that trusted fewer roots
/// for that would do so until the process ends.
fn roots() -> Result<RootCertStore, TransportError> {
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    if let Some(error) = found.errors.iter().find_map(want_of) {
        return Err(TransportError::new(Phase::OutOfResources, error.to_string()));
    }
    let (added, _) = store.add_parsable_certificates(found.certs);
    if added == 0 {
        store.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    Ok(store)
}

/// Returns the error of the system if a root was not read because this process has nothing left.
fn want_of(error: &rustls_native_certs::Error) -> Option<&std::io::Error> {
    match &error.kind {
        rustls_native_certs::ErrorKind::Io { inner, .. } if is_own_want(inner) => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
