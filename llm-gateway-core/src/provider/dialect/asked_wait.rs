//! The wait that the body of an error asks for, wherever a proxy's wrapping puts it.
//!
//! Google states it as `retryDelay` in a list of details (<https://google.aip.dev/193>,
//! `RetryInfo`), other APIs as `retry_after` or `retry_after_seconds`, and OpenRouter passes on the
//! headers of the provider behind it
//! (<https://openrouter.ai/docs/api/reference/errors-and-debugging>). Proxies put all of these into
//! lists, objects and texts of their own, so every part of an error is searched.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::json;
use crate::provider::wait::seconds;

/// The deepest nesting at which an error is searched for a wait.
const DEEPEST: usize = 12;

/// The longest body that is searched for a wait, in bytes. Errors are shorter, and a whole answer
/// that mentions retries should not be read twice.
const LONGEST_BODY: usize = 64 * 1024;

/// The wait that a body asks for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct AskedWait {
    /// The longest wait that a field or a header states as a number or a date.
    pub(crate) stated: Option<Duration>,
    /// Headers of a provider behind a proxy, which the proxy put into the body.
    pub(crate) headers: HeaderMap,
}

impl AskedWait {
    /// Searches an error object, or the whole body that holds it, for a wait.
    pub(crate) fn of(error: &Value) -> Self {
        let mut found = Self::default();
        found.search(error, 0);
        found
    }

    /// Searches the body of a response or the data of an event for a wait. A body without the words
    /// for a wait is not parsed.
    pub(super) fn in_body(body: &[u8]) -> Self {
        if body.len() > LONGEST_BODY {
            return Self::default();
        }
        let mentions = |word: &[u8]| body.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
        let is_worth_it = mentions(b"retry") || mentions(b"ratelimit");
        let value = is_worth_it.then(|| json::read::<Value>(body).ok()).flatten();
        value.map(|value| Self::of(&value)).unwrap_or_default()
    }

    /// Adds the wait that another part of the same answer asks for. The longer wait counts.
    #[must_use]
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.stated = self.stated.max(other.stated);
        self.headers.extend(other.headers);
        self
    }

    fn search(&mut self, value: &Value, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.search(item, depth + 1)),
            Value::String(text) => {
                if let Some(document) = document_in(text) {
                    self.search(&document, depth + 1);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (wait_of(name, value), name.as_str(), value) {
                        (Some(wait), ..) => self.stated = self.stated.max(Some(wait)),
                        (None, "headers", Value::Object(headers)) => {
                            self.headers.extend(headers_of(headers));
                        }
                        (None, ..) => self.search(value, depth + 1),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Returns the wait that a field states, if its name is one that states waits.
fn wait_of(name: &str, value: &Value) -> Option<Duration> {
    let name: String = name.chars().filter(char::is_ascii_alphabetic).collect();
    let in_milliseconds = match name.to_ascii_lowercase().as_str() {
        "retrydelay" | "retryafter" | "retryafters" | "retryafterseconds" => false,
        "retryafterms" | "retryaftermilliseconds" => true,
        _ => return None,
    };
    let text = match value {
        Value::String(text) => text.trim().trim_end_matches('s').to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let wait = seconds(&text)?;
    Some(if in_milliseconds { wait / 1_000 } else { wait })
}

/// Returns the JSON document in a text, which may follow a sentence.
fn document_in(text: &str) -> Option<Value> {
    let (start, end) = (text.find(['{', '['])?, text.rfind(['}', ']'])?);
    json::read(text.get(start..=end)?.as_bytes()).ok()
}

fn headers_of(headers: &Map<String, Value>) -> HeaderMap {
    let header = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::try_from(text).ok()?))
    };
    headers.iter().filter_map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Anthropic, Gemini, OpenAi, WireFormat};
    use super::*;

    const RETRY_INFO: &str = r#"{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down", "details": [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure"},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30.5s"}]}}"#;

    /// Returns an error in every wrapping that proxies were seen to use.
    fn wrappings(inner: &str) -> Vec<String> {
        let as_text = Value::from(inner).to_string();
        let behind = Value::from(format!("litellm.RateLimitError: GeminiException - {inner}"));
        vec![
            inner.to_owned(),
            format!("[{inner}]"),
            format!(r#"{{"errors": [{inner}]}}"#),
            format!(r#"{{"error": {as_text}}}"#),
            format!(r#"{{"error": {{"message": {behind}, "code": "429"}}}}"#),
            format!(
                r#"{{"error": {{"message": "upstream", "code": 429, "metadata": {{"raw": {as_text}}}}}}}"#
            ),
            format!(
                r#"{{"error": {{"message": "upstream", "code": 429, "metadata": {{"raw": {inner}}}}}}}"#
            ),
        ]
    }

    fn read(body: &str) -> [AskedWait; 3] {
        let body = body.as_bytes();
        [OpenAi::decode_error(body), Anthropic::decode_error(body), Gemini::decode_error(body)]
            .map(|report| report.unwrap_or_else(|| panic!("no error in it")).asked)
    }

    #[test]
    fn a_wait_is_found_in_every_wrapping() {
        for body in wrappings(RETRY_INFO) {
            for asked in read(&body) {
                assert_eq!(asked.stated, Some(Duration::from_millis(30_500)), "{body}");
            }
        }
    }

    #[test]
    fn a_wait_has_many_names() {
        for (field, expected_ms) in [
            (r#""retry_after": 7"#, Some(7_000)),
            (r#""retry_after": "7.5""#, Some(7_500)),
            (r#""retry_after_seconds": 2"#, Some(2_000)),
            (r#""retryAfter": "3s""#, Some(3_000)),
            (r#""Retry-After": "4""#, Some(4_000)),
            (r#""retry_after_ms": 250"#, Some(250)),
            (r#""retry_after": null"#, None),
            (r#""retry_after": "soon""#, None),
            (r#""retries": 4"#, None),
        ] {
            let expected = expected_ms.map(Duration::from_millis);
            for body in [
                format!(r#"{{"error": {{"message": "m", {field}}}}}"#),
                format!(r#"{{"error": {{"message": "m", "metadata": {{{field}}}}}}}"#),
                format!(r#"{{"error": {{"message": "m"}}, {field}}}"#),
            ] {
                assert_eq!(read(&body).map(|asked| asked.stated), [expected; 3], "{body}");
            }
        }
    }

    #[test]
    fn the_headers_behind_a_proxy_are_kept() {
        let body = r#"{"error": {"code": 429, "message": "m", "metadata": {"headers": {
            "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": 1741305600000}}}}"#;
        for asked in read(body) {
            assert_eq!(asked.headers["x-ratelimit-reset"], "1741305600000");
        }
    }
}
