//! The real transport: HTTP/1.1 and HTTP/2, with TLS by rustls and ring.
//!
//! It decides how connections are made, pooled and named when they fail. It follows no
//! redirect (a key must not travel to another host), repeats nothing (a POST is paid for),
//! decompresses nothing (what is recorded is what came) and knows no clock but that of the
//! connect: the others are the reader's.

use std::error::Error;
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

/// A handshake takes two to three round trips, so even a far host answers within one or two
/// seconds; after ten, three lost SYNs included (1 + 2 + 4 s), the next target serves better.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Load balancers drop a silent connection after 60 s (AWS) to 75 s (nginx). A request that
/// meets such a close may have been paid for, so we hang up first.
const REMOTE_IDLE: Duration = Duration::from_secs(50);

/// Local servers on uvicorn or Node drop it after 5 s, and a local connect costs nothing.
const LOOPBACK_IDLE: Duration = Duration::from_secs(4);

/// Enough for a burst of panels to find its connections again; an idle one costs a file
/// descriptor and some kilobytes, and the usual limit is 1 024 descriptors.
const IDLE_CONNECTIONS_PER_HOST: usize = 64;

/// All that a provider learns of us besides the request.
const USER_AGENT: &str = concat!("llm-gateway/", env!("CARGO_PKG_VERSION"));

/// Carries requests over the network, with pooled connections.
///
/// Clients are built on first use: start-up costs nothing, and where one cannot be built,
/// it is the call that fails and not the process.
#[derive(Default)]
pub struct ReqwestTransport {
    remote: LazyClient,
    loopback: LazyClient,
    loopback_tls: LazyClient,
}

/// A failure to build would come again, so it is kept as well.
type LazyClient = OnceLock<Result<Client, String>>;

impl ReqwestTransport {
    /// A transport without any connection yet.
    pub fn new() -> Self {
        Self::default()
    }

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

/// What a connection needs, by where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Another machine: the system's proxies count, and its roots.
    Remote,
    /// This machine, in the clear: `HTTP_PROXY` must not capture it, and the files with the
    /// roots need not be read.
    Loopback,
    /// This machine with TLS: no proxy, but roots.
    LoopbackTls,
}

impl Lane {
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
        // another connection when a pooled one was closed before a byte of ours went out.
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

/// A configuration of our own: a library neither installs nor needs a process default.
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
    // A configuration that is handed over is taken as it is, so it has to offer HTTP/2.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The system's roots, so that a company's own count; Mozilla's where it has none, as in a
/// container without CA files.
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
    // A timeout is asked for first: it shows itself as whatever it interrupted.
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

/// Says in a person's words why there is no connection.
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

/// Whether TLS stands behind an I/O error. It may be wrapped more than once, and
/// `io::Error::source` skips what it wraps.
fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| {
        inner.is::<rustls::Error>() || inner.downcast_ref::<io::Error>().is_some_and(is_tls)
    })
}

/// The text of the first cause. Those above it only say "error sending request".
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
