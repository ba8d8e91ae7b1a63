//! The settings of the network, read from the process's variables: the proxy that a request goes
//! through, the hosts that are reached without a proxy, and the certificates that are trusted.
//!
//! This module reads values and explains those that cannot be used. It opens nothing and sends
//! nothing. A setting that cannot be used is never ignored, because a user who sets a proxy does
//! not want requests to bypass it.

mod certificates;
mod exempt;
mod proxy;

use url::Url;

use crate::credential::Secret;
use crate::environment::Environment;
use crate::model::is_loopback;

pub(crate) use certificates::{CertificatePlace, CertificatePlaces};
use exempt::Exempt;
pub(crate) use proxy::shown;
use proxy::{passwords, proxy_url};

/// Advice on the values that a proxy's variable may have.
pub(crate) const PROXY_FORMS: &str = "write http://, https://, socks5://, socks5h:// or socks4://, \
    then host and port; or take the variable away to go without a proxy";

/// A variable that names a proxy, and the proxy that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProxyVariable {
    pub(crate) name: &'static str,
    /// The URL of the proxy with user name and password, or the reason why the value cannot be
    /// used. The reason contains neither of them.
    pub(crate) url: Result<Url, String>,
}

impl ProxyVariable {
    /// Returns whether the proxy speaks HTTP, and not SOCKS, which has no answers of its own.
    pub(crate) fn speaks_http(&self) -> bool {
        self.url.as_ref().is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    }
}

/// A remark about a variable of the network: a fault, or a value that has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkRemark {
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// The settings of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) http: Option<ProxyVariable>,
    pub(crate) https: Option<ProxyVariable>,
    /// The hosts that are reached without a proxy.
    pub(crate) exempt: Option<Exempt>,
    pub(crate) certificates: CertificatePlaces,
    /// Whether the settings were read from the process's own variables. Only then do the proxies of
    /// the system's settings apply, which cannot be asked for without those variables.
    is_of_process: bool,
    remarks: Vec<NetworkRemark>,
}

impl Network {
    /// Reads the settings of an environment.
    pub(crate) fn of(environment: &Environment) -> Self {
        let mut remarks = Vec::new();
        let mut chosen = |names| chosen(environment, names, &mut remarks);
        let http = chosen(["http_proxy", "HTTP_PROXY"]);
        let https = chosen(["https_proxy", "HTTPS_PROXY"]);
        let all = chosen(["all_proxy", "ALL_PROXY"]);
        let no = chosen(["no_proxy", "NO_PROXY"]);
        // A web server hands the header `Proxy` of a request down as this variable
        // (<https://httpoxy.org>), so programs that it starts do not read it.
        let is_forged = |name| name == "HTTP_PROXY" && environment.is_there("REQUEST_METHOD");
        let is_forged = http.is_some_and(|(name, _)| is_forged(name));
        let http = http.filter(|_| !is_forged);
        remarks.extend(is_forged.then(|| NetworkRemark {
            message: "HTTP_PROXY is not used, because REQUEST_METHOD is set too".to_owned(),
            hint: "where a web server starts programs, http_proxy is read in its place",
        }));
        let of_scheme = |own: Option<_>| own.or(all).map(proxy_variable);
        let (http, https) = (of_scheme(http), of_scheme(https));
        let exempt = no.map(|(name, text)| Exempt::of(name, text));
        remarks.extend(exempt.as_ref().and_then(Exempt::remark));
        match (&http, &https) {
            (Some(http), Some(https)) if http == https => remarks.extend(fault(http, "calls")),
            _ => {
                remarks.extend(http.iter().filter_map(|it| fault(it, "calls over plain http")));
                remarks.extend(https.iter().filter_map(|it| fault(it, "calls over https")));
            }
        }
        let certificates = CertificatePlaces::of(environment);
        let is_of_process = environment.is_of_process();
        Self { http, https, exempt, certificates, is_of_process, remarks }
    }

    /// Returns the remarks about the variables of proxies.
    pub(crate) fn remarks(&self) -> &[NetworkRemark] {
        &self.remarks
    }

    /// Returns the passwords of the proxies, which an answer may repeat and nobody may see.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let variables = self.http.iter().chain(&self.https);
        variables.filter_map(|it| it.url.as_ref().ok()).flat_map(passwords).collect()
    }

    /// Returns whether no variable names a proxy.
    pub(crate) fn names_no_proxy(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Returns whether the proxies of the system's settings apply, where no variable names one.
    pub(crate) fn heeds_system(&self) -> bool {
        self.is_of_process
    }

    /// Returns the variable of the proxy for a request to `url`; `None` if the request goes
    /// directly to its host. Requests to this machine always go directly.
    pub(crate) fn proxy_of(&self, url: &Url) -> Option<&ProxyVariable> {
        let host = url.host()?;
        let variable = match url.scheme() {
            "http" => self.http.as_ref(),
            _ => self.https.as_ref(),
        };
        let is_exempt = self.exempt.as_ref().is_some_and(|exempt| exempt.covers(url));
        variable.filter(|_| !is_loopback(&host) && !is_exempt)
    }
}

/// Returns which of two variables with the same meaning counts, and its value. As in curl, the name
/// in lower case wins. Adds a remark if the values differ.
fn chosen<'e>(
    environment: &'e Environment,
    [lower, upper]: [&'static str; 2],
    remarks: &mut Vec<NetworkRemark>,
) -> Option<(&'static str, &'e str)> {
    match (environment.written(lower), environment.written(upper)) {
        (Some(value), other) => {
            if other.is_some_and(|other| other != value) {
                let message = format!("{lower} and {upper} differ: {lower} counts");
                let hint = "take one of them away, or give both the same value";
                remarks.push(NetworkRemark { message, hint });
            }
            Some((lower, value))
        }
        (None, Some(value)) => Some((upper, value)),
        (None, None) => None,
    }
}

fn proxy_variable((name, text): (&'static str, &str)) -> ProxyVariable {
    ProxyVariable { name, url: proxy_url(text) }
}

/// Returns a remark about the proxy of these calls if the proxy cannot be used.
fn fault(variable: &ProxyVariable, calls: &str) -> Option<NetworkRemark> {
    let why = variable.url.as_ref().err()?;
    let message = format!("{}: {why}, so {calls} to other machines fail", variable.name);
    Some(NetworkRemark { message, hint: PROXY_FORMS })
}

#[cfg(test)]
mod tests;
