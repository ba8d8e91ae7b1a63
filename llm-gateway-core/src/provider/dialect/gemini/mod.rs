//! Google's generateContent: <https://ai.google.dev/api/generate-content>.
//!
//! Google leaves out every field that has its default value, so an absent count is zero.

mod answer;
mod stream;

use http::{HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::Error as _;
use serde_json::Value;

use self::answer::GenerateResponse;
use super::assembly::Pieces;
use super::error_report::{ErrorBody, ErrorReport};
use super::json;
use super::{DecodedAnswer, WireFormat};
use crate::credential::Secret;
use crate::model::{AnswerSchema, Delivery, Part, Role};
use crate::provider::Call;
use crate::transport::Credential;

/// The characters to escape in a model id, so that it stays inside its path segment: all but RFC
/// 3986's unreserved ones.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The `gemini` dialect: generateContent.
pub(crate) struct Gemini;

impl WireFormat for Gemini {
    type Stream = stream::GeminiStream;

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
        let response: GenerateResponse = json::object(body)?;
        if !response.is_answer() {
            return Err(serde_json::Error::custom("no candidate, no block reason"));
        }
        let mut pieces = Pieces::default();
        response.into_pieces(&mut pieces);
        Ok(pieces.into_decoded())
    }

    fn decode_error(body: &[u8]) -> Option<ErrorReport> {
        ErrorBody::read(body, ErrorBody::report)
    }
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
