//! Anthropic's Messages API: <https://platform.claude.com/docs/en/api/messages>.

mod answer;
mod stream;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::Error as _;
use serde_json::Value;

use self::answer::AnswerMessage;
use super::assembly::Pieces;
use super::error_report::{ErrorBody, ErrorReport};
use super::json;
use super::{DecodedAnswer, WireFormat};
use crate::credential::Secret;
use crate::model::{AnswerSchema, Delivery, Part, Role, Turn};
use crate::provider::Call;
use crate::transport::Credential;

/// The `anthropic` dialect: the Messages API.
pub(crate) struct Anthropic;

impl WireFormat for Anthropic {
    type Stream = stream::AnthropicStream;

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
        let message: AnswerMessage = json::object(body)?;
        if !message.is_answer() {
            return Err(serde_json::Error::custom("it has no `content` and no `stop_reason`"));
        }
        let mut pieces = Pieces::default();
        message.into_pieces(&mut pieces);
        Ok(pieces.into_decoded())
    }

    fn decode_error(body: &[u8]) -> Option<ErrorReport> {
        ErrorBody::read(body, ErrorBody::report)
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

/// The schema that an answer must follow. Sending it requires no beta header any more:
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
