//! generateContent: <https://ai.google.dev/api/generate-content>.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::head::segment;
use super::places::Holds;
use super::{Format, Name, Reply};

/// The `gemini` dialect.
pub(super) struct Gemini;

impl Format for Gemini {
    const PLACES: &'static [(&'static str, Holds)] = &[
        ("/systemInstruction/parts/*/text", Holds::System),
        ("/contents/*/role", Holds::Speaker { user: "user", system: None }),
        ("/contents/*/parts/*/text", Holds::Said),
        ("/generationConfig/maxOutputTokens", Holds::Whole),
    ];

    fn schema(schema: &Value) -> Vec<(&'static str, Value)> {
        vec![
            ("/generationConfig/responseMimeType", "application/json".into()),
            ("/generationConfig/responseJsonSchema", schema.clone()),
        ]
    }

    fn paths(model: &str) -> Vec<String> {
        let model = segment(model);
        vec![
            format!("/v1beta/models/{model}:generateContent"),
            format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
        ]
    }

    type Document = Document;

    fn take(document: Document, reply: &mut Reply) -> Result<(), String> {
        let version = document.model_version.0;
        // Some answers name the model as a resource.
        let model = version.map(|id| id.strip_prefix("models/").unwrap_or(&id).to_owned());
        Name(model).settle(&mut reply.model, "model")?;
        document.response_id.settle(&mut reply.response_id, "response id")?;
        if document.error.is_some() {
            return Err("it is an error".to_owned());
        }
        // Absent where the prompt was blocked, and in an event that only counts tokens.
        let candidates = document.candidates.unwrap_or_default();
        let content = candidates.into_iter().next().and_then(|candidate| candidate.content);
        let parts = content.and_then(|content| content.parts).unwrap_or_default();
        let texts = parts.into_iter().filter(|part| part.thought != Some(true));
        reply.text.extend(texts.filter_map(|part| part.text));
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(default)]
    model_version: Name,
    #[serde(default)]
    response_id: Name,
    candidates: Option<Vec<Candidate>>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Candidate {
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Vec<Piece>>,
}

#[derive(Deserialize)]
struct Piece {
    text: Option<String>,
    /// A summary of the model's reasoning.
    thought: Option<bool>,
}
