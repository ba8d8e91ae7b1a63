//! Google's generateContent: <https://ai.google.dev/api/generate-content>.
//!
//! Google leaves out every field that has its default value, so an absent count is zero.

mod stream;

use http::{HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error_report::{ErrorBody, ErrorReport};
use super::lenient::{lenient, name};
use super::{DecodedAnswer, WireFormat};
use crate::credential::Secret;
use crate::error::Category;
use crate::model::{AnswerSchema, Delivery, FinishReason, Part, Role, Usage};
use crate::provider::Call;
use crate::transport::Credential;

/// The characters to escape in a model id, so that it stays inside its path segment: all but RFC
/// 3986's unreserved ones.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The `gemini` dialect: generateContent.
pub(crate) struct Gemini;

impl WireFormat for Gemini {
    type Stream = stream::GeminiStream;

    /// The codes of <https://ai.google.dev/gemini-api/docs/troubleshooting>. `RESOURCE_EXHAUSTED`
    /// is left out: it comes with 429 for a rate limit and with 402 for an empty account.
    const CODES: &'static [(&'static str, Category)] = &[
        // A wrong key is a 400 INVALID_ARGUMENT; only its reason shows that it is the key.
        ("API_KEY_INVALID", Category::Auth),
        // The free tier does not serve the country of the key. The request is not at fault.
        ("FAILED_PRECONDITION", Category::Auth),
        ("UNAVAILABLE", Category::Overloaded),
    ];

    const MESSAGES: &'static [(&'static str, &'static str, Category)] = &[
        ("RESOURCE_EXHAUSTED", "Your prepayment credits are depleted", Category::Quota),
        ("INVALID_ARGUMENT", "The input token count", Category::ContextLength),
    ];

    fn path(call: &Call, delivery: Delivery) -> String {
        let model = utf8_percent_encode(call.model.as_str(), SEGMENT);
        let method = match delivery {
            Delivery::Whole => "generateContent",
            // Without `alt` the server streams the pieces of a JSON array.
            Delivery::Stream => "streamGenerateContent?alt=sse",
        };
        format!("/v1beta/models/{model}:{method}")
    }

    fn headers() -> HeaderMap {
        HeaderMap::new()
    }

    fn credential(secret: Secret) -> Credential {
        Credential { header: HeaderName::from_static("x-goog-api-key"), prefix: "", secret }
    }

    fn encode(call: &Call, _delivery: Delivery) -> serde_json::Result<Vec<u8>> {
        let turns = call.prompt.turns().iter().map(|turn| RequestContent {
            role: Some(match turn.role {
                Role::User => "user",
                Role::Assistant => "model",
            }),
            parts: turn.parts.iter().map(RequestPart::from).collect(),
        });
        let system = call.prompt.system().into_iter().map(RequestPart::from);
        let schema = call.schema();
        serde_json::to_vec(&GenerateRequest {
            system_instruction: call
                .prompt
                .system()
                .is_some()
                .then(|| RequestContent { role: None, parts: system.collect() }),
            contents: turns.collect(),
            generation_config: GenerationConfig {
                max_output_tokens: call.max_tokens,
                response_mime_type: schema.map(|_| "application/json"),
                response_json_schema: schema.map(AnswerSchema::document).transpose()?,
            },
        })
    }

    fn decode(body: &[u8]) -> serde_json::Result<DecodedAnswer> {
        let response: GenerateResponse = serde_json::from_slice(body)?;
        let model = response.model();
        let blocked = response.prompt_feedback.and_then(|feedback| feedback.block_reason);
        let candidate = match (response.candidates.into_iter().next(), &blocked) {
            (Some(candidate), _) => candidate,
            (None, Some(_)) => AnswerCandidate::default(),
            (None, None) => return Err(serde_json::Error::custom("no candidate, no block reason")),
        };
        let parts = candidate.content.unwrap_or_default().parts;
        Ok(DecodedAnswer {
            texts: parts.into_iter().filter(|part| !part.thought).map(|part| part.text).collect(),
            finish_reason: finish(candidate.finish_reason.as_deref()),
            refusal: refusal(blocked, candidate.finish_reason, candidate.finish_message),
            model,
            response_id: response.response_id,
            usage: response.usage_metadata.and_then(UsageMetadata::usage),
            reported_cost: None,
        })
    }

    fn decode_error(body: &[u8]) -> Option<ErrorReport> {
        ErrorBody::read(body)?.report()
    }
}

/// Reads a finish reason. `LANGUAGE`, `MALFORMED_FUNCTION_CALL` and unknown reasons are
/// [`FinishReason::Other`].
fn finish(reason: Option<&str>) -> FinishReason {
    match reason {
        Some("STOP") => FinishReason::Stop,
        Some("MAX_TOKENS") => FinishReason::Length,
        Some("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII") => {
            FinishReason::ContentFilter
        }
        _ => FinishReason::Other,
    }
}

/// Returns the explanation for a prompt that was blocked or an answer that was filtered.
fn refusal(
    blocked: Option<String>,
    reason: Option<String>,
    message: Option<String>,
) -> Option<String> {
    let filtered = finish(reason.as_deref()) == FinishReason::ContentFilter;
    let stopped = message.or(reason).filter(|_| filtered);
    blocked.map(|reason| format!("prompt blocked: {reason}")).or(stopped)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerateRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<RequestContent<'a>>,
    contents: Vec<RequestContent<'a>>,
    generation_config: GenerationConfig,
}

#[derive(Serialize)]
struct RequestContent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<RequestPart<'a>>,
}

#[derive(Serialize)]
struct RequestPart<'a> {
    text: &'a str,
}

impl<'a> From<&'a Part> for RequestPart<'a> {
    fn from(part: &'a Part) -> Self {
        Self { text: part.as_str() }
    }
}

/// The options of a request. A schema is obeyed only beside its MIME type:
/// <https://ai.google.dev/api/generate-content>.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig {
    max_output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenerateResponse {
    #[serde(default)]
    candidates: Vec<AnswerCandidate>,
    prompt_feedback: Option<PromptFeedback>,
    #[serde(default, deserialize_with = "name")]
    model_version: Option<String>,
    #[serde(default, deserialize_with = "name")]
    response_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage_metadata: Option<UsageMetadata>,
}

impl GenerateResponse {
    /// Returns the model that answered. Some answers name it as a resource, `models/…`.
    fn model(&self) -> Option<String> {
        let named = self.model_version.as_deref()?;
        Some(named.strip_prefix("models/").unwrap_or(named).to_owned())
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerCandidate {
    content: Option<CandidateContent>,
    finish_reason: Option<String>,
    finish_message: Option<String>,
}

#[derive(Default, Deserialize)]
struct CandidateContent {
    #[serde(default)]
    parts: Vec<CandidatePart>,
}

/// A part of an answer. One that is not text (a function call, types to come) has an empty text.
#[derive(Deserialize)]
struct CandidatePart {
    #[serde(default)]
    text: String,
    /// Whether the part is a summary of the model's reasoning, which is not text for the caller.
    #[serde(default)]
    thought: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback {
    block_reason: Option<String>,
}

/// The token counts of an answer.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UsageMetadata {
    prompt_token_count: Option<u64>,
    tool_use_prompt_token_count: u64,
    cached_content_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
}

impl UsageMetadata {
    /// Returns the token counts. `promptTokenCount` includes cached tokens but not the results of
    /// tools. `candidatesTokenCount` excludes thoughts, and is absent if there is no text. Returns
    /// `None` if the prompt's count is absent.
    fn usage(self) -> Option<Usage> {
        let cached = self.cached_content_token_count;
        let prompt = self.prompt_token_count?.saturating_sub(cached);
        let thoughts = self.thoughts_token_count;
        Some(Usage {
            input_uncached: prompt.saturating_add(self.tool_use_prompt_token_count),
            cache_read: cached,
            cache_write: 0,
            output: self.candidates_token_count.saturating_add(thoughts),
            reasoning: thoughts,
        })
    }
}
