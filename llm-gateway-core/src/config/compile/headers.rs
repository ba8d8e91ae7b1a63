//! Compiles `providers.NAME.headers`: which names a policy may send, and what a value may hold.

use http::HeaderName;
use indexmap::IndexMap;

use crate::config::diagnostic::Collector;
use crate::config::node::{Node, PathStep};
use crate::model::{Dialect, ProviderHeader};

use super::header_value::parts;

/// Headers that belong to the connection, the key or the body, and never to a policy. The header
/// that asks for compressed bodies is among them, because bodies are recorded as they arrive.
const NEVER: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "host",
    "connection",
    "proxy-connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "accept-encoding",
];

/// Headers that a dialect sets itself.
fn of_dialect(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::OpenAi | Dialect::Own => &[],
        Dialect::Anthropic => &["x-api-key", "anthropic-version"],
        Dialect::Gemini => &["x-goog-api-key"],
    }
}

/// Returns the headers of a provider. A header with an error is reported and left out. `path` leads
/// to the provider's headers in the file.
pub(super) fn headers(
    rows: Option<&IndexMap<String, String>>,
    (root, path): (&Node, &[PathStep<'_>]),
    dialect: Option<Dialect>,
    problems: &mut Collector<'_>,
) -> Vec<ProviderHeader> {
    let mut headers: Vec<ProviderHeader> = Vec::new();
    for (name, value) in rows.into_iter().flatten() {
        let path = [path, &[PathStep::Key(name)]].concat();
        let name = match checked_name(name, dialect) {
            Ok(name) if headers.iter().any(|header| header.name == name) => {
                let message = format!("the header `{name}` stands here twice");
                problems.error(root.key_place_of(&path), message, "names have no case: keep one");
                continue;
            }
            Ok(name) => name,
            Err((message, hint)) => {
                problems.error(root.key_place_of(&path), message, hint);
                continue;
            }
        };
        match parts(value) {
            Ok(value) => headers.push(ProviderHeader::new(name, value)),
            // The value may be a key, so neither the message nor the snippet shows it.
            Err((why, hint)) => {
                let message = format!("the value of `{name}` {why}");
                problems.error_hidden(root.place_of(&path), &message, hint);
            }
        }
    }
    headers
}

/// Checks the name of a header.
///
/// # Errors
/// Fails with what is wrong and what would be right.
fn checked_name(
    name: &str,
    dialect: Option<Dialect>,
) -> Result<HeaderName, (String, &'static str)> {
    let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
        let message = format!("`{}` is not the name of a header", name.escape_debug());
        return Err((message, "write letters, digits and dashes, such as x-portkey-provider"));
    };
    let lower = header.as_str();
    if lower == "authorization" || lower == "proxy-authorization" {
        let message = format!("`{lower}` is not a header for a policy");
        return Err((message, "name the key's variable in `api_key_env`; the gateway sends it"));
    }
    let by_dialect = dialect.is_some_and(|dialect| of_dialect(dialect).contains(&lower));
    if by_dialect || NEVER.contains(&lower) || lower.starts_with("content-") {
        let message = format!("`{lower}` is set by the gateway itself");
        return Err((message, "leave it out"));
    }
    Ok(header)
}
