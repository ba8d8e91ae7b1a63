//! An error as a provider words it, whatever its shape.
//!
//! Half an answer must never pass for a whole one, so anything that stands where an error belongs
//! counts as one, whether it is understood or not. Which category an error has is decided in
//! [`dialect`](super).

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::provider::wait::seconds;

/// An error as a provider words it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorReport {
    /// The provider's names and numbers for the error, the most specific first.
    pub(crate) codes: Vec<String>,
    /// The provider's sentence about the error.
    pub(crate) message: Option<String>,
    /// The time that the body asks to wait before the next attempt.
    pub(crate) retry_after: Option<Duration>,
}

impl ErrorReport {
    /// Reads an error that is not JSON. A proxy's sentence is kept, its HTML page is not.
    pub(crate) fn from_text(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let message = (!text.is_empty() && !text.starts_with('<')).then(|| text.to_owned());
        Self { message, ..Self::default() }
    }

    /// Reads data that is known to be an error by the name of its event.
    pub(crate) fn from_named(data: &[u8]) -> Self {
        match serde_json::from_slice(data) {
            Ok(error @ Value::Object(_)) => Self::from_error(&error),
            _ => Self::from_text(data),
        }
    }

    /// Reads an error object: OpenAI's `code` and `type`, Anthropic's `type`, Google's `status`,
    /// `code` and `details` (<https://google.aip.dev/193>). Proxies mix them, so every dialect
    /// reads all of them. Anything else becomes the message as it is.
    pub(crate) fn from_error(error: &Value) -> Self {
        let Value::Object(object) = error else {
            return Self { message: text(error), ..Self::default() };
        };
        let details = object.get("details").and_then(Value::as_array);
        let said = |name: &'static str| {
            details.into_iter().flatten().filter_map(move |detail| text(detail.get(name)?))
        };
        let names = ["code", "type", "status"].into_iter();
        let names = names.filter_map(|name| text(object.get(name)?));
        let codes: Vec<_> = said("reason").chain(names).collect();
        let message = object.get("message").and_then(text);
        let delays = said("retryDelay").filter_map(|delay| seconds(delay.strip_suffix('s')?));
        Self {
            message: message.or_else(|| codes.is_empty().then(|| error.to_string())),
            retry_after: delays.max(),
            codes,
        }
    }

    /// Returns the status that decides the category. Some servers answer 200 and put the status
    /// that they mean among the error's codes (OpenRouter; Gemini behind proxies).
    pub(super) fn status_in(&self, status: StatusCode) -> StatusCode {
        if !status.is_success() {
            return status;
        }
        self.codes.iter().find_map(|code| code.parse().ok()).unwrap_or(status)
    }
}

/// The fields of a body or an event that show whether it is an error.
#[derive(Deserialize)]
pub(crate) struct ErrorBody {
    error: Option<Value>,
    /// `"error"` in the bodies of vLLM and similar servers. Anthropic has it as `type`.
    object: Option<Value>,
    r#type: Option<Value>,
    message: Option<Value>,
    code: Option<Value>,
    status: Option<Value>,
    choices: Option<IgnoredAny>,
    usage: Option<IgnoredAny>,
}

impl ErrorBody {
    /// Reads a body or an event; `None` if it is not a JSON object.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Returns the error in the body, or the body itself if it calls itself an error.
    pub(crate) fn report(&self) -> Option<ErrorReport> {
        if let Some(error) = self.error.as_ref().filter(|error| says_something(error)) {
            return Some(ErrorReport::from_error(error));
        }
        let names = [&self.object, &self.r#type];
        let named = names.into_iter().flatten().any(|name| name == "error");
        named.then(|| self.bare())
    }

    /// Returns a bare message that stands in place of an answer. Only the `openai` dialect has such
    /// errors.
    pub(crate) fn sentence(&self) -> Option<ErrorReport> {
        let answers = self.choices.is_some() || self.usage.is_some();
        let message = self.message.as_ref().filter(|message| message.is_string());
        message.filter(|message| says_something(message) && !answers).map(|_| self.bare())
    }

    /// Reads the body itself as an error object.
    fn bare(&self) -> ErrorReport {
        let fields = [
            ("message", &self.message),
            ("code", &self.code),
            ("type", &self.r#type),
            ("status", &self.status),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref().filter(|value| *value != "error")?;
            Some((name.to_owned(), value.clone()))
        });
        ErrorReport::from_error(&Value::Object(fields.collect::<Map<_, _>>()))
    }
}

/// Returns whether an error has content. Some servers put one beside an answer that says nothing:
/// `null`, `false`, `""`, `{}`, or an object of such values.
fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(fields) => fields.values().any(says_something),
    }
}

/// Returns a value as text: a string as it is, any other value as JSON. A value without content
/// returns `None`.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        value => says_something(value).then(|| value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Anthropic, Gemini, OpenAi, WireFormat};
    use super::*;

    /// What each dialect reads in a body.
    fn read(body: &str) -> [Option<ErrorReport>; 3] {
        let body = body.as_bytes();
        [OpenAi::decode_error(body), Anthropic::decode_error(body), Gemini::decode_error(body)]
    }

    #[test]
    fn what_stands_where_an_error_stands_is_one() {
        for (error, codes, message) in [
            (r#"{"code": 429001, "message": "boom"}"#, &["429001"][..], "boom"),
            (r#"{"code": -1.5, "message": "boom"}"#, &["-1.5"], "boom"),
            (r#"{"code": 500, "type": 7, "message": "boom"}"#, &["500", "7"], "boom"),
            (r#"{"code": {"a": 1}, "message": ["boom"]}"#, &[r#"{"a":1}"#], r#"["boom"]"#),
            (r#"{"details": 7, "status": "X", "message": "boom"}"#, &["X"], "boom"),
            (r#"{"detail": "boom"}"#, &[], r#"{"detail":"boom"}"#),
            (r#""boom""#, &[], "boom"),
            ("500", &[], "500"),
            ("true", &[], "true"),
            (r#"["boom"]"#, &[], r#"["boom"]"#),
        ] {
            for report in read(&format!(r#"{{"error": {error}, "choices": 7}}"#)) {
                let report = report.expect(error);
                assert_eq!(report.codes, codes, "{error}");
                assert_eq!(report.message.as_deref(), Some(message));
            }
        }
    }

    #[test]
    fn an_error_that_says_nothing_is_none() {
        for error in ["null", "false", r#""""#, "{}", "[]", r#"{"code": null, "message": ""}"#] {
            let body = format!(r#"{{"error": {error}}}"#);
            assert_eq!(read(&body), [None, None, None], "{error}");
        }
    }

    #[test]
    fn what_calls_itself_an_error_is_one() {
        for name in ["object", "type"] {
            let body = format!(r#"{{"{name}": "error", "message": "boom", "code": 500}}"#);
            for report in read(&body) {
                let report = report.expect(name);
                assert_eq!(report.codes, ["500"]);
                assert_eq!(report.message.as_deref(), Some("boom"));
            }
        }
    }

    /// Anthropic may add events with a message; a chunk of OpenAI's has none.
    #[test]
    fn a_sentence_in_place_of_a_chunk_is_an_error() {
        let [openai, others @ ..] = read(r#"{"message": "boom", "type": "x"}"#);
        assert_eq!((openai.unwrap().codes, others), (vec!["x".to_owned()], [None, None]));
        for beside in [r#""choices": []"#, r#""usage": {}"#] {
            assert_eq!(read(&format!(r#"{{"message": "boom", {beside}}}"#)), [None, None, None]);
        }
        assert_eq!(read(r#"{"message": {"content": "hi"}}"#), [None, None, None]);
    }

    /// <https://cloud.google.com/apis/design/errors>, as its OpenAI-compatible API sends it too.
    #[test]
    fn every_dialect_reads_how_long_to_wait() {
        let body = r#"{"error": {"code": 429, "message": "slow down", "details": [
            7, {"reason": "QUOTA"}, {"retryDelay": "1s"}, {"retryDelay": "30.5s"}, {"retryDelay": "soon"}
        ]}}"#;
        for report in read(body) {
            let report = report.unwrap();
            assert_eq!(report.retry_after, Some(Duration::from_millis(30_500)));
            assert_eq!(report.codes, ["QUOTA", "429"]);
        }
    }
}
