//! Reads generateContent: <https://ai.google.dev/api/generate-content>.

use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::Value;

use super::head::segment;
use super::places::Holds;
use super::usage::{Tally, count, or_zero};
use super::{Format, PartialResponse, ReportedName};
use crate::model::Usage;

/// The reader of the dialect `gemini`.
pub(super) struct GeminiReader;

impl Format for GeminiReader {
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

    type Whole = GeminiDocument;

    type Event = GeminiDocument;

    const END: Option<&'static str> = None;

    fn whole(document: GeminiDocument, partial: &mut PartialResponse) -> Result<(), String> {
        Self::event(document, partial)
    }

    /// Each event has the form of a whole response and contains the next part of the text. What
    /// follows a reason to stop is still read, because older models and proxies write one into
    /// every event.
    fn event(document: GeminiDocument, partial: &mut PartialResponse) -> Result<(), String> {
        // Some answers name the model as a resource: `models/…`.
        let model = document.model_version.0;
        let model = model.map(|id| id.strip_prefix("models/").unwrap_or(&id).to_owned());
        ReportedName(model).settle(&mut partial.reply.model, "model")?;
        partial.identify(&document.response_id)?;
        // There is no candidate if the prompt was blocked, and in an event that only counts tokens.
        let candidate = document.candidates.unwrap_or_default().into_iter().next();
        let Some(Candidate { content, finish_reason }) = candidate else { return Ok(()) };
        partial.stopped |= finish_reason.is_some();
        let parts = content.and_then(|content| content.parts).unwrap_or_default();
        let texts = parts.into_iter().filter(|part| part.thought != Some(true));
        partial.reply.text.extend(texts.filter_map(|part| part.text));
        Ok(())
    }

    /// The format has no event that ends a stream: it ends with its body.
    fn is_ended(partial: &PartialResponse) -> bool {
        partial.stopped
    }

    /// Before the end, the output count is not final.
    fn usage(response: &Value, tally: &mut Tally) -> ControlFlow<()> {
        let ends = ["/candidates/0/finishReason", "/promptFeedback/blockReason"];
        let is_there = |place: &&str| response.pointer(place).is_some_and(Value::is_string);
        tally.ended |= ends.iter().any(is_there);
        if tally.ended {
            tally.usage = response.get("usageMetadata").and_then(usage_from).or(tally.usage);
        }
        ControlFlow::Continue(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GeminiDocument {
    #[serde(default)]
    model_version: ReportedName,
    #[serde(default)]
    response_id: ReportedName,
    candidates: Option<Vec<Candidate>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<CandidateContent>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct CandidateContent {
    parts: Option<Vec<CandidatePart>>,
}

#[derive(Deserialize)]
struct CandidatePart {
    text: Option<String>,
    /// Whether the part is a summary of the model's reasoning.
    thought: Option<bool>,
}

/// Reads the counts, as documented at
/// <https://ai.google.dev/api/generate-content#UsageMetadata>. A count of zero is left out.
fn usage_from(usage: &Value) -> Option<Usage> {
    // The prompt's count includes cached tokens. Results of tools and thoughts are counted apart.
    let cached = or_zero(usage, "/cachedContentTokenCount")?;
    let prompt = count(usage, "/promptTokenCount")??.saturating_sub(cached);
    let thoughts = or_zero(usage, "/thoughtsTokenCount")?;
    Some(Usage {
        input_uncached: prompt.saturating_add(or_zero(usage, "/toolUsePromptTokenCount")?),
        cache_read: cached,
        cache_write: 0,
        output: or_zero(usage, "/candidatesTokenCount")?.saturating_add(thoughts),
        reasoning: thoughts,
    })
}
