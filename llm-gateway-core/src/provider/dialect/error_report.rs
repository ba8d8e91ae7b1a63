//! An error in a provider's own words, in whatever it is wrapped.
//!
//! Half an answer must never pass for a whole one, so anything in the place of an error is an
//! error, understood or not. Its category is decided in [`classify`](mod@super::classify).

use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::asked_wait::AskedWait;
use super::json;

/// The deepest wrapping of an error that is read. Two wrappings were seen in practice.
const DEEPEST: usize = 4;

/// An error, in the words of its provider.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorReport {
    /// The names that the provider gives the error, the most specific one first.
    pub(crate) codes: Vec<String>,
    /// The numeric codes, which only one API's wrapping defines.
    pub(crate) numbers: Vec<String>,
    /// The provider's sentence, and the cause that a proxy put beside it.
    pub(crate) message: Option<String>,
    /// The cause that a proxy wrapped, in the words of the wrapped error.
    pub(crate) cause: Option<String>,
    /// The parameter that the provider finds fault with.
    pub(crate) parameter: Option<String>,
    /// The wait that the body asks for.
    pub(crate) asked: AskedWait,
}

impl ErrorReport {
    /// Reads an error that is no JSON. A proxy's sentence is kept, an HTML page is not.
    pub(crate) fn from_text(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let message = (!text.is_empty() && !text.starts_with('<')).then(|| text.to_owned());
        Self { message, ..Self::default() }
    }

    /// Reads the body of a response whose status says that it is an error.
    pub(crate) fn from_body(body: &[u8]) -> Self {
        let report = ErrorBody::read(body, |body| Some(body.refusal()));
        let speaks = |report: &Self| report.message.is_some() || !report.codes.is_empty();
        report.filter(speaks).unwrap_or_else(|| Self::from_text(body))
    }

    /// Reads the data of an event whose name says that it is an error.
    pub(crate) fn from_named(data: &[u8]) -> Self {
        match json::read(data) {
            Ok(error @ (Value::Object(_) | Value::Array(_))) => Self::from_error(&error),
            _ => Self::from_text(data),
        }
    }

    /// Reads an error object: OpenAI's `code`, `type` and `param`, Anthropic's `type`, Google's
    /// `status`, `code` and `details` (<https://google.aip.dev/193>), OpenRouter's `metadata`,
    /// Azure's `innererror`. Proxies mix these fields, so every dialect reads all of them, through
    /// the lists, objects and texts that wrap them. An object without any of them is shown as it
    /// is.
    pub(crate) fn from_error(error: &Value) -> Self {
        Self { asked: AskedWait::of(error), ..Self::unwrapped(error, 0) }
    }

    /// Reads the error in an error's place inside an answer; `None` if the place has no content.
    pub(crate) fn standing_at(place: &Value) -> Option<Self> {
        says_something(place).then(|| Self::from_error(place))
    }

    fn unwrapped(error: &Value, depth: usize) -> Self {
        match error {
            Value::Object(object) => Self::from_object(object, error, depth),
            Value::Array(items) if depth < DEEPEST => {
                let first = items.iter().find(|item| item.is_object());
                match first {
                    Some(first) => Self::unwrapped(first, depth + 1),
                    None => Self { message: text(error), ..Self::default() },
                }
            }
            Value::String(written) if depth < DEEPEST => match document(written) {
                Some(inner) => Self::unwrapped(&inner, depth + 1),
                None => Self { message: text(error), ..Self::default() },
            },
            other => Self { message: text(other), ..Self::default() },
        }
    }

    fn from_object(object: &Map<String, Value>, error: &Value, depth: usize) -> Self {
        let details = object.get("details").and_then(Value::as_array);
        let said = |name: &'static str| {
            details.into_iter().flatten().filter_map(move |detail| text(detail.get(name)?))
        };
        let field = |name: &str| text(object.get(name)?);
        let names = ["code", "type", "status", "http_code"].into_iter().filter_map(field);
        let reasons = error.pointer("/metadata/reasons").filter(|reasons| says_something(reasons));
        let own = Self {
            codes: said("reason")
                .chain(names)
                .chain(reasons.map(|_| "moderation".into()))
                .collect(),
            numbers: text_code(object)
                .into_iter()
                .chain(object.get("base_resp").and_then(base_code))
                .collect(),
            message: ["message", "msg", "detail", "error_description"]
                .into_iter()
                .find_map(|name| text(object.get(name).filter(|value| !is_wrapping(value))?)),
            cause: None,
            parameter: field("param")
                .filter(|parameter| parameter != "None")
                .or_else(|| located(object)),
            asked: AskedWait::default(),
        };
        let inner = (depth < DEEPEST).then(|| wrapped(object)).flatten();
        let report = match inner {
            Some(inner) => own.with_cause(Self::unwrapped(&inner, depth + 1)),
            None => own,
        };
        let is_silent =
            report.message.is_none() && report.codes.is_empty() && says_something(error);
        Self { message: report.message.or_else(|| is_silent.then(|| error.to_string())), ..report }
    }

    /// Adds the error inside a wrapping. The cause is more specific than the wrapping, so its words
    /// come first.
    fn with_cause(self, cause: Self) -> Self {
        let innermost = cause.cause.or_else(|| cause.message.clone());
        let message = match (self.message, cause.message) {
            (Some(outer), Some(inner)) if outer.contains(&inner) => Some(outer),
            (Some(outer), Some(inner)) => Some(format!("{outer}: {inner}")),
            (outer, inner) => outer.or(inner),
        };
        Self {
            codes: [cause.codes, self.codes].concat(),
            numbers: [cause.numbers, self.numbers].concat(),
            message,
            cause: innermost,
            parameter: cause.parameter.or(self.parameter),
            asked: self.asked.with(cause.asked),
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

/// Returns the content of a wrapping: another error, a list of errors, or the text of a document,
/// as in OpenRouter's `metadata.raw`.
fn wrapped(object: &Map<String, Value>) -> Option<Value> {
    let inner = ["error", "errors", "innererror", "detail", "message"]
        .into_iter()
        .filter_map(|name| object.get(name))
        .find(|value| is_wrapping(value));
    let raw = || object.get("metadata")?.get("raw").filter(|raw| says_something(raw));
    inner.or_else(raw).cloned()
}

/// Returns whether a value holds more than a word or a sentence.
fn is_wrapping(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().any(Value::is_object),
        Value::String(written) => document(written).is_some(),
        _ => false,
    }
}

/// Returns the JSON document that a text holds.
fn document(written: &str) -> Option<Value> {
    let begins = written.trim_start().starts_with(['{', '[']);
    let document = begins.then(|| json::read::<Value>(written.as_bytes()).ok()).flatten();
    document.filter(|document| document.is_object() || document.is_array())
}

/// Returns the field that FastAPI finds fault with: `"loc": ["body", "stream_options"]`.
fn located(object: &Map<String, Value>) -> Option<String> {
    let mut names = object.get("loc")?.as_array()?.iter().filter_map(Value::as_str);
    names.find(|name| *name != "body").map(str::to_owned)
}

/// Returns the code of an error of Z.ai, which is a number written as text in the place of a word.
fn text_code(object: &Map<String, Value>) -> Option<String> {
    let code = ["code", "type"].into_iter().filter_map(|name| object.get(name)?.as_str());
    let mut numbers =
        code.filter(|code| code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit()));
    numbers.next().map(str::to_owned)
}

/// Returns the code of MiniMax's own wrapping, `base_resp`, in which 0 is no error.
fn base_code(response: &Value) -> Option<String> {
    let code = response.get("status_code")?.as_i64()?;
    (code != 0).then(|| format!("base_resp_{code}"))
}

/// The fields of a body or an event that show whether it is an error.
#[derive(Deserialize)]
pub(crate) struct ErrorBody {
    error: Option<Value>,
    errors: Option<Value>,
    /// The place of MiniMax's failures, beside an answer.
    base_resp: Option<Value>,
    /// The kind of the object: vLLM and similar servers write `"object": "error"` and Anthropic
    /// `"type": "error"`.
    object: Option<Value>,
    r#type: Option<Value>,
    message: Option<Value>,
    code: Option<Value>,
    status: Option<Value>,
    param: Option<Value>,
    detail: Option<Value>,
    choices: Option<IgnoredAny>,
    usage: Option<IgnoredAny>,
}

impl ErrorBody {
    /// Reads the error that `find` returns for a body or the data of an event, with the wait that
    /// the body asks for. Only an error is searched for a wait, because almost every event is read
    /// in this way and is no error. Returns `None` if there is no error or the body is no JSON
    /// object.
    pub(crate) fn read(
        body: &[u8],
        find: impl FnOnce(&Self) -> Option<ErrorReport>,
    ) -> Option<ErrorReport> {
        let report = find(&Self::parse(body)?)?;
        Some(ErrorReport { asked: AskedWait::in_body(body).with(report.asked), ..report })
    }

    /// Parses a body. The first error of a list stands for the list.
    fn parse(body: &[u8]) -> Option<Self> {
        let first = body.trim_ascii_start().first();
        if first == Some(&b'[') {
            let items: Vec<Value> = json::read(body).ok()?;
            let first = items.into_iter().find(|item| item.get("error").is_some())?;
            return serde_json::from_value(first).ok();
        }
        json::read(body).ok()
    }

    /// Returns the error in the body, or the body itself if it calls itself an error.
    pub(crate) fn report(&self) -> Option<ErrorReport> {
        let errors = [&self.error, &self.errors].into_iter().flatten();
        if let Some(error) = errors.into_iter().find(|error| says_something(error)) {
            return Some(self.beside(ErrorReport::from_error(error)));
        }
        let failed = self.base_resp.as_ref().and_then(|response| {
            let numbers = vec![base_code(response)?];
            let message = response.get("status_msg").and_then(text);
            Some(ErrorReport { numbers, message, ..ErrorReport::default() })
        });
        let names = [&self.object, &self.r#type];
        let named = names.into_iter().flatten().any(|name| name == "error");
        failed.or_else(|| named.then(|| self.bare()))
    }

    /// Returns a bare message that stands in place of an answer. Only the `openai` dialect has such
    /// errors.
    pub(crate) fn sentence(&self) -> Option<ErrorReport> {
        let answers = self.choices.is_some() || self.usage.is_some();
        let message = self.message.as_ref().filter(|message| message.is_string());
        message.filter(|message| says_something(message) && !answers).map(|_| self.bare())
    }

    /// Returns the error of a body whose status says that it is an error.
    pub(crate) fn refusal(&self) -> ErrorReport {
        self.report().unwrap_or_else(|| self.bare())
    }

    /// Adds the names beside an error that is only a sentence, as in xAI's errors.
    fn beside(&self, mut report: ErrorReport) -> ErrorReport {
        if report.codes.is_empty() {
            let names = [&self.code, &self.r#type].into_iter().flatten();
            report.codes = names.filter(|name| *name != "error").filter_map(text).collect();
        }
        report
    }

    /// Returns the error, if it stands at the top of the body and not in an object named `error`.
    fn bare(&self) -> ErrorReport {
        let fields = [
            ("message", &self.message),
            ("detail", &self.detail),
            ("code", &self.code),
            ("type", &self.r#type),
            ("status", &self.status),
            ("param", &self.param),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref().filter(|value| *value != "error")?;
            Some((name.to_owned(), value.clone()))
        });
        let report = ErrorReport::from_error(&Value::Object(fields.collect::<Map<_, _>>()));
        ErrorReport { asked: AskedWait::default(), ..report }
    }
}

/// Returns whether an error has content. Some servers put an empty error beside an answer: `null`,
/// `false`, `""`, `{}`, or an object of such values.
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
        Value::String(text) if text == "None" => None,
        Value::String(text) => Some(text.clone()),
        value => says_something(value).then(|| value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Anthropic, Gemini, OpenAi, WireFormat};
    use super::*;

    /// Returns the errors that each dialect reads in a body.
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
            (r#"{"detail": "boom"}"#, &[], "boom"),
            (r#"{"reason": "boom"}"#, &[], r#"{"reason":"boom"}"#),
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

    /// Checks that a sentence in place of a chunk is an error. Anthropic may add events with a
    /// message, but no chunk of OpenAI has one.
    #[test]
    fn a_sentence_in_place_of_a_chunk_is_an_error() {
        let [openai, others @ ..] = read(r#"{"message": "boom", "type": "x"}"#);
        assert_eq!((openai.unwrap().codes, others), (vec!["x".to_owned()], [None, None]));
        for beside in [r#""choices": []"#, r#""usage": {}"#] {
            assert_eq!(read(&format!(r#"{{"message": "boom", {beside}}}"#)), [None, None, None]);
        }
        assert_eq!(read(r#"{"message": {"content": "hi"}}"#), [None, None, None]);
    }
}
