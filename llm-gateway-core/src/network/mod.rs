//! The settings of the network, as the process's variables have them: which proxy a request goes
//! through, which hosts it goes to without one, and which certificates are trusted.
//!
//! Here a value is read, and what cannot be used is said in plain words. Nothing is opened and
//! nothing is sent. A setting that cannot be used is never passed over: who set a proxy does not
//! want requests to go around it.

mod certificates;
mod exempt;
mod proxy;

use url::Url;

use crate::environment::Environment;
use crate::model::is_loopback;

pub(crate) use certificates::{CertificatePlace, CertificatePlaces};
use exempt::Exempt;
use proxy::proxy_url;
pub(crate) use proxy::shown;

/// What a proxy's variable may hold.
pub(crate) const PROXY_FORMS: &str = "write http://, https://, socks5:// or socks5h://, then host \
    and port; or take the variable away to go without a proxy";

/// A proxy, or why there is none, and the variable that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProxyVariable {
    pub(crate) name: &'static str,
    /// The URL, user name and password included; else what is wrong, which shows nothing of them.
    pub(crate) url: Result<Url, String>,
}

/// Something about a variable of the network that its user should know.
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
        let http = http.filter(|(name, _)| {
            if is_forged(*name) {
                remarks.push(NetworkRemark {
                    message: "HTTP_PROXY is not used, because REQUEST_METHOD is set too".to_owned(),
                    hint: "where a web server starts programs, http_proxy is read in its place",
                });
            }
            !is_forged(*name)
        });
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
        Self { http, https, exempt, certificates, remarks }
    }

    /// Returns what the user should know of the variables of proxies.
    pub(crate) fn remarks(&self) -> &[NetworkRemark] {
        &self.remarks
    }

    /// Returns whether no variable names a proxy, so that the system's settings hold.
    pub(crate) fn names_no_proxy(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Returns the variable that decides through which proxy a request to `url` goes; `None` if it
    /// goes to its host at once. What leads to this machine always does.
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

/// Returns the variable that counts of two that mean the same, with its value: as in curl, the one
/// in lower case. Two that differ are told.
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

/// Returns what is wrong with the proxy of these calls, if it cannot be used.
fn fault(variable: &ProxyVariable, calls: &str) -> Option<NetworkRemark> {
    let why = variable.url.as_ref().err()?;
    let message = format!("{}: {why}, so {calls} to other machines fail", variable.name);
    Some(NetworkRemark { message, hint: PROXY_FORMS })
}

#[cfg(test)]
mod tests;
