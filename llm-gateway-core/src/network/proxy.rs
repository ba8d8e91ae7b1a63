//! Reads the address of a proxy as people write it.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::credential::Secret;
use crate::model::{KeyKind, has_variable, host_fault, is_unfilled, unusable};

/// The schemes of proxies that can be used, each with its default port.
const KINDS: [(&str, u16); 6] = [
    ("http", 80),
    ("https", 443),
    ("socks5", 1080),
    ("socks5h", 1080),
    ("socks4", 1080),
    ("socks4a", 1080),
];

/// The longest scheme that is shown. A longer one is no scheme, and may be a secret.
const LONGEST_SCHEME: usize = 10;

/// The most bytes of a user name or password in SOCKS 5 (<https://www.rfc-editor.org/rfc/rfc1929>). A
/// longer one would be cut without a word.
const LONGEST_OF_SOCKS5: usize = 255;

/// Returns the URL of a proxy, with its port. An address without a scheme counts as http, as it
/// does in curl; a path after the host is left out.
///
/// # Errors
/// Fails with a description of the fault that contains neither user name nor password.
pub(super) fn proxy_url(text: &str) -> Result<Url, String> {
    if let Some(stands_in) = unusable(text) {
        return Err(stands_in.fault().to_owned());
    }
    let (scheme, behind) = match text.split_once("://") {
        Some((scheme, behind)) => (known_scheme(scheme)?, behind),
        None => (KINDS[0], text),
    };
    let (scheme, usual_port) = scheme;
    let (authority, rest) =
        behind.split_at(behind.find(['/', '\\', '?', '#']).unwrap_or(behind.len()));
    if rest.contains('@') {
        return Err("its user name or password holds a sign that is not percent-encoded".to_owned());
    }
    let (user_info, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let user_info = checked_user_info(user_info, scheme)?;
    if has_variable(address) {
        return Err("it holds the name of a variable in place of its value".to_owned());
    }
    if let Some(why) = host_fault(address) {
        return Err(why.to_owned());
    }
    // The scheme's own port would be left out by the parser.
    let (host, port) = host_and_port(address);
    let port = match port.map(str::parse) {
        None => usual_port,
        Some(Ok(port)) if port > 0 => port,
        Some(_) => return Err("its port is no number from 1 to 65535".to_owned()),
    };
    // The parser of http makes any host what is looked up.
    let parsed = Url::parse(&format!("http://{host}/"));
    let host = parsed.ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.ok_or_else(|| "it has no valid host".to_owned())?;
    let url = format!("{scheme}://{user_info}{host}:{port}");
    let is_uri = url.parse::<http::Uri>().is_ok_and(|uri| uri.authority().is_some());
    Url::parse(&url).ok().filter(|_| is_uri).ok_or_else(|| "it is no URL".to_owned())
}

/// Returns the scheme, host and port of a proxy, which are the only parts that may be shown.
pub(crate) fn shown(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// Returns what a proxy's variable keeps secret: the password, alone and behind its user name as a
/// header carries it; where there is none, the user name, which may be a token. What is a mere word
/// is none of these alone, because answers have words of their own.
pub(super) fn passwords(url: &Url) -> Vec<Secret> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = decoded(url.username());
    let (alone, in_header) = match url.password().map(decoded) {
        Some(password) => (password.clone(), Some(format!("{user}:{password}"))),
        None => (user, None),
    };
    let alone = Some(alone).filter(|it| KeyKind::of(it) == KeyKind::Secret);
    alone.into_iter().chain(in_header).map(Secret::new).collect()
}

/// Returns a scheme that can be used, and its usual port.
fn known_scheme(written: &str) -> Result<(&'static str, u16), String> {
    let scheme = written.to_ascii_lowercase();
    if let Some(known) = KINDS.iter().find(|(known, _)| *known == scheme) {
        return Ok(*known);
    }
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.len() <= LONGEST_SCHEME
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    Err(match is_scheme {
        true => format!("a proxy of the kind `{scheme}` cannot be used"),
        false => "it is no URL".to_owned(),
    })
}

/// Returns the user name and password of a proxy as they stand in its URL; empty if there are none.
fn checked_user_info(text: &str, scheme: &str) -> Result<String, String> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    if user.is_empty() && password.is_empty() {
        return Ok(String::new());
    }
    if scheme.starts_with("socks4") {
        return Err(format!("{scheme} takes no user name and no password"));
    }
    // A password may be any word; what is filled in has brackets or signs around it.
    let is_word = |part: &str| part.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '*');
    if [user, password].into_iter().any(|part| is_unfilled(part) && !is_word(part)) {
        return Err("its user name or password holds what somebody was to fill in".to_owned());
    }
    if [user, password].into_iter().any(|part| !is_decodable(part)) {
        return Err("its user name or password is not percent-encoded".to_owned());
    }
    let is_long = |part| percent_decode_str(part).count() > LONGEST_OF_SOCKS5;
    if scheme.starts_with("socks5") && [user, password].into_iter().any(is_long) {
        return Err(format!(
            "{scheme} takes {LONGEST_OF_SOCKS5} bytes of a name or password at most"
        ));
    }
    Ok(format!("{text}@"))
}

/// Returns whether a text is percent-encoded UTF-8: each `%` is followed by two digits.
fn is_decodable(text: &str) -> bool {
    let is_encoded = |part: &str| {
        let mut bytes = part.bytes();
        let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        digit() && digit()
    };
    let visible = !text.contains(|c: char| c.is_control() || c.is_whitespace());
    visible
        && text.split('%').skip(1).all(is_encoded)
        && percent_decode_str(text).decode_utf8().is_ok()
}

/// Returns the host of an address and its port as it is written.
fn host_and_port(address: &str) -> (&str, Option<&str>) {
    let behind_host = address.rfind(']').map_or(0, |at| at + 1);
    match address.get(behind_host..).and_then(|rest| rest.find(':')) {
        Some(at) => {
            let (host, port) = address.split_at(behind_host + at);
            (host, port.strip_prefix(':'))
        }
        None => (address, None),
    }
}
