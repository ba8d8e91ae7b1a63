//! Reads the token counts of a response into one form for all formats: each input token is counted
//! once, and reasoning is a part of the output.
//!
//! The places of all APIs are searched in every format, because proxies put the counts of one API
//! under the names of another. A value that is no count is treated as absent, and the answer is
//! read in any case.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::certificate::effort;
use crate::model::Usage;

/// The kind of tokens that a count is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TokenKind {
    /// Input, its cached part included.
    Input,
    /// Input, without its cached part if that is counted by Anthropic's names.
    InputOrUncached,
    /// Results of tools, counted apart from the input.
    ToolResults,
    /// Output, its reasoning included unless that is larger.
    Output,
    /// Reasoning, counted apart from the output.
    Thoughts,
    /// Reasoning within the output.
    Reasoning,
    /// Input and output together.
    Total,
    /// Input that was read from a cache.
    Read,
    /// Input that was read from a cache, as Anthropic counts it: beside the rest of the input.
    AnthropicRead,
    /// Input that was written to a cache.
    Written,
    /// Input that was written to a cache, as Anthropic counts it: beside the rest of the input.
    AnthropicWritten,
}

use TokenKind::{
    AnthropicRead, AnthropicWritten, Input, InputOrUncached, Output, Read, Reasoning, Thoughts,
    ToolResults, Total, Written,
};

/// The places of the counts in a report.
///
/// - OpenAI: <https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage>, and
///   <https://platform.openai.com/docs/api-reference/responses/object>
/// - DeepSeek: <https://api-docs.deepseek.com/guides/kv_cache>; Moonshot:
///   <https://platform.moonshot.ai/docs/api/chat>
/// - Anthropic: <https://platform.claude.com/docs/en/api/messages#usage>
/// - Bedrock: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>
/// - Gemini: <https://ai.google.dev/api/generate-content#UsageMetadata>
const PLACES: &[(TokenKind, &[&str])] = &[
    (Input, &["/prompt_tokens", "/promptTokenCount", "/prompt_token_count"]),
    (InputOrUncached, &["/input_tokens", "/inputTokens"]),
    (ToolResults, &["/toolUsePromptTokenCount", "/tool_use_prompt_token_count"]),
    (
        Output,
        &[
            "/completion_tokens",
            "/output_tokens",
            "/outputTokens",
            "/candidatesTokenCount",
            "/candidates_token_count",
        ],
    ),
    (Thoughts, &["/thoughtsTokenCount", "/thoughts_token_count"]),
    (
        Reasoning,
        &[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/output_tokens_details/thinking_tokens",
            "/reasoning_tokens",
        ],
    ),
    (Total, &["/total_tokens", "/totalTokens", "/totalTokenCount", "/total_token_count"]),
    (
        Read,
        &[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/cached_tokens",
            "/prompt_cache_hit_tokens",
            "/cachedContentTokenCount",
            "/cached_content_token_count",
        ],
    ),
    (AnthropicRead, &["/cache_read_input_tokens", "/cacheReadInputTokens"]),
    (
        Written,
        &[
            "/prompt_tokens_details/cache_write_tokens",
            "/prompt_tokens_details/cache_creation_tokens",
        ],
    ),
    (AnthropicWritten, &["/cache_creation_input_tokens", "/cacheWriteInputTokens"]),
];

/// The kinds of counts that are final only with the end of an answer.
const KNOWN_AT_THE_END: [TokenKind; 4] = [Output, Thoughts, Reasoning, Total];

/// The counts of one answer: the largest reported number of each kind, because no token is
/// returned.
#[derive(Debug, Default)]
pub(super) struct TokenCounts(BTreeMap<TokenKind, u64>);

impl TokenCounts {
    /// Reads one report.
    pub(super) fn of(report: Option<&Value>) -> Self {
        let largest = |places: &[&str]| {
            let counts = places.iter().filter_map(|place| count(report?.pointer(place)?));
            counts.max()
        };
        Self(PLACES.iter().filter_map(|(kind, places)| Some((*kind, largest(places)?))).collect())
    }

    /// Adds the counts of another report.
    pub(super) fn add(&mut self, other: Self) {
        effort::add(self.0.len() + other.0.len());
        for (kind, count) in other.0 {
            let largest = self.0.entry(kind).or_default();
            *largest = count.max(*largest);
        }
    }

    /// Returns the counts without those that are final only at the end of an answer.
    pub(super) fn without_output(mut self) -> Self {
        self.0.retain(|kind, _| !KNOWN_AT_THE_END.contains(kind));
        self
    }

    /// Returns whether any output was counted.
    pub(super) fn has_output(&self) -> bool {
        let input = self.sum_of_largest(&[&[Input, InputOrUncached], &[ToolResults]]);
        let output = self.sum_of_largest(&[&[Output], &[Thoughts], &[Reasoning]]);
        output > 0 || self.count(Total) > input
    }

    /// Returns the tokens that the counts add up to. Returns `None` if input or output was not
    /// counted.
    pub(super) fn usage(&self) -> Option<Usage> {
        let has = |kind: &TokenKind| self.0.contains_key(kind);
        let is_counted =
            [Input, InputOrUncached].iter().any(has) && [Output, Thoughts, Total].iter().any(has);
        if !is_counted {
            return None;
        }
        let cache_read = self.sum_of_largest(&[&[Read, AnthropicRead]]);
        let cache_write = self.sum_of_largest(&[&[Written, AnthropicWritten]]);
        let cached = cache_read.saturating_add(cache_write);
        let input = self.sum_of_largest(&[&[Input, InputOrUncached]]);
        let excludes_cached = !has(&Input) && [AnthropicRead, AnthropicWritten].iter().any(has);
        // A part that is larger than its whole is not within it.
        let within =
            if excludes_cached { 0 } else { Some(cached).filter(|n| *n <= input).unwrap_or(0) };
        let input_uncached = (input - within).saturating_add(self.count(ToolResults));
        let mut output = self.sum_of_largest(&[&[Output], &[Thoughts]]);
        if self.count(Reasoning) > output {
            output = output.saturating_add(self.count(Reasoning));
        }
        let known = input_uncached.saturating_add(cached).saturating_add(output);
        // What only the total contains is output as well.
        output = output.saturating_add(self.count(Total).saturating_sub(known));
        let reasoning = self.sum_of_largest(&[&[Thoughts, Reasoning]]);
        Some(Usage { input_uncached, cache_read, cache_write, output, reasoning })
    }

    fn count(&self, kind: TokenKind) -> u64 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// Adds up the largest count of each group of kinds that count the same tokens.
    fn sum_of_largest(&self, groups: &[&[TokenKind]]) -> u64 {
        let largest = groups.iter().map(|kinds| kinds.iter().map(|kind| self.count(*kind)).max());
        largest.flatten().fold(0, u64::saturating_add)
    }
}

/// Reads a count that is written as `20`, `20.0`, `"20"` or `"20.0"`.
fn count(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        // Up to here each whole number has a float of its own.
        let is_count = number.fract() == 0.0 && (0.0..=9.0e15).contains(&number);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        is_count.then_some(number as u64)
    })
}
