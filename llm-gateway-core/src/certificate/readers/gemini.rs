//! generateContent: <https://ai.google.dev/api/generate-content>.

use serde::Deserialize;
use serde_json::Value;

use super::head::segment;
use super::places::Holds;
use super::{Draft, Format, Name};

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

    type Whole = Document;

    type Event = Document;

    const END: Option<&'static str> = None;

    fn whole(document: Document, draft: &mut Draft) -> Result<(), String> {
        Self::event(document, draft)
    }

    /// Each is a whole response with the next part of the text. What follows a reason to stop is
    /// still read: older models and proxies write one into every event.
    fn event(document: Document, draft: &mut Draft) -> Result<(), String> {
        // Some answers name the model as a resource.
        let model = document.model_version.0;
        let model = model.map(|id| id.strip_prefix("models/").unwrap_or(&id).to_owned());
        Name(model).settle(&mut draft.reply.model, "model")?;
        draft.identify(&document.response_id)?;
        // Absent where the prompt was blocked, and in an event that only counts tokens.
        let candidate = document.candidates.unwrap_or_default().into_iter().next();
        let Some(Candidate { content, finish_reason }) = candidate else { return Ok(()) };
        draft.stopped |= finish_reason.is_some();
        let parts = content.and_then(|content| content.parts).unwrap_or_default();
        let texts = parts.into_iter().filter(|part| part.thought != Some(true));
        draft.reply.text.extend(texts.filter_map(|part| part.text));
        Ok(())
    }

    /// Such a stream ends with its body.
    fn is_ended(draft: &Draft) -> bool {
        draft.stopped
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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
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
