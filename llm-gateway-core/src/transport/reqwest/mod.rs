//! The transport over the network: HTTP/1.1 and HTTP/2, with TLS by rustls and ring.
//!
//! The transport decides how connections are made and pooled, and how their failures are reported.
//! It follows no redirect (a key must not travel to another host), repeats nothing (a POST is paid
//! for) and decompresses nothing (what is recorded is what arrived). Its only timeout is that of
//! the connect; all others belong to the reader of the response.

mod clients;
mod failure;
mod frames;
mod marked_body;
mod roots;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ::reqwest::{Client, ClientBuilder, Proxy, redirect, retry};
use async_trait::async_trait;
use futures_util::{Stream, TryStreamExt, stream};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use self::clients::Clients;
use self::failure::{
    body_ended, innermost, no_response, not_sent, unanswered_proxy, unusable_proxy,
    unusable_runtime,
};
use self::marked_body::MarkedBody;
use self::roots::Roots;
use super::{
    Body, Credential, HttpRequest, HttpResponse, SentMark, Trailers, Transport, TransportError,
};
use crate::environment::Environment;
use crate::model::is_loopback;
use crate::network::Network;
use crate::runtime::{Pace, current, with_sockets};

pub(crate) use roots::certificate_remarks;

/// The timeout of a connect. A handshake takes two to three round trips, so even a far host answers
/// within one or two seconds. After ten seconds, which allow for three lost SYNs (1 + 2 + 4 s), it
/// is better to try the next target.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time for which an idle connection to another machine is kept. Load balancers close
/// one after 60 s (AWS) to 75 s (nginx). A request that meets their close may have been paid for,
/// so this side closes first.
const REMOTE_IDLE: Duration = Duration::from_secs(50);

/// The longest time for which an idle connection to this machine is kept. Local servers on uvicorn
/// or Node close one after 5 s, and a local connect costs nothing.
const LOOPBACK_IDLE: Duration = Duration::from_secs(4);

/// The largest number of idle connections to one host: enough for a burst of panels to use its
/// connections again. Each connection costs a file descriptor and some kilobytes, and the usual
/// limit is 1 024 descriptors.
const IDLE_CONNECTIONS_PER_HOST: usize = 64;

/// The number of bytes of one answer that HTTP/2 may send ahead of its reader. An answer that waits
/// for room in this process stops there.
const STREAM_WINDOW: u32 = 256 * 1024;

/// The number of bytes of all answers of one connection that HTTP/2 may send ahead of their
/// readers: enough for 256 answers that wait, so that they cannot keep another one from being read
/// to its end.
const CONNECTION_WINDOW: u32 = 256 * STREAM_WINDOW;

/// The user agent, which is all that a provider learns about the gateway besides the request.
const USER_AGENT: &str = concat!("llm-gateway/", env!("CARGO_PKG_VERSION"));

/// The transport that sends requests over the network, with pooled connections.
///
/// Each tokio runtime has connections of its own, so that one transport serves any number of
/// runtimes, at once or one after the other. Within a runtime whose clock is paused, the clock goes
/// at the pace of the machine's while a request is under way. Outside of a runtime, and on one
/// without timers or sockets, a request fails and says so.
///
/// HTTP clients are built on first use, so that start-up costs nothing. If one cannot be built, the
/// call fails and not the process. Proxies and certificates are those that the process's variables
/// name, else the system's. If a variable names a proxy or certificates that cannot be used, calls
/// fail with an error that names the variable.
pub struct ReqwestTransport {
    network: Arc<Network>,
    roots: Roots,
    clients: Clients,
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

impl Default for ReqwestTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl ReqwestTransport {
    /// Creates a transport without connections, whose proxies and certificates are those that the
    /// process's variables name.
    pub fn new() -> Self {
        Self::with_environment(&Environment::from_process())
    }

    /// Creates a transport without connections, whose proxies and certificates are those that
    /// `environment` names. No variable of the process is read; on macOS and Windows, those of
    /// certificates are, where `environment` names none.
    #[must_use]
    pub fn with_environment(environment: &Environment) -> Self {
        Self::within(Network::of(environment))
    }

    /// Creates a transport without connections, for a network with these settings.
    pub(crate) fn within(network: impl Into<Arc<Network>>) -> Self {
        Self { network: network.into(), roots: Roots::default(), clients: Clients::default() }
    }

    /// Returns the client of a lane on the current runtime, built if this is its first use.
    async fn client(&self, lane: Lane) -> Result<Client, TransportError> {
        // A runtime for which a client is kept was seen to have sockets. To look costs a socket.
        if let Some(client) = current().and_then(|runtime| self.clients.get(runtime, lane)) {
            return Ok(client);
        }
        let runtime = with_sockets().map_err(unusable_runtime)?;
        // Two calls that come first together may both build one, and use the same. A failure is
        // not kept: a process without descriptors has some again a moment later.
        Ok(self.clients.keep(runtime, lane, self.build(lane).await?))
    }

    async fn build(&self, lane: Lane) -> Result<Client, TransportError> {
        let roots = match lane {
            Lane::Remote | Lane::LoopbackTls => self.roots.get(&self.network).await?,
            Lane::Loopback => Arc::new(RootCertStore::empty()),
        };
        let client = builder(lane, roots, &self.network)?.build();
        client.map_err(|error| unbuilt(innermost(&error)))
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
        let proxy = self.network.proxy_of(&url);
        if let Some(why) = proxy.and_then(unusable_proxy) {
            return Err(why);
        }
        // Over https, and behind a proxy of SOCKS, every answer is the provider's own.
        let heard = proxy.filter(|proxy| url.scheme() == "http" && proxy.speaks_http());
        let body = MarkedBody::new(request.body.clone().into_bytes(), mark.clone());
        let client = self.client(Lane::to(&url)).await?;
        let mut sending =
            pin!(client.post(url).headers(headers).body(::reqwest::Body::wrap(body)).send());
        let mut pace = Pace::default();
        let response = poll_fn(|context| {
            let polled = sending.as_mut().poll(context);
            pace.keep(context, polled)
        });
        let response = response.await.map_err(|error| no_response(error, proxy))?;
        if let Some(why) = heard.and_then(|proxy| unanswered_proxy(response.status(), proxy)) {
            return Err(why);
        }
        let (head, body) = http::Response::from(response).into_parts();
        let trailers = Trailers::default();
        let chunks = frames::chunks(body, trailers.clone()).map_err(body_ended);
        let (mut chunks, mut pace) = (Box::pin(chunks), Pace::default());
        let chunks = stream::poll_fn(move |context| {
            let polled = chunks.as_mut().poll_next(context);
            pace.keep(context, polled)
        });
        let body = Body::from_stream(chunks).with_trailers(trailers);
        Ok(HttpResponse { status: head.status, headers: head.headers, body })
    }

    fn needs_isolation(&self) -> bool {
        false
    }
}

/// The kind of a connection, by where it leads. Each kind has a client with its own settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Connections to other machines, through the proxies of the network's settings; they trust its
    /// roots.
    Remote,
    /// Connections to this machine without TLS. `HTTP_PROXY` must not capture them, and the files
    /// that hold the roots need not be read.
    Loopback,
    /// Connections to this machine with TLS, without proxies; they trust the same roots.
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

fn builder(
    lane: Lane,
    roots: Arc<RootCertStore>,
    network: &Arc<Network>,
) -> Result<ClientBuilder, TransportError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(roots)?)
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
        Lane::Remote => with_proxies(builder, network).pool_idle_timeout(REMOTE_IDLE),
        Lane::Loopback | Lane::LoopbackTls => builder.no_proxy().pool_idle_timeout(LOOPBACK_IDLE),
    })
}

/// Adds the proxies that variables name. Where none does, the settings of macOS and Windows hold
/// for the process's own environment; other systems have none.
fn with_proxies(builder: ClientBuilder, network: &Arc<Network>) -> ClientBuilder {
    let has_settings = cfg!(any(target_os = "macos", windows)) && network.heeds_system();
    match network.names_no_proxy() {
        true if has_settings => builder,
        true => builder.no_proxy(),
        false => {
            let network = Arc::clone(network);
            let proxy = move |url: &Url| network.proxy_of(url)?.url.clone().ok();
            builder.proxy(Proxy::custom(proxy))
        }
    }
}

fn unbuilt(cause: impl fmt::Display) -> TransportError {
    not_sent(format!("cannot set up HTTP: {cause}"))
}

/// Returns the TLS configuration that trusts `roots`. It is the gateway's own, because a library
/// should neither install a process default nor need one.
fn tls(roots: Arc<RootCertStore>) -> Result<ClientConfig, TransportError> {
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

#[cfg(test)]
mod hermetic_tests;
#[cfg(test)]
mod network_tests;
#[cfg(test)]
mod tests;
