//! Checks the URL and the headers of a request against what the protocol allows.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{Finding, MOST_REQUEST_FINDINGS};
use crate::certificate::recorded::RecordedRequest;

/// The characters to escape in a path segment: all but the unreserved ones of RFC 3986, section
/// 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the model's id as one segment of a path.
pub(super) fn segment(model: &str) -> String {
    utf8_percent_encode(model, RESERVED).to_string()
}

/// Checks that the URL is the declared base URL and one of the format's paths, to the byte.
pub(super) fn stray_url(
    request: &RecordedRequest,
    base_url: &str,
    paths: &[String],
) -> Option<Finding> {
    let behind = request.url.strip_prefix(base_url);
    let known = behind.is_some_and(|path| paths.iter().any(|known| known == path));
    let what = "is not the declared base and the path of the declared model";
    let rest = behind.and_then(|behind| paths.iter().find_map(|path| behind.strip_prefix(&**path)));
    let text = || percent_decode_str(rest.unwrap_or(&request.url)).decode_utf8_lossy();
    (!known).then(|| Finding::new("url", what).holding(text()))
}

/// Checks that each header is on the short list, has a value that the protocol knows, and occurs
/// once.
pub(super) fn stray_headers(request: &RecordedRequest) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let mut stray = |(name, value): &(String, String)| {
        let is_new = seen.insert(name.clone());
        let what = match is_known(name, value) {
            None => "is no header of the protocol",
            Some(false) => "has a value that is not of the protocol",
            Some(true) if is_new => return None,
            Some(true) => "is there twice",
        };
        let shown: String = name.chars().take(64).collect();
        Some(Finding::new(format!("header {shown}"), what).holding(format!("{name} {value}")))
    };
    request.headers.iter().filter_map(&mut stray).take(MOST_REQUEST_FINDINGS).collect()
}

/// Returns whether the header may have this value; `None` for an unknown header.
fn is_known(name: &str, value: &str) -> Option<bool> {
    match name {
        "content-type" => Some(value == "application/json"),
        "accept" => Some(["application/json", "text/event-stream"].contains(&value)),
        // A version is a date: <https://platform.claude.com/docs/en/api/versioning>.
        "anthropic-version" => {
            let digit_or_dash = |byte: u8| byte.is_ascii_digit() || byte == b'-';
            Some(value.len() == 10 && value.bytes().all(digit_or_dash))
        }
        _ => None,
    }
}
