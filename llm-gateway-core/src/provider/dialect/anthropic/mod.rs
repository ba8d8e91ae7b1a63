//! Anthropic's Messages API: <https://platform.claude.com/docs/en/api/messages>.

mod stream;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error_report::{ErrorBody, ErrorReport};
use super::lenient::{lenient, name};
use super::{DecodedAnswer, WireFormat};
use crate::credential::Secret;
use crate::error::Category;
use crate::model::{AnswerSchema, Delivery, FinishReason, Part, Role, Turn, Usage};
use crate::provider::Call;
use crate::transport::Credential;

/// The `anthropic` dialect: the Messages API.
pub(crate) struct Anthropic;

impl WireFormat for Anthropic {
    type Stream = stream::AnthropicStream;

    /// The types of <https://platform.claude.com/docs/en/api/errors>. `timeout_error` is left out:
    /// it comes with 408 from a proxy and with 504 from the API, and the status distinguishes them.
    const CODES: &'static [(&'static str, Category)] = &[
        ("invalid_request_error", Category::InvalidRequest),
        ("authentication_error", Category::Auth),
        ("permission_error", Category::Auth),
        ("billing_error", Category::Quota),
        ("not_found_error", Category::ModelNotFound),
        ("request_too_large", Category::ContextLength),
        ("rate_limit_error", Category::RateLimit),
        ("api_error", Category::Provider5xx),
        ("overloaded_error", Category::Overloaded),
    ];

    const MESSAGES: &'static [(&'static str, &'static str, Category)] = &[
        ("invalid_request_error", "Your credit balance is too low", Category::Quota),
        // The spend limit of the workspace or of the key:
        // <https://platform.claude.com/docs/en/api/rate-limits>.
        (
            "invalid_request_error",
            "You have reached your specified API usage limits",
            Category::Quota,
        ),
        ("invalid_request_error", "prompt is too long", Category::ContextLength),
    ];

    fn path(_call: &Call, _delivery: Delivery) -> String {
        "/v1/messages".to_owned()
    }

    fn headers() -> HeaderMap {
        let version = HeaderName::from_static("anthropic-version");
        HeaderMap::from_iter([(version, HeaderValue::from_static("2023-06-01"))])
    }

    fn credential(secret: Secret) -> Credential {
        Credential { header: HeaderName::from_static("x-api-key"), prefix: "", secret }
    }

    fn encode(call: &Call, delivery: Delivery) -> serde_json::Result<Vec<u8>> {
        let turns = call.prompt.turns().iter().map(InputMessage::from);
        serde_json::to_vec(&MessagesRequest {
            model: call.model.as_str(),
            max_tokens: call.max_tokens,
            system: call.prompt.system().map(Part::as_str),
            messages: turns.collect(),
            stream: (delivery == Delivery::Stream).then_some(true),
            output_config: call.schema().map(OutputConfig::try_from).transpose()?,
        })
    }

    fn decode(body: &[u8]) -> serde_json::Result<DecodedAnswer> {
        let response: MessagesResponse = serde_json::from_slice(body)?;
        let text = |block: ContentBlock| match block {
            ContentBlock::Text { text } => Some(text),
            ContentBlock::Other => None,
        };
        Ok(DecodedAnswer {
            texts: response.content.into_iter().filter_map(text).collect(),
            finish_reason: finish(response.stop_reason.as_deref()),
            refusal: response.stop_details.and_then(|details| details.explanation),
            model: response.model,
            response_id: response.id,
            usage: response.usage.and_then(MessagesUsage::usage),
            reported_cost: None,
        })
    }

    fn decode_error(body: &[u8]) -> Option<ErrorReport> {
        ErrorBody::read(body)?.report()
    }
}

/// Reads a stop reason. `pause_turn` (a paused loop of tools at the server) and unknown reasons are
/// [`FinishReason::Other`].
fn finish(reason: Option<&str>) -> FinishReason {
    match reason {
        Some("end_turn" | "stop_sequence") => FinishReason::Stop,
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("refusal") => FinishReason::ContentFilter,
        Some("tool_use") => FinishReason::ToolCalls,
        _ => FinishReason::Other,
    }
}

#[derive(Serialize)]
struct MessagesRequest<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: Vec<InputMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig>,
}

#[derive(Serialize)]
struct InputMessage<'a> {
    role: &'static str,
    content: InputContent<'a>,
}

impl<'a> From<&'a Turn> for InputMessage<'a> {
    fn from(turn: &'a Turn) -> Self {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Self { role, content: turn.parts.as_slice().into() }
    }
}

/// The content of a message: a string, or a list if there are several parts.
#[derive(Serialize)]
#[serde(untagged)]
enum InputContent<'a> {
    Text(&'a str),
    Parts(Vec<InputPart<'a>>),
}

#[derive(Serialize)]
struct InputPart<'a> {
    r#type: &'static str,
    text: &'a str,
}

impl<'a> From<&'a [Part]> for InputContent<'a> {
    fn from(parts: &'a [Part]) -> Self {
        match parts {
            [part] => Self::Text(part.as_str()),
            parts => Self::Parts(
                parts
                    .iter()
                    .map(|part| InputPart { r#type: "text", text: part.as_str() })
                    .collect(),
            ),
        }
    }
}

/// The schema that an answer must follow. It requires no beta header any more:
/// <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>.
#[derive(Serialize)]
struct OutputConfig {
    format: OutputFormat,
}

#[derive(Serialize)]
struct OutputFormat {
    r#type: &'static str,
    schema: Value,
}

impl TryFrom<&AnswerSchema> for OutputConfig {
    type Error = serde_json::Error;

    fn try_from(schema: &AnswerSchema) -> serde_json::Result<Self> {
        let schema = schema.document()?;
        Ok(Self { format: OutputFormat { r#type: "json_schema", schema } })
    }
}

#[derive(Deserialize)]
struct MessagesResponse {
    content: Vec<ContentBlock>,
    #[serde(default, deserialize_with = "name")]
    id: Option<String>,
    #[serde(default, deserialize_with = "name")]
    model: Option<String>,
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stop_details: Option<StopDetails>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<MessagesUsage>,
}

/// A block of an answer's content. Thinking, tool use and block types to come are not text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentBlock {
    Text {
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct StopDetails {
    explanation: Option<String>,
}

/// The token counts of an answer.
#[derive(Clone, Copy, Default, Deserialize)]
struct MessagesUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Default, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

impl MessagesUsage {
    /// Returns the token counts. `input_tokens` excludes cached tokens, and `output_tokens`
    /// includes thinking. Returns `None` if either is absent, because an absent count is not zero.
    fn usage(self) -> Option<Usage> {
        let output = self.output_tokens_details.unwrap_or_default();
        Some(Usage {
            input_uncached: self.input_tokens?,
            cache_read: self.cache_read_input_tokens.unwrap_or(0),
            cache_write: self.cache_creation_input_tokens.unwrap_or(0),
            output: self.output_tokens?,
            reasoning: output.thinking_tokens.unwrap_or(0),
        })
    }

    /// Returns these counts, with the older count in place of each that is absent.
    fn or(self, older: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.or(older.input_tokens),
            output_tokens: self.output_tokens.or(older.output_tokens),
            cache_read_input_tokens: self.cache_read_input_tokens.or(older.cache_read_input_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .or(older.cache_creation_input_tokens),
            output_tokens_details: self.output_tokens_details.or(older.output_tokens_details),
        }
    }
}
