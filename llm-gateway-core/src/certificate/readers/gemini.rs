//! Reads generateContent: <https://ai.google.dev/api/generate-content>.

use serde_json::Value;

use super::head::segment;
use super::name::ReportedName;
use super::partial::PartialResponse;
use super::places::Holds;
use super::reasons::AnswerEnd;
use super::{Format, complaint, fields};

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

    const STREAM_FIELDS: &'static [&'static str] = &[];

    const STREAM_URL: Option<(&'static str, &'static str)> =
        Some((":streamGenerateContent?alt=sse", ":generateContent"));

    type Progress = ();

    const END: Option<&'static str> = None;

    fn whole(document: &Value, partial: &mut PartialResponse) -> Result<(), String> {
        Self::event("", document, &mut (), partial);
        match is_blocked(document) || candidate(document).is_some() {
            true => Ok(()),
            false => Err("it has no `candidates`".to_owned()),
        }
    }

    /// Reads an event, which has the form of a whole response and contains the next part of the
    /// text. Events after a reason to stop are still read, because older models and proxies write
    /// one into every event.
    fn event(_: &str, document: &Value, (): &mut (), partial: &mut PartialResponse) {
        // Some answers name the model as a resource: `models/…`.
        let model = ReportedName::at(fields::either(document, ["modelVersion", "model_version"]));
        let model = model.0.map(|id| id.strip_prefix("models/").unwrap_or(&id).to_owned());
        partial.name_model(&ReportedName(model));
        let id = fields::either(document, ["responseId", "response_id"]);
        partial.identify(&ReportedName::at(id));
        // There is no candidate if the prompt was blocked, and in an event that only counts tokens.
        if let Some(candidate) = candidate(document) {
            take(candidate, partial);
        }
        if is_blocked(document) {
            partial.ending = Some(AnswerEnd::Finished);
        }
        partial.count(fields::either(document, ["usageMetadata", "usage_metadata"]));
    }

    /// Returns whether the answer is complete. The format has no event that ends a stream, which
    /// ends with its body.
    fn is_ended(partial: &PartialResponse) -> bool {
        partial.ending.is_some()
    }
}

/// Returns the candidate in a response. Only one is requested.
fn candidate(document: &Value) -> Option<&Value> {
    fields::objects(document.get("candidates")).into_iter().next()
}

/// Returns whether a response says that the prompt was blocked.
fn is_blocked(document: &Value) -> bool {
    let feedback = fields::either(document, ["promptFeedback", "prompt_feedback"]);
    let reason = feedback.and_then(|it| fields::either(it, ["blockReason", "block_reason"]));
    fields::text(reason).is_some_and(|reason| !reason.is_empty())
}

/// Adds the text of a candidate. Summaries of the model's reasoning are not text of the answer.
fn take(candidate: &Value, partial: &mut PartialResponse) {
    partial.has_error |= candidate.get("error").is_some_and(complaint::says_something);
    for part in fields::objects(candidate.pointer("/content/parts")) {
        if part.get("thought") != Some(&Value::Bool(true)) {
            partial.say(&fields::texts(part.get("text")));
        }
    }
    partial.stop(fields::text(fields::either(candidate, ["finishReason", "finish_reason"])));
}
