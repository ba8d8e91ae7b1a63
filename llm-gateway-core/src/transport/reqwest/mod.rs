//! The transport over the network: HTTP/1.1 and HTTP/2, with TLS by rustls and ring.
//!
//! It decides how connections are made and pooled, and how their failures are worded. It follows no
//! redirect (a key must not travel to another host), repeats nothing (a POST is paid for) and
//! decompresses nothing (what is recorded is what arrived). Its only timeout is that of the
//! connect; all others belong to the reader of the response.

use std::error::Error;
use std::fmt;
use std::io;
use std::iter;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::reqwest::{Client, redirect, retry};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use http::HeaderValue;
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

use super::{Body, Credential, HttpRequest, HttpResponse, Phase, Transport, TransportError};

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

/// A client that is built on first use. A failure to build would come again, so it is kept too.
type LazyClient = OnceLock<Result<Client, String>>;

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
        client
            .get_or_init(|| build(lane))
            .as_ref()
            .map_err(|cause| not_sent(format!("cannot set up HTTP: {cause}")))
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let url = Url::parse(&request.url)
            .map_err(|cause| not_sent(format!("the provider's URL is malformed: {cause}")))?;
        let mut headers = request.headers.clone();
        if let Some(credential) = credential {
            headers.insert(credential.header.clone(), header_value(credential)?);
        }
        let mut response = self
            .client(Lane::to(&url))?
            .post(url)
            .headers(headers)
            .body(request.body.clone().into_bytes())
            .send()
            .await
            .map_err(no_response)?;
        Ok(HttpResponse {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: Body::from_stream(response.bytes_stream().map_err(body_ended)),
        })
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
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match (loopback, url.scheme()) {
            (false, _) => Self::Remote,
            (true, "https") => Self::LoopbackTls,
            (true, _) => Self::Loopback,
        }
    }
}

fn build(lane: Lane) -> Result<Client, String> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(lane)?)
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        // The default sends a request again that HTTP/2 refused. Below it, hyper only tries
        // another connection if a pooled one was closed before a byte of the request was sent.
        .retry(retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST);
    let builder = match lane {
        Lane::Remote => builder.pool_idle_timeout(REMOTE_IDLE),
        Lane::Loopback | Lane::LoopbackTls => builder.no_proxy().pool_idle_timeout(LOOPBACK_IDLE),
    };
    builder.build().map_err(|error| innermost(&error))
}

/// Returns the TLS configuration of a lane. It is the gateway's own, because a library should
/// neither install a process default nor need one.
fn tls(lane: Lane) -> Result<ClientConfig, String> {
    let roots = match lane {
        Lane::Remote | Lane::LoopbackTls => roots(),
        Lane::Loopback => RootCertStore::empty(),
    };
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // reqwest uses a preconfigured TLS backend as it is, so it has to offer HTTP/2.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns the system's roots, so that a company's own roots are trusted. Returns Mozilla's if the
/// system has none, as in a container without CA files.
fn roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    let (added, _) =
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        store.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    store
}

fn header_value(credential: &Credential) -> Result<HeaderValue, TransportError> {
    let value = format!("{}{}", credential.prefix, credential.secret.expose());
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| not_sent("the key holds a character that no header may carry".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn not_sent(message: String) -> TransportError {
    TransportError::new(Phase::Connect, message)
}

fn no_response(error: ::reqwest::Error) -> TransportError {
    let error = error.without_url();
    // A timeout is checked first: it also shows as the kind of error that it interrupted.
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => not_sent(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())),
        (false, true) => not_sent(connect_failure(&error)),
        (true, false) => TransportError::new(Phase::Send, "the connection timed out"),
        (false, false) if error.is_builder() => {
            not_sent(format!("cannot build the request: {}", innermost(&error)))
        }
        (false, false) => TransportError::new(Phase::Send, innermost(&error)),
    }
}

fn body_ended(error: ::reqwest::Error) -> TransportError {
    let error = error.without_url();
    let message =
        if error.is_timeout() { "the connection timed out".to_owned() } else { innermost(&error) };
    TransportError::new(Phase::Body, message)
}

/// Returns why there is no connection, in words for a person.
fn connect_failure(error: &::reqwest::Error) -> String {
    let mut io_errors = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    if error.is_dns() {
        format!("the host name does not resolve: {}", innermost(error))
    } else if io_errors.clone().any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused) {
        "connection refused".to_owned()
    } else if io_errors.any(is_tls) {
        format!("TLS failed: {}", innermost(error))
    } else {
        innermost(error)
    }
}

/// Returns whether TLS caused an I/O error. A TLS error may be wrapped more than once, and
/// `io::Error::source` skips the error that it wraps.
fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| {
        inner.is::<rustls::Error>() || inner.downcast_ref::<io::Error>().is_some_and(is_tls)
    })
}

/// Returns the text of the innermost cause. The errors around it only say "error sending request".
fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> + Clone {
    iter::successors(Some(error), |&cause: &&'a (dyn Error + 'static)| cause.source())
}

#[cfg(test)]
mod tests;
