//! OpenAI's Chat Completions, also spoken by DeepSeek and every compatible server:
//! <https://platform.openai.com/docs/api-reference/chat>.
//!
//! Compatible servers leave out what they do not know, or send it as `null`, so every field is
//! optional but those that lead to the text.

mod stream;

use std::borrow::Cow;

use http::{HeaderMap, header};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error_report::{ErrorBody, ErrorReport};
use super::lenient::{lenient, name};
use super::{DecodedAnswer, WireFormat};
use crate::credential::Secret;
use crate::error::Category;
use crate::model::{
    AnswerSchema, Capability, Delivery, FinishReason, NanoUsd, Part, Role, Turn, Usage,
};
use crate::provider::Call;
use crate::transport::Credential;

/// The highest plausible cost. A reported cost above it counts as one in a wrong unit: it is ten
/// million tokens, more than any context holds, at the highest price that a model may have ($1 000
/// per million).
const HIGHEST_COST: NanoUsd = NanoUsd::from_nanos(10_000 * 1_000_000_000);

/// The `openai` dialect: Chat Completions.
pub(crate) struct OpenAi;

impl WireFormat for OpenAi {
    type Stream = stream::OpenAiStream;

    /// The codes of <https://platform.openai.com/docs/guides/error-codes>. `invalid_request_error`
    /// is left out: DeepSeek sends it with 401 and 402 too, so the status has to decide.
    const CODES: &'static [(&'static str, Category)] = &[
        ("insufficient_quota", Category::Quota),
        ("billing_hard_limit_reached", Category::Quota),
        ("billing_not_active", Category::Quota),
        ("rate_limit_exceeded", Category::RateLimit),
        ("server_is_overloaded", Category::Overloaded),
        ("server_overloaded", Category::Overloaded),
        ("slow_down", Category::Overloaded),
        ("overloaded_error", Category::Overloaded),
        ("context_length_exceeded", Category::ContextLength),
        ("content_filter", Category::ContentFilter),
        ("content_policy_violation", Category::ContentFilter),
        ("invalid_api_key", Category::Auth),
        // Comes with 403 too, for a model that the project may not use.
        ("model_not_found", Category::ModelNotFound),
    ];

    const GENERAL: &'static [(&'static str, Category)] = &[
        ("invalid_request_error", Category::InvalidRequest),
        ("server_error", Category::Provider5xx),
    ];

    const MESSAGES: &'static [(&'static str, &'static str, Category)] = &[];

    fn path(_call: &Call, _delivery: Delivery) -> String {
        "/chat/completions".to_owned()
    }

    fn headers() -> HeaderMap {
        HeaderMap::new()
    }

    fn credential(secret: Secret) -> Credential {
        Credential { header: header::AUTHORIZATION, prefix: "Bearer ", secret }
    }

    fn encode(call: &Call, delivery: Delivery) -> serde_json::Result<Vec<u8>> {
        let system = call
            .prompt
            .system()
            .into_iter()
            .map(|part| ChatMessage { role: "system", content: part.as_str().into() });
        let turns = call.prompt.turns().iter().map(ChatMessage::from);
        let bound = Some(call.max_tokens);
        let stream = delivery == Delivery::Stream;
        let renamed = call.capabilities.contains(&Capability::MaxCompletionTokens);
        serde_json::to_vec(&ChatRequest {
            model: call.model.as_str(),
            messages: system.chain(turns).collect(),
            max_tokens: bound.filter(|_| !renamed),
            max_completion_tokens: bound.filter(|_| renamed),
            stream: stream.then_some(true),
            stream_options: stream.then_some(StreamOptions { include_usage: true }),
            response_format: call.schema().map(ResponseFormat::try_from).transpose()?,
        })
    }

    fn decode(body: &[u8]) -> serde_json::Result<DecodedAnswer> {
        let response: ChatResponse = serde_json::from_slice(body)?;
        let choice = response.choices.into_iter().next();
        let ChatChoice { message, finish_reason } =
            choice.ok_or_else(|| serde_json::Error::custom("`choices` is empty"))?;
        Ok(DecodedAnswer {
            texts: message.content.map(ChatContent::into_texts).unwrap_or_default(),
            finish_reason: finish(finish_reason.as_deref()),
            refusal: message.refusal.filter(|refusal| !refusal.is_empty()),
            model: response.model,
            response_id: response.id,
            reported_cost: response.usage.as_ref().and_then(ChatUsage::cost),
            usage: response.usage.and_then(ChatUsage::usage),
        })
    }

    fn decode_error(body: &[u8]) -> Option<ErrorReport> {
        let body = ErrorBody::read(body)?;
        body.report().or_else(|| body.sentence())
    }
}

/// Reads a finish reason. `insufficient_system_resource` (DeepSeek) and unknown reasons are
/// [`FinishReason::Other`].
fn finish(reason: Option<&str>) -> FinishReason {
    match reason {
        Some("stop") => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some("content_filter") => FinishReason::ContentFilter,
        Some("tool_calls" | "function_call") => FinishReason::ToolCalls,
        _ => FinishReason::Other,
    }
}

#[derive(Serialize)]
struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<ChatMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat>,
}

#[derive(Serialize)]
struct ChatMessage<'a> {
    role: &'static str,
    content: Cow<'a, str>,
}

impl<'a> From<&'a Turn> for ChatMessage<'a> {
    fn from(turn: &'a Turn) -> Self {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Self { role, content: joined(&turn.parts) }
    }
}

/// Joins the parts of a turn into one string. OpenAI accepts a list of parts too, but DeepSeek and
/// several compatible servers refuse one. Nothing is put between the parts, so that the turn holds
/// their text and no more.
fn joined(parts: &[Part]) -> Cow<'_, str> {
    match parts {
        [part] => part.as_str().into(),
        parts => parts.iter().map(Part::as_str).collect::<String>().into(),
    }
}

/// The options of a stream. Without `include_usage` a stream reports no tokens.
#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The schema that an answer must follow:
/// <https://platform.openai.com/docs/guides/structured-outputs>.
#[derive(Serialize)]
struct ResponseFormat {
    r#type: &'static str,
    json_schema: NamedSchema,
}

#[derive(Serialize)]
struct NamedSchema {
    name: &'static str,
    strict: bool,
    schema: Value,
}

impl TryFrom<&AnswerSchema> for ResponseFormat {
    type Error = serde_json::Error;

    fn try_from(schema: &AnswerSchema) -> serde_json::Result<Self> {
        let json_schema =
            NamedSchema { name: schema.name(), strict: true, schema: schema.document()? };
        Ok(Self { r#type: "json_schema", json_schema })
    }
}

#[derive(Deserialize)]
struct ChatResponse {
    choices: Vec<ChatChoice>,
    #[serde(default, deserialize_with = "name")]
    id: Option<String>,
    #[serde(default, deserialize_with = "name")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<ChatUsage>,
}

#[derive(Deserialize)]
struct ChatChoice {
    message: ChatAnswer,
    finish_reason: Option<String>,
}

/// The message of an answer. `reasoning_content` (DeepSeek) is not text for the caller.
#[derive(Deserialize)]
struct ChatAnswer {
    content: Option<ChatContent>,
    refusal: Option<String>,
}

/// The content of an answer: text, or a list of parts from some compatible servers.
#[derive(Deserialize)]
#[serde(untagged)]
enum ChatContent {
    Text(String),
    Parts(Vec<ChatContentPart>),
}

/// A part of an answer's content. A part that is not text has none.
#[derive(Deserialize)]
struct ChatContentPart {
    #[serde(default, deserialize_with = "lenient")]
    text: Option<String>,
}

impl ChatContent {
    fn into_texts(self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text],
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

/// The token counts of an answer, and its cost where a provider reports one.
#[derive(Deserialize)]
struct ChatUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// The cached part of the prompt, by DeepSeek's own name.
    prompt_cache_hit_tokens: Option<u64>,
    /// The amount that OpenRouter charges, in credits of one dollar
    /// (<https://openrouter.ai/docs/use-cases/usage-accounting>).
    #[serde(default, deserialize_with = "lenient")]
    cost: Option<Dollars>,
}

/// An amount in dollars: a number, or one that is written as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Dollars {
    Number(f64),
    Text(String),
}

#[derive(Default, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl ChatUsage {
    /// Returns the token counts. `prompt_tokens` includes cached tokens, and `completion_tokens`
    /// includes reasoning. Returns `None` if either is absent, because an absent count is not zero.
    fn usage(self) -> Option<Usage> {
        let prompt = self.prompt_tokens_details.unwrap_or_default();
        let completion = self.completion_tokens_details.unwrap_or_default();
        let read = prompt.cached_tokens.or(self.prompt_cache_hit_tokens).unwrap_or(0);
        let write = prompt.cache_write_tokens.unwrap_or(0);
        Some(Usage {
            input_uncached: self.prompt_tokens?.saturating_sub(read).saturating_sub(write),
            cache_read: read,
            cache_write: write,
            output: self.completion_tokens?,
            reasoning: completion.reasoning_tokens.unwrap_or(0),
        })
    }

    /// Returns the reported cost; `None` if it is not a plausible amount.
    fn cost(&self) -> Option<NanoUsd> {
        let usd = match self.cost.as_ref()? {
            Dollars::Number(usd) => *usd,
            Dollars::Text(text) => text.trim().parse().ok()?,
        };
        NanoUsd::from_usd_rounded_down(usd).filter(|amount| *amount <= HIGHEST_COST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_that_is_no_amount_is_absent_and_the_answer_stays() {
        let reported = |cost: &str| {
            let body = format!(
                r#"{{"choices": [{{"message": {{"content": "hi"}}}}],
                    "usage": {{"prompt_tokens": 1, "completion_tokens": 2, "cost": {cost}}}}}"#
            );
            let decoded = OpenAi::decode(body.as_bytes()).unwrap();
            assert_eq!(decoded.usage, Some(Usage::new(1, 2)), "{cost}");
            decoded.reported_cost.map(NanoUsd::as_nanos)
        };
        assert_eq!(reported("0.95"), Some(950_000_000));
        assert_eq!(reported(r#"" 9.5e-7 ""#), Some(950));
        assert_eq!(reported("10000"), Some(10_000_000_000_000));
        let text = [r#""""#, r#""$1""#, r#""NaN""#, r#""inf""#, r#""1e400""#, r#""-1""#];
        let other = ["null", "-1e-9", "10000.01", "1e300", "true", "[0.95]"];
        for bad in text.into_iter().chain(other) {
            assert_eq!(reported(bad), None, "{bad}");
        }
    }
}
