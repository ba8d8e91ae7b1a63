//! The hosts that are reached without a proxy, which `NO_PROXY` lists.
//!
//! An entry is `*`, a host, a host with its subdomains (`.example.com`, `*.example.com`, and as in
//! curl `example.com` too), an address, or a network (`10.0.0.0/8`). An entry with a port applies
//! to that port alone, as in Go. Entries are separated by commas or blanks.

use std::net::IpAddr;

use url::{Host, Url};

use crate::model::{StandIn, has_variable, unusable};

use super::NetworkRemark;

/// The hosts that a variable exempts from the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exempt {
    pub(crate) name: &'static str,
    entries: Vec<Entry>,
    /// Whether there is an entry that no host can fit.
    has_unfit: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// A domain and all below it, in lower case.
    Domain(String),
    /// The addresses whose first bits are those of this address; the number counts the bits.
    Network(IpAddr, u32),
}

impl Exempt {
    /// Reads the value of the variable `name`.
    pub(super) fn of(name: &'static str, text: &str) -> Self {
        let (mut entries, mut has_unfit) = (Vec::new(), false);
        let is_between = |c: char| c.is_whitespace() || [',', ';'].contains(&c);
        let written = text.split(is_between).filter(|entry| !entry.is_empty());
        for entry in written {
            match Entry::read(entry) {
                Some(entry) => entries.push(entry),
                None => has_unfit = true,
            }
        }
        has_unfit |= matches!(unusable(text), Some(StandIn::Unfilled));
        Self { name, entries, has_unfit }
    }

    /// Returns whether a request to `url` goes without a proxy.
    pub(super) fn covers(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let fits = |entry: &Entry| entry.port.is_none() || entry.port == port;
        self.entries.iter().any(|entry| fits(entry) && entry.hosts.hold(url))
    }

    /// Returns a remark about the variable if one of its entries matches no host.
    pub(super) fn remark(&self) -> Option<NetworkRemark> {
        self.has_unfit.then(|| NetworkRemark {
            message: format!("{} has an entry that no host can fit", self.name),
            hint: "write hosts, such as .example.com or 10.0.0.0/8, with commas between them",
        })
    }
}

impl Entry {
    /// Reads an entry; `None` if no host can fit it.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim_matches(['"', '\'']);
        if text.starts_with('*') && text.trim_start_matches('*').is_empty() {
            return Some(Self { hosts: Hosts::All, port: None });
        }
        if let Some(hosts) = network(text) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
            None => (text, None),
        };
        let hosts = network(host).or_else(|| domain(host))?;
        Some(Self { hosts, port })
    }
}

/// Reads an address, in brackets or not, or a network.
fn network(text: &str) -> Option<Hosts> {
    let bare = |text: &str| {
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(text).parse::<IpAddr>().ok()
    };
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (bare(address)?, bits.parse().ok()?),
        None => (bare(text)?, u32::MAX),
    };
    let width = if address.is_ipv4() { 32 } else { 128 };
    let is_whole = bits == u32::MAX;
    (is_whole || bits <= width).then(|| Hosts::Network(address, bits.min(width)))
}

/// Reads a domain.
fn domain(text: &str) -> Option<Hosts> {
    let domain = text.strip_prefix('*').unwrap_or(text);
    let domain = domain.strip_prefix('.').unwrap_or(domain).trim_end_matches('.');
    if domain.contains('*') || has_variable(domain) {
        return None;
    }
    // As the parser of URLs writes a host, so that international names fit.
    let host = Url::parse(&format!("http://{domain}/")).ok()?;
    let is_host = host.path() == "/" && host.port().is_none() && host.username().is_empty();
    let host = host.host_str().filter(|_| is_host && !domain.contains(['/', ':', '@']))?;
    // `127.1` and `0x7f.1` are addresses too.
    network(host).or_else(|| Some(Hosts::Domain(host.to_owned())))
}

impl Hosts {
    /// Returns whether the host of a URL is among them.
    fn hold(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        match (self, address) {
            (Self::All, _) => true,
            (Self::Network(network, bits), Some(address)) => {
                shares_bits(*network, address.to_canonical(), *bits)
            }
            (Self::Domain(domain), None) => {
                let host = url.host_str().unwrap_or_default().trim_end_matches('.');
                let below = host.strip_suffix(domain.as_str());
                below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
            }
            (Self::Network(..), None) | (Self::Domain(_), Some(_)) => false,
        }
    }
}

/// Returns whether two addresses of one kind have their first `bits` bits in common.
fn shares_bits(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    let (one, other, width) = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (u128::from(one.to_bits()), u128::from(other.to_bits()), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let rest = width - bits.min(width);
    (one ^ other).checked_shr(rest).unwrap_or(0) == 0
}
