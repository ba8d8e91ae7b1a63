//! Leaves credentials out of a request or a response that is recorded, by the names of their
//! places: headers such as `authorization`, parameters of a URL such as `key`, and the user info of
//! a URL.
//!
//! Keys that are known are found by their value, wherever they are; see the scrubber. A name also
//! finds a key that nobody told the gateway.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};

use super::{HttpRequest, REDACTED};

/// The last words of names under which credentials travel: `proxy-authorization`, `set-cookie`,
/// `access_token`.
const LAST_WORDS: [&str; 16] = [
    "accesstoken",
    "assertion",
    "auth",
    "authentication",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "sessionid",
    "sig",
    "signature",
    "token",
];

/// The ends of names of keys that are credentials, without what separates their words. Other keys
/// are none: an `idempotency-key` names a try, and an `x-litellm-cache-key` an answer.
const KEYS: [&str; 10] = [
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "functionskey",
    "masterkey",
    "privatekey",
    "secretkey",
    "sharedkey",
    "subscriptionkey",
];

/// Returns whether a value of this name is a credential. Case does not count.
fn names_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
    let joined: String = words().collect();
    let is_key = joined == "key" || KEYS.iter().any(|key| joined.ends_with(key));
    is_key || words().next_back().is_some_and(|word| LAST_WORDS.contains(&word))
}

/// Returns the headers with [`REDACTED`] in place of credentials: the values under a name of one,
/// and those that are marked as sensitive.
pub(super) fn without_credentials(headers: &HeaderMap) -> HeaderMap {
    let mut shown = headers.clone();
    for (name, value) in headers {
        if value.is_sensitive() || names_credential(name.as_str()) {
            // All values of the name, because their order would tell which one was sensitive.
            shown.insert(name.clone(), HeaderValue::from_static(REDACTED));
        }
    }
    shown
}

impl HttpRequest {
    /// Returns the request as a record shows it: without the credentials that its headers and its
    /// URL carry.
    pub(crate) fn without_credentials(&self) -> Self {
        let url = url_without_credentials(&self.url).into_owned();
        Self { url, headers: without_credentials(&self.headers), body: self.body.clone() }
    }
}

/// Returns the URL without user info, and with [`REDACTED`] in place of parameters that are
/// credentials. Everything else stays byte for byte.
fn url_without_credentials(url: &str) -> Cow<'_, str> {
    let (rest, fragment) = split_before(url, '#');
    let (place, query) = split_before(rest, '?');
    let shown_place = without_user_info(place);
    let is_shown = |parameter: &str| {
        let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
        !names_credential(name)
    };
    let parameters = || query.trim_start_matches('?').split('&');
    if shown_place.len() == place.len() && (query.is_empty() || parameters().all(is_shown)) {
        return Cow::Borrowed(url);
    }
    let shown =
        parameters().map(|parameter| match (is_shown(parameter), parameter.split_once('=')) {
            (false, Some((name, _))) => Cow::Owned(format!("{name}={REDACTED}")),
            _ => Cow::Borrowed(parameter),
        });
    let shown: Vec<_> = shown.collect();
    let mark = if query.is_empty() { "" } else { "?" };
    Cow::Owned([&shown_place, mark, &shown.join("&"), fragment].concat())
}

/// Splits a text before the first `mark`; the second part is empty if there is none.
fn split_before(text: &str, mark: char) -> (&str, &str) {
    text.find(mark).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

/// Returns the part of a URL before its query without `user:password@`.
fn without_user_info(place: &str) -> String {
    let Some((scheme, rest)) = place.split_once("//") else { return place.to_owned() };
    let (authority, path) = split_before(rest, '/');
    match authority.rsplit_once('@') {
        Some((_, host)) => [scheme, "//", host, path].concat(),
        None => place.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_a_credential() {
        for name in [
            "authorization",
            "Proxy-Authorization",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "cookie",
            "set-cookie",
            "x-auth-token",
            "private-token",
            "x-amz-security-token",
            "Ocp-Apim-Subscription-Key",
            "x-functions-key",
            "x-portkey-api-key",
            "apikey",
            "x_client_secret",
            "X-Amz-Signature",
            "x-password-",
            "key",
        ] {
            assert!(names_credential(name), "{name}");
        }
        for name in [
            "content-type",
            "anthropic-version",
            "idempotency-key",
            "x-ratelimit-remaining-tokens",
            "anthropic-ratelimit-output-tokens",
            "x-request-id",
            "keyboard",
            "x-litellm-cache-key",
            "surrogate-key",
            "x-litellm-key-spend",
            "alt",
            "",
            "--",
            "é",
        ] {
            assert!(!names_credential(name), "{name}");
        }
    }

    #[test]
    fn a_url_loses_its_credentials_and_nothing_else() {
        for (url, shown) in [
            ("https://h/v1/x?alt=sse", "https://h/v1/x?alt=sse"),
            ("https://h/v1/x?alt=sse&key=abc&b=1#f", "https://h/v1/x?alt=sse&key=[redacted]&b=1#f"),
            (
                "https://h/?API_KEY=a&access_token=b",
                "https://h/?API_KEY=[redacted]&access_token=[redacted]",
            ),
            ("https://u:p@h:1/v1?a", "https://h:1/v1?a"),
            ("https://u:p@q@h/v1", "https://h/v1"),
            ("https://h/a@b/c", "https://h/a@b/c"),
            ("https://h?key=a=b", "https://h?key=[redacted]"),
            ("https://h/?key", "https://h/?key"),
            ("unix:/socket", "unix:/socket"),
            ("", ""),
            ("?", "?"),
            ("#?key=1", "#?key=1"),
            ("https://h/ü?tökén=ä&sig=ü", "https://h/ü?tökén=ä&sig=[redacted]"),
            ("https://h/v1?max_tokens=5", "https://h/v1?max_tokens=5"),
        ] {
            assert_eq!(url_without_credentials(url), shown, "{url}");
        }
    }

    #[test]
    fn every_value_of_a_header_goes_and_sensitive_ones_whatever_their_name() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1"));
        headers.append("cookie", HeaderValue::from_static("b=2"));
        headers.append("accept", HeaderValue::from_static("text/plain"));
        let mut marked = HeaderValue::from_static("secret");
        marked.set_sensitive(true);
        headers.append("x-house", marked);
        let shown = without_credentials(&headers);
        let shown: Vec<_> =
            shown.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let redacted = REDACTED.as_bytes();
        assert_eq!(
            shown,
            [("cookie", redacted), ("accept", &b"text/plain"[..]), ("x-house", redacted)]
        );
    }
}
