//! Writes the errors of failures below HTTP, with the progress that the request had made.

use std::error::Error;
use std::io;
use std::iter;

use http::StatusCode;

use crate::error::{has_no_descriptor, is_own_want};
use crate::network::{PROXY_FORMS, ProxyVariable};
use crate::runtime::NO_DRIVER_HINT;
use crate::transport::{Phase, TransportError};

use super::CONNECT_TIMEOUT;

/// The words with which hyper says that a proxy answered 407 to CONNECT. Their type is not public.
const UNAUTHORIZED_TUNNEL: &str = "tunnel error: proxy authorization required";

pub(super) fn not_sent(message: impl Into<String>) -> TransportError {
    TransportError::new(Phase::Connect, message)
}

/// Returns the failure of a request on a runtime that cannot carry it.
pub(super) fn unusable_runtime(error: crate::error::Error) -> TransportError {
    TransportError::new(Phase::Setting, error.message()).with_hint(NO_DRIVER_HINT)
}

/// Returns the failure of a request through a proxy that cannot be used.
pub(super) fn unusable_proxy(proxy: &ProxyVariable) -> Option<TransportError> {
    let why = proxy.url.as_ref().err()?;
    let message = format!("its proxy cannot be used: {}: {why}", proxy.name);
    Some(TransportError::new(Phase::Setting, message).with_hint(PROXY_FORMS))
}

/// Returns the failure of a request that its proxy wants a user name and a password for, and not
/// its provider.
pub(super) fn unanswered_proxy(
    status: StatusCode,
    proxy: &ProxyVariable,
) -> Option<TransportError> {
    (status == StatusCode::PROXY_AUTHENTICATION_REQUIRED).then(|| other_password(proxy))
}

fn other_password(proxy: &ProxyVariable) -> TransportError {
    let name = proxy.name;
    let message = format!("its proxy wants a user name and a password other than {name} has");
    TransportError::new(Phase::Setting, message).with_hint(PROXY_FORMS)
}

/// Returns the failure of a request without a response. A connect that failed names the variable of
/// its proxy, if it has one: it may be the proxy that could not be reached.
pub(super) fn no_response(
    error: ::reqwest::Error,
    proxy: Option<&ProxyVariable>,
) -> TransportError {
    let mut failure = failure_of(error.without_url());
    if let Some(proxy) = proxy.filter(|_| failure.message == UNAUTHORIZED_TUNNEL) {
        return other_password(proxy);
    }
    if let (Some(proxy), Phase::Connect) = (proxy, failure.phase) {
        failure.message = format!("through the proxy of {}: {}", proxy.name, failure.message);
    }
    failure
}

fn failure_of(error: ::reqwest::Error) -> TransportError {
    if let Some(want) = out_of_resources(&error) {
        return want;
    }
    if causes(&error).filter_map(|cause| cause.downcast_ref()).any(is_sent_back) {
        return TransportError::new(Phase::Refused, innermost(&error));
    }
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

pub(super) fn body_ended(error: ::reqwest::Error) -> TransportError {
    let error = error.without_url();
    let message =
        if error.is_timeout() { "the connection timed out".to_owned() } else { innermost(&error) };
    TransportError::new(Phase::Body, message)
}

/// Returns the failure of a connect for which this process had no descriptor or no memory left;
/// `None` for any other failure.
fn out_of_resources(error: &::reqwest::Error) -> Option<TransportError> {
    let mut in_chain = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    let is_want = in_chain.any(is_own_want)
        // A resolver that cannot open its files mostly says that the name does not resolve.
        || (error.is_dns() && has_no_descriptor());
    let is_want = is_want && (error.is_connect() || error.is_dns());
    is_want.then(|| TransportError::new(Phase::OutOfResources, innermost(error)))
}

/// Returns whether a server sent a request of HTTP/2 back before it looked at it: by REFUSED_STREAM,
/// or by a GOAWAY whose last stream is an earlier one, as all are that fail a stream
/// (<https://www.rfc-editor.org/rfc/rfc9113#section-8.7>).
fn is_sent_back(error: &h2::Error) -> bool {
    let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (is_refused || error.is_go_away())
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
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> + Clone {
    iter::successors(Some(error), |&cause: &&'a (dyn Error + 'static)| cause.source())
}
