//! OpenAI's Chat Completions, also spoken by DeepSeek and every compatible server:
//! <https://platform.openai.com/docs/api-reference/chat>.
//!
//! Compatible servers leave out fields that they do not know, or send them as `null`, so every
//! field is optional but those that lead to the text.

mod answer;
mod stream;

use std::borrow::Cow;

use http::{HeaderMap, header};
use serde::Serialize;
use serde::de::Error as _;
use serde_json::Value;

use self::answer::Chat;
use super::assembly::Pieces;
use super::error_report::{ErrorBody, ErrorReport};
use super::json;
use super::{DecodedAnswer, WireFormat};
use crate::credential::Secret;
use crate::model::{AnswerSchema, Capability, Delivery, Part, Role, Turn};
use crate::provider::Call;
use crate::transport::Credential;

/// The `openai` dialect.
pub(crate) struct OpenAi;

impl WireFormat for OpenAi {
    type Stream = stream::OpenAiStream;

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
        let chat: Chat = json::object(body)?;
        if chat.choices.is_empty() {
            return Err(serde_json::Error::custom("`choices` is empty"));
        }
        let mut pieces = Pieces::default();
        chat.into_pieces(&mut pieces);
        Ok(pieces.into_decoded())
    }

    fn decode_error(body: &[u8]) -> Option<ErrorReport> {
        ErrorBody::read(body, |body| body.report().or_else(|| body.sentence()))
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
/// only their text.
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
