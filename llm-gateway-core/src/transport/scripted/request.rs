//! Reads what a request to the offline transport asks, as the server of its API would read it.

use http::StatusCode;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::anthropic::AnthropicServer;
use super::gemini::GeminiServer;
use super::openai::OpenAiServer;
use super::server::{PromptFields, Server};
use super::tokens;
use crate::transport::HttpRequest;

/// The servers of the APIs that the script can answer for. A request's path shows its API.
const SERVERS: [&dyn Server; 3] = [&OpenAiServer, &AnthropicServer, &GeminiServer];

/// A request to the offline transport, as far as an answer depends on it.
pub(super) struct ParsedRequest {
    /// The server of the API that the request belongs to.
    pub(super) server: &'static dyn Server,
    /// The model that the request asks for.
    pub(super) model: String,
    /// The last text of the user in the request.
    pub(super) last_user_text: String,
    /// The size of the request's whole prompt, in tokens.
    pub(super) input_tokens: usize,
    /// Whether the request asks for a stream.
    pub(super) is_stream: bool,
    /// Whether the stream that answers the request ends with its token counts.
    pub(super) counts_stream_tokens: bool,
    /// The bound on output tokens that the request sets; `None` if it sets none.
    pub(super) max_tokens: Option<usize>,
    /// Hex digits of the request's hash, from which the ids of its answer are made.
    pub(super) digest: String,
    /// The HTTP status that a server would refuse the request with; `None` if it would answer.
    pub(super) fault: Option<StatusCode>,
}

impl ParsedRequest {
    /// Reads a request to the offline transport. Never fails: a path or body that no server would
    /// take is kept as a fault, and answered with 404 or 400.
    pub(super) fn read(request: &HttpRequest) -> Self {
        let path = request.url.split(['?', '#']).next().unwrap_or_default();
        let json = serde_json::from_slice::<Value>(&request.body);
        let server = SERVERS.into_iter().find(|server| server.serves(path));
        let fault = match (server, &json) {
            (None, _) => Some(StatusCode::NOT_FOUND),
            (_, Err(_)) => Some(StatusCode::BAD_REQUEST),
            _ => None,
        };
        // An unknown path is most likely that of one of the many OpenAI-compatible servers.
        let server = server.unwrap_or(&OpenAiServer);
        let body = json.unwrap_or_default();
        let model = server.model(path, &body);
        let (last_user_text, input_chars) = texts(&server.prompt(&body));
        let max_tokens = server.max_tokens(&body).and_then(Value::as_u64);
        Self {
            server,
            fault: fault.or(model.is_none().then_some(StatusCode::BAD_REQUEST)),
            model: model.unwrap_or_default(),
            last_user_text,
            input_tokens: tokens(input_chars),
            is_stream: server.is_stream(path, &body),
            counts_stream_tokens: server.counts_stream_tokens(&body),
            max_tokens: max_tokens.and_then(|bound| usize::try_from(bound).ok()),
            digest: digest(request),
        }
    }
}

/// Returns the last text of the user, and the number of characters in the whole prompt.
fn texts(prompt: &PromptFields<'_>) -> (String, usize) {
    let mut chars = prompt.system.map_or(0, |system| text(system).chars().count());
    let mut last_user_text = String::new();
    let messages = prompt.messages.and_then(Value::as_array);
    for message in messages.into_iter().flatten() {
        let said = message.get(prompt.content).map(text).unwrap_or_default();
        chars += said.chars().count();
        if message.get("role").and_then(Value::as_str) == Some("user") {
            last_user_text = said;
        }
    }
    (last_user_text, chars)
}

/// Returns the text of a message's content, which is a string or a list of parts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// Returns a hash of a request's URL and body, in hex. The URL counts as well: Gemini names the
/// model there.
fn digest(request: &HttpRequest) -> String {
    let digest = Sha256::new().chain_update(&request.url).chain_update(&request.body).finalize();
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
