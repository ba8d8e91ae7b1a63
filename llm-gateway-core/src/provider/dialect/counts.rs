//! The token counts of providers: one table of places and names, and one rule, for all dialects.
//!
//! Proxies put the counts of one API under the names of another, so every dialect searches all of
//! them. A count can be `20`, `20.0` or `"20"`. The rule, in the order in which it is applied:
//!
//! 1. Among several reports in one answer, the largest of each count holds: tokens are never returned.
//! 2. A part that is larger than its whole is not included in it, and is added.
//! 3. The excess of the total over input and output is output.
//! 4. A report that says 0 beside text counts nothing.
//! 5. A report that still contradicts itself is doubted, and its larger side is taken.

use serde_json::Value;

use crate::model::Usage;

/// The kind of tokens that a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CountKind {
    /// Input with its cached part.
    Input,
    /// Input tokens, which exclude the cached part if [`CacheRead`](Self::CacheRead) or
    /// [`CacheWrite`](Self::CacheWrite) is reported too.
    InputTokens,
    /// Tokens of tool results, which the input count does not include.
    ToolInput,
    /// Output with its reasoning.
    Output,
    /// Reasoning tokens, which the output count does not include.
    Thoughts,
    /// Reasoning within the output.
    Reasoning,
    /// Input and output together.
    Total,
    /// The cached part within the input.
    Cached,
    /// Input read from the cache, by Anthropic's name.
    CacheRead,
    /// Input written to the cache, within the input.
    Written,
    /// Input written to the cache, by Anthropic's name.
    CacheWrite,
}

use CountKind::{
    CacheRead, CacheWrite, Cached, Input, InputTokens, Output, Reasoning, Thoughts, ToolInput,
    Total, Written,
};

/// The places of the counts in a usage object.
///
/// - OpenAI: <https://platform.openai.com/docs/api-reference/chat/object>
/// - Responses: <https://platform.openai.com/docs/api-reference/responses/object>
/// - Anthropic: <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>
/// - Gemini: <https://ai.google.dev/api/generate-content#UsageMetadata>
/// - DeepSeek: <https://api-docs.deepseek.com/guides/kv_cache>
/// - Moonshot: <https://platform.moonshot.ai/docs/api/chat>
/// - Bedrock: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>
const PLACES: &[(&str, CountKind)] = &[
    ("prompt_tokens", Input),
    ("promptTokenCount", Input),
    ("prompt_token_count", Input),
    ("input_tokens", InputTokens),
    ("inputTokens", InputTokens),
    ("toolUsePromptTokenCount", ToolInput),
    ("tool_use_prompt_token_count", ToolInput),
    ("completion_tokens", Output),
    ("output_tokens", Output),
    ("outputTokens", Output),
    ("candidatesTokenCount", Output),
    ("candidates_token_count", Output),
    ("thoughtsTokenCount", Thoughts),
    ("thoughts_token_count", Thoughts),
    ("completion_tokens_details/reasoning_tokens", Reasoning),
    ("output_tokens_details/reasoning_tokens", Reasoning),
    ("output_tokens_details/thinking_tokens", Reasoning),
    ("reasoning_tokens", Reasoning),
    ("total_tokens", Total),
    ("totalTokens", Total),
    ("totalTokenCount", Total),
    ("total_token_count", Total),
    ("prompt_tokens_details/cached_tokens", Cached),
    ("input_tokens_details/cached_tokens", Cached),
    ("cached_tokens", Cached),
    ("prompt_cache_hit_tokens", Cached),
    ("cachedContentTokenCount", Cached),
    ("cached_content_token_count", Cached),
    ("cache_read_input_tokens", CacheRead),
    ("cacheReadInputTokens", CacheRead),
    ("prompt_tokens_details/cache_write_tokens", Written),
    ("prompt_tokens_details/cache_creation_tokens", Written),
    ("cache_creation_input_tokens", CacheWrite),
    ("cacheWriteInputTokens", CacheWrite),
];

/// The number of kinds of counts.
const COUNT_KINDS: usize = 11;

/// The counts of one answer, each the largest that was reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts([Option<u64>; COUNT_KINDS]);

/// The tokens of a report, and whether the report agrees with itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReportedUsage {
    pub(crate) usage: Usage,
    /// Whether the counts contradict each other. The larger side is then taken.
    pub(crate) is_doubted: bool,
}

impl Counts {
    /// Reads a usage object. A field that is no count is treated as absent.
    pub(crate) fn of(report: &Value) -> Self {
        let mut counts = Self::default();
        // Almost every event of a stream has no report.
        if !report.is_object() {
            return counts;
        }
        for (place, counted) in PLACES {
            let found = place.split('/').try_fold(report, |at, name| at.get(name));
            counts.raise(*counted, found.and_then(number));
        }
        counts
    }

    /// Returns these counts joined with other counts of the same answer. The larger one of each
    /// kind holds.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
        self
    }

    /// Returns whether any output is counted. Output is the last to be known.
    pub(crate) fn has_output(&self) -> bool {
        let count = |counted| self.at(counted).unwrap_or(0);
        let input = count(Input).max(count(InputTokens)).saturating_add(count(ToolInput));
        [Output, Thoughts, Reasoning].into_iter().any(|counted| count(counted) > 0)
            || count(Total) > input
    }

    /// Returns these counts without those of the output, which are final only at the end of an
    /// answer.
    pub(crate) fn without_output(mut self) -> Self {
        for counted in [Output, Thoughts, Reasoning, Total] {
            if let Some(count) = self.0.get_mut(counted as usize) {
                *count = None;
            }
        }
        self
    }

    /// Returns the tokens that the counts add up to. Returns `None` if input or output is not
    /// counted, or if one of them is 0 `beside_text`, which is impossible.
    pub(crate) fn usage(&self, beside_text: bool) -> Option<ReportedUsage> {
        let count = |counted| self.at(counted).unwrap_or(0);
        let base = self.at(Input).max(self.at(InputTokens))?;
        let read = count(Cached).max(count(CacheRead));
        let write = count(Written).max(count(CacheWrite));
        let parts = read.saturating_add(write);
        let in_words_of_anthropic = self.at(Input).is_none()
            && (self.at(CacheRead).is_some() || self.at(CacheWrite).is_some());
        let uncached = match in_words_of_anthropic || parts > base {
            true => base,
            false => base - parts,
        };
        let input_uncached = uncached.saturating_add(count(ToolInput));
        let input = input_uncached.saturating_add(parts);
        let thoughts = count(Thoughts);
        let reported = count(Output).saturating_add(thoughts);
        let within = count(Reasoning);
        let reasoned = if within > reported { reported.saturating_add(within) } else { reported };
        let total = count(Total);
        let sum = input.saturating_add(reasoned);
        let output = reasoned.saturating_add(total.saturating_sub(sum));
        let is_counted = [Output, Thoughts, Total].iter().any(|place| self.at(*place).is_some());
        if !is_counted || (beside_text && (output == 0 || input == 0)) {
            return None;
        }
        // Some totals leave the cached part out.
        let is_sum = total >= sum || total == sum - parts;
        let usage = Usage {
            input_uncached,
            cache_read: read,
            cache_write: write,
            output,
            reasoning: thoughts.max(within),
        };
        Some(ReportedUsage { usage, is_doubted: total > 0 && !is_sum })
    }

    fn at(&self, counted: CountKind) -> Option<u64> {
        self.0.get(counted as usize).copied().flatten()
    }

    fn raise(&mut self, counted: CountKind, to: Option<u64>) {
        if let Some(slot) = self.0.get_mut(counted as usize) {
            *slot = (*slot).max(to);
        }
    }
}

/// Reads a number of tokens, in any of its forms.
fn number(value: &Value) -> Option<u64> {
    let whole = |number: f64| {
        let fits = number.fract() == 0.0 && (0.0..=9.0e15).contains(&number);
        // The range above is exact in both types.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        fits.then_some(number as u64)
    };
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole(text.parse().ok()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn usage(report: &Value) -> Option<ReportedUsage> {
        Counts::of(report).usage(true)
    }

    /// Returns the counts of a report: uncached input, read, written, output, reasoning.
    fn tokens(report: &Value) -> [u64; 5] {
        let ReportedUsage { usage, is_doubted } =
            usage(report).unwrap_or_else(|| panic!("{report}"));
        assert!(!is_doubted, "{report}");
        [usage.input_uncached, usage.cache_read, usage.cache_write, usage.output, usage.reasoning]
    }

    #[test]
    fn every_place_counts() {
        for (report, counted) in [
            (json!({"prompt_tokens": 20, "completion_tokens": 5}), [20, 0, 0, 5, 0]),
            (json!({"prompt_tokens": 20.0, "completion_tokens": "5"}), [20, 0, 0, 5, 0]),
            (json!({"prompt_tokens": " 20 ", "completion_tokens": "5.0"}), [20, 0, 0, 5, 0]),
            (json!({"input_tokens": 20, "output_tokens": 5}), [20, 0, 0, 5, 0]),
            (json!({"inputTokens": 20, "outputTokens": 5, "totalTokens": 25}), [20, 0, 0, 5, 0]),
            (
                json!({"prompt_tokens": 19, "completion_tokens": 13, "total_tokens": 32, "cached_tokens": 12}),
                [7, 12, 0, 13, 0],
            ),
            (
                json!({"input_tokens": 15, "cache_read_input_tokens": 2048, "output_tokens": 5}),
                [15, 2048, 0, 5, 0],
            ),
            (
                json!({"prompt_tokens": 30, "cache_read_input_tokens": 10, "completion_tokens": 5}),
                [20, 10, 0, 5, 0],
            ),
            (
                json!({"input_tokens": 30, "input_tokens_details": {"cached_tokens": 10}, "output_tokens": 5}),
                [20, 10, 0, 5, 0],
            ),
            (
                json!({"promptTokenCount": 20, "toolUsePromptTokenCount": 4, "candidatesTokenCount": 5,
                    "thoughtsTokenCount": 7, "totalTokenCount": 36}),
                [24, 0, 0, 12, 7],
            ),
        ] {
            assert_eq!(tokens(&report), counted, "{report}");
        }
    }

    #[test]
    fn a_part_beyond_its_whole_is_added() {
        let reasoned = json!({"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81,
            "completion_tokens_details": {"reasoning_tokens": 60}});
        assert_eq!(tokens(&reasoned), [21, 0, 0, 60, 60]);
        let beside = json!({"prompt_tokens": 10, "completion_tokens": 50, "total_tokens": 360,
            "completion_tokens_details": {"reasoning_tokens": 300}});
        assert_eq!(tokens(&beside), [10, 0, 0, 350, 300]);
        let cached = json!({"prompt_tokens": 10, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 100}});
        assert_eq!(tokens(&cached), [10, 100, 0, 5, 0]);
    }

    #[test]
    fn what_the_total_has_beyond_is_output() {
        let thinking = json!({"prompt_tokens": 20, "completion_tokens": 424, "total_tokens": 1016});
        assert_eq!(tokens(&thinking), [20, 0, 0, 996, 0]);
        let zero = json!({"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 360});
        assert_eq!(tokens(&zero), [10, 0, 0, 350, 0]);
        let absent = json!({"prompt_tokens": 9, "total_tokens": 265});
        assert_eq!(tokens(&absent), [9, 0, 0, 256, 0]);
    }

    #[test]
    fn zero_beside_text_counts_nothing() {
        for report in [
            json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
            json!({"prompt_tokens": 20, "completion_tokens": 0}),
            json!({"prompt_tokens": 0, "completion_tokens": 5}),
            json!({"prompt_tokens": 20}),
            json!({"completion_tokens": 5}),
            json!({"prompt_tokens": null, "completion_tokens": null}),
            json!({"prompt_tokens": -1, "completion_tokens": 5}),
            json!(null),
            json!([20, 5]),
        ] {
            assert_eq!(usage(&report), None, "{report}");
        }
        let no_text = json!({"prompt_tokens": 20, "completion_tokens": 0});
        assert_eq!(Counts::of(&no_text).usage(false).unwrap().usage, Usage::new(20, 0));
    }

    #[test]
    fn a_total_below_its_parts_is_doubted_unless_it_leaves_the_cache_out() {
        let less = json!({"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 9});
        let doubted = usage(&less).unwrap();
        assert!(doubted.is_doubted);
        assert_eq!(doubted.usage, Usage::new(20, 5));
        let without_cache = json!({"input_tokens": 15, "cache_read_input_tokens": 2048,
            "output_tokens": 5, "total_tokens": 20});
        assert_eq!(tokens(&without_cache), [15, 2048, 0, 5, 0]);
    }

    /// Returns reports as a server may write them, each with the least input and output that it
    /// must add up to.
    fn reports() -> impl Strategy<Value = (Value, u64, u64)> {
        let count = 0_u64..100_000;
        (count.clone(), count.clone(), count.clone(), count.clone(), any::<[bool; 4]>()).prop_map(
            |(input, output, cached, reasoning, has)| {
                let mut report = serde_json::Map::new();
                let write = |number: u64, as_text: bool| match as_text {
                    true => json!(number.to_string()),
                    false => json!(number),
                };
                report.insert("prompt_tokens".into(), write(input, has[0]));
                report.insert("completion_tokens".into(), write(output, has[1]));
                if has[2] {
                    let details = json!({"cached_tokens": cached});
                    report.insert("prompt_tokens_details".into(), details);
                }
                if has[3] {
                    let details = json!({"reasoning_tokens": reasoning});
                    report.insert("completion_tokens_details".into(), details);
                }
                // What a calculator that knows nothing of parts would bill at least.
                (Value::Object(report), input, output)
            },
        )
    }

    proptest! {
        #[test]
        fn no_report_is_billed_below_its_own_counts((report, input, output) in reports()) {
            match usage(&report) {
                None => prop_assert!(input == 0 || output == 0),
                Some(ReportedUsage { usage, .. }) => {
                    prop_assert!(usage.input() >= input && usage.output >= output);
                    prop_assert!(usage.output >= usage.reasoning);
                }
            }
        }

        #[test]
        fn a_later_report_takes_nothing_back((one, ..) in reports(), (other, ..) in reports()) {
            let (one, other) = (Counts::of(&one), Counts::of(&other));
            let (both, first) = (one.and(other), one);
            prop_assert_eq!(both, other.and(one));
            for (after, before) in both.0.iter().zip(first.0) {
                prop_assert!(*after >= before);
            }
        }
    }
}
