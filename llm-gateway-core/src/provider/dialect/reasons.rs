//! The reasons why models stop: one table for all dialects, because proxies pass on the words of
//! other APIs.
//!
//! A word is compared without case, and with `_` for a blank or a dash. A word that names a failure
//! makes the attempt fail, because the text may be half an answer. Any other unknown word is
//! [`FinishReason::Other`], and an empty word is no reason.

use super::lenient::table_word;
use crate::error::Category;
use crate::model::FinishReason;

/// The meaning of a finish reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FinishMeaning {
    /// The model stopped, for the given reason.
    Finished(FinishReason),
    /// The provider failed while it answered.
    Failed(Category),
}

use FinishReason::{ContentFilter, Length, Stop, ToolCalls};

/// The finish reasons of each API.
///
/// - OpenAI: <https://platform.openai.com/docs/api-reference/chat/object>
/// - Anthropic: <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>
/// - Gemini: <https://ai.google.dev/api/generate-content#FinishReason>
/// - Mistral: <https://docs.mistral.ai/api/>
/// - Cohere: <https://docs.cohere.com/reference/chat>
/// - Bedrock: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>
/// - Z.ai: <https://docs.z.ai/api-reference/llm/chat-completion>
/// - Hugging Face TGI: <https://huggingface.co/docs/text-generation-inference>
/// - Responses: <https://platform.openai.com/docs/api-reference/responses/object>
const FINISH_WORDS: &[(&str, FinishReason)] = &[
    ("stop", Stop),
    ("end_turn", Stop),
    ("stop_sequence", Stop),
    ("complete", Stop),
    ("completed", Stop),
    ("eos", Stop),
    ("eos_token", Stop),
    ("end", Stop),
    ("done", Stop),
    ("finished", Stop),
    ("length", Length),
    ("max_tokens", Length),
    ("max_output_tokens", Length),
    ("max_completion_tokens", Length),
    ("max_length", Length),
    ("model_length", Length),
    ("model_context_window_exceeded", Length),
    ("context_length_exceeded", Length),
    ("error_limit", Length),
    ("content_filter", ContentFilter),
    ("content_filtered", ContentFilter),
    ("refusal", ContentFilter),
    ("safety", ContentFilter),
    ("recitation", ContentFilter),
    ("blocklist", ContentFilter),
    ("prohibited_content", ContentFilter),
    ("spii", ContentFilter),
    ("image_safety", ContentFilter),
    ("image_prohibited_content", ContentFilter),
    ("image_recitation", ContentFilter),
    ("model_armor", ContentFilter),
    ("guardrail_intervened", ContentFilter),
    ("sensitive", ContentFilter),
    ("error_toxic", ContentFilter),
    ("moderation", ContentFilter),
    ("blocked", ContentFilter),
    ("tool_calls", ToolCalls),
    ("tool_call", ToolCalls),
    ("tool_use", ToolCalls),
    ("function_call", ToolCalls),
];

/// The beginnings of words that name a failure, in any API: `error` (OpenRouter), `abort`
/// (SGLang, vLLM), `insufficient_system_resource` (DeepSeek), `network_error` (Z.ai),
/// `user_cancel` (Cohere), `timeout` (proxies).
const FAILURES: &[(&str, Category)] = &[
    ("timeout", Category::Timeout),
    ("time_out", Category::Timeout),
    ("timed_out", Category::Timeout),
    ("deadline", Category::Timeout),
    ("resource", Category::Overloaded),
    ("overload", Category::Overloaded),
    ("capacity", Category::Overloaded),
    ("rate_limit", Category::RateLimit),
    ("abort", Category::Truncated),
    ("cancel", Category::Truncated),
    ("interrupt", Category::Truncated),
    ("preempt", Category::Truncated),
    ("disconnect", Category::Truncated),
    ("error", Category::Provider5xx),
    ("fail", Category::Provider5xx),
    ("exception", Category::Provider5xx),
];

/// Returns the meaning of a finish reason; `None` for an empty one.
pub(crate) fn read(word: &str) -> Option<FinishMeaning> {
    let word = normalized(word);
    // Gemini's "unspecified" says as much as an empty word.
    if word.is_empty() || matches!(word.as_str(), "null" | "none" | "unspecified") {
        return None;
    }
    if let Some((_, reason)) = FINISH_WORDS.iter().find(|(known, _)| *known == word) {
        return Some(FinishMeaning::Finished(*reason));
    }
    let names = |stem: &str| {
        word.match_indices(stem)
            .any(|(at, _)| at == 0 || word.as_bytes().get(at - 1) == Some(&b'_'))
    };
    let failure = FAILURES.iter().find(|(stem, _)| names(stem));
    Some(match failure {
        Some((_, category)) => FinishMeaning::Failed(*category),
        None => FinishMeaning::Finished(FinishReason::Other),
    })
}

/// Returns a word without its case and the names around it. An enumeration of Python prints as
/// `FinishReason.STOP`, one of Protocol Buffers as `FINISH_REASON_STOP`.
fn normalized(word: &str) -> String {
    let word = table_word(word);
    let word = word.rsplit('.').next().unwrap_or_default();
    word.strip_prefix("finish_reason_").unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_every_spelling() {
        for (known, reason) in FINISH_WORDS {
            let capitals = known.to_ascii_uppercase();
            for spelling in [
                (*known).to_owned(),
                known.replace('_', "-"),
                format!(" {capitals} "),
                format!("FINISH_REASON_{capitals}"),
                format!("FinishReason.{capitals}"),
                capitals,
            ] {
                assert_eq!(read(&spelling), Some(FinishMeaning::Finished(*reason)), "{spelling}");
            }
        }
    }

    #[test]
    fn a_word_that_names_a_failure_is_that_failure() {
        for (word, category) in [
            ("error", Category::Provider5xx),
            ("network_error", Category::Provider5xx),
            ("MODEL_ERROR", Category::Provider5xx),
            ("failed", Category::Provider5xx),
            ("abort", Category::Truncated),
            ("aborted", Category::Truncated),
            ("user_cancel", Category::Truncated),
            ("cancelled", Category::Truncated),
            ("canceled", Category::Truncated),
            ("TIMEOUT", Category::Timeout),
            ("timed out", Category::Timeout),
            ("insufficient_system_resource", Category::Overloaded),
            ("engine_overloaded", Category::Overloaded),
            ("RESOURCE_EXHAUSTED", Category::Overloaded),
        ] {
            assert_eq!(read(word), Some(FinishMeaning::Failed(category)), "{word}");
        }
    }

    #[test]
    fn an_empty_word_is_no_reason_and_an_unknown_one_is_another() {
        for word in ["", "  ", "null", "None", "FINISH_REASON_UNSPECIFIED"] {
            assert_eq!(read(word), None, "{word:?}");
        }
        for word in ["pause_turn", "LANGUAGE", "OTHER", "mirrors", "terror", "compaction"] {
            assert_eq!(read(word), Some(FinishMeaning::Finished(FinishReason::Other)), "{word}");
        }
    }
}
