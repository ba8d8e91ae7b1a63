//! What a request asks, read as the server of each API would read it.

use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::transport::HttpRequest;

use super::tokens;

/// Gemini's methods, as its paths end in them.
const WHOLE: &str = ":generateContent";
const STREAM: &str = ":streamGenerateContent";

/// A wire format that the script can speak, told by the path.
#[derive(Clone, Copy)]
pub(super) enum Wire {
    OpenAi,
    Anthropic,
    Gemini,
}

/// What a request asked, as far as an answer depends on it.
pub(super) struct Asked {
    /// The wire format to answer in.
    pub(super) wire: Wire,
    /// The model, as asked for.
    pub(super) model: String,
    /// What the user said last.
    pub(super) last_user_text: String,
    /// The size of the whole prompt.
    pub(super) input_tokens: usize,
    /// Whether to answer as a stream.
    pub(super) stream: bool,
    /// Whether a stream of OpenAI's is to count its tokens.
    pub(super) include_usage: bool,
    /// The bound on output, where one was sent.
    pub(super) max_tokens: Option<usize>,
    /// Hex digits that differ where the request does.
    pub(super) digest: String,
    /// What a server would refuse the request with, if it would.
    pub(super) fault: Option<StatusCode>,
}

impl Asked {
    /// Reads a request. Never fails: a path or body that no server would take is kept as a
    /// fault, and answered with 404 or 400.
    pub(super) fn read(request: &HttpRequest) -> Self {
        let path = request.url.split(['?', '#']).next().unwrap_or_default();
        let json = serde_json::from_slice::<Value>(&request.body);
        let wire = wire(path);
        let fault = match (wire, &json) {
            (None, _) => Some(StatusCode::NOT_FOUND),
            (_, Err(_)) => Some(StatusCode::BAD_REQUEST),
            _ => None,
        };
        // A stranger's path is most likely that of one of the many OpenAI-compatible servers.
        let wire = wire.unwrap_or(Wire::OpenAi);
        let body = json.unwrap_or_default();
        let model = model(wire, path, &body);
        let (last_user_text, input_chars) = texts(wire, &body);
        Self {
            wire,
            fault: fault.or(model.is_none().then_some(StatusCode::BAD_REQUEST)),
            model: model.unwrap_or_default(),
            last_user_text,
            input_tokens: tokens(input_chars),
            stream: stream(wire, path, &body),
            include_usage: is_true(body.pointer("/stream_options/include_usage")),
            max_tokens: max_tokens(wire, &body),
            digest: digest(request),
        }
    }
}

fn wire(path: &str) -> Option<Wire> {
    if path.ends_with("/chat/completions") {
        Some(Wire::OpenAi)
    } else if path.ends_with("/v1/messages") {
        Some(Wire::Anthropic)
    } else if path.ends_with(WHOLE) || path.ends_with(STREAM) {
        Some(Wire::Gemini)
    } else {
        None
    }
}

fn model(wire: Wire, path: &str, body: &Value) -> Option<String> {
    match wire {
        Wire::OpenAi | Wire::Anthropic => body.get("model")?.as_str().map(str::to_owned),
        Wire::Gemini => {
            let (_, segment) = path
                .strip_suffix(WHOLE)
                .or_else(|| path.strip_suffix(STREAM))?
                .rsplit_once("/models/")?;
            Some(percent_decode_str(segment).decode_utf8_lossy().into_owned())
        }
    }
}

fn stream(wire: Wire, path: &str, body: &Value) -> bool {
    match wire {
        Wire::OpenAi | Wire::Anthropic => is_true(body.get("stream")),
        Wire::Gemini => path.ends_with(STREAM),
    }
}

fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool).unwrap_or(false)
}

fn max_tokens(wire: Wire, body: &Value) -> Option<usize> {
    let bound = match wire {
        Wire::OpenAi => body.get("max_completion_tokens").or_else(|| body.get("max_tokens")),
        Wire::Anthropic => body.get("max_tokens"),
        Wire::Gemini => body.pointer("/generationConfig/maxOutputTokens"),
    };
    usize::try_from(bound?.as_u64()?).ok()
}

/// The last text of the user, and how many characters there are in the whole prompt.
fn texts(wire: Wire, body: &Value) -> (String, usize) {
    let (system, messages, content) = match wire {
        // The system text is one of the messages.
        Wire::OpenAi => (None, "messages", "content"),
        Wire::Anthropic => (body.get("system"), "messages", "content"),
        Wire::Gemini => (body.pointer("/systemInstruction/parts"), "contents", "parts"),
    };
    let mut chars = system.map_or(0, |system| text(system).chars().count());
    let mut last_user_text = String::new();
    let messages = body.get(messages).and_then(Value::as_array);
    for message in messages.into_iter().flatten() {
        let said = message.get(content).map(text).unwrap_or_default();
        chars += said.chars().count();
        if message.get("role").and_then(Value::as_str) == Some("user") {
            last_user_text = said;
        }
    }
    (last_user_text, chars)
}

/// The text of a content, which is a string or a list of parts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// The URL counts as well: Gemini names the model there.
fn digest(request: &HttpRequest) -> String {
    let digest = Sha256::new().chain_update(&request.url).chain_update(&request.body).finalize();
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
