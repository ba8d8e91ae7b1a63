//! Describes the proxies and certificates that variables name, without user names and passwords.

use std::fmt;

use serde::Serialize;

use crate::network::{CertificatePlace, Network, ProxyVariable, shown};

/// The proxies of requests to other machines. Requests to this machine go through none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProxiesDescription {
    /// The proxy of requests over https; absent if such requests use no proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<ProxyDescription>,
    /// The proxy of requests over plain http; absent if such requests use no proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<ProxyDescription>,
    /// The name of the variable that lists hosts which are reached without a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<&'static str>,
}

/// A proxy that a variable names, or the reason why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProxyDescription {
    /// The name of the variable.
    pub variable: &'static str,
    /// Scheme, host and port of the proxy; absent where the proxy cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The reason why the proxy cannot be used; absent where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// A file or a directory of certificates that are trusted in place of the system's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CertificatesDescription {
    /// The name of the variable.
    pub variable: &'static str,
    /// The path; absent where the variable's value is no path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why the variable's value is no usable path; absent if it is one. Nothing is opened to find
    /// out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<&'static str>,
}

impl ProxiesDescription {
    /// Describes the proxies of a network; `None` where variables name none.
    pub(crate) fn of(network: &Network) -> Option<Self> {
        let [https, http] = [&network.https, &network.http];
        let described = |variable: &Option<_>| variable.as_ref().map(ProxyDescription::of);
        (!network.names_no_proxy()).then(|| Self {
            https: described(https),
            http: described(http),
            exceptions: network.exempt.as_ref().map(|exempt| exempt.name),
        })
    }
}

impl ProxyDescription {
    fn of(variable: &ProxyVariable) -> Self {
        Self {
            variable: variable.name,
            url: variable.url.as_ref().ok().map(shown),
            unusable: variable.url.as_ref().err().cloned(),
        }
    }
}

impl CertificatesDescription {
    /// Describes the certificates that the variables of a network name.
    pub(crate) fn all(network: &Network) -> Vec<Self> {
        network.certificates.all().map(Self::of).collect()
    }

    fn of(place: &CertificatePlace) -> Self {
        Self {
            variable: place.variable,
            path: place.path.as_ref().ok().map(|path| path.display().to_string()),
            unusable: place.path.as_ref().err().copied(),
        }
    }
}

/// Shows the proxies in one line.
impl fmt::Display for ProxiesDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.https, &self.http) {
            (Some(https), Some(http)) if https == http => write!(f, "{https}")?,
            (https, http) => {
                let of = |scheme, proxy: &Option<ProxyDescription>| {
                    proxy.as_ref().map(|proxy| format!("{scheme} by {proxy}"))
                };
                let both = [of("https", https), of("http", http)];
                f.write_str(&both.into_iter().flatten().collect::<Vec<_>>().join("; "))?;
            }
        }
        f.write_str("; never to this machine")?;
        match self.exceptions {
            Some(variable) => write!(f, " and to hosts of {variable}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ProxyDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.url {
            Some(url) => write!(f, "{url} ({})", self.variable),
            None => write!(f, "none: {} cannot be used", self.variable),
        }
    }
}

impl fmt::Display for CertificatesDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path} ({})", self.variable),
            None => write!(f, "none: {} cannot be used", self.variable),
        }
    }
}
