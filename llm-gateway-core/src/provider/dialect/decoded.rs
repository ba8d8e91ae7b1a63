//! A decoded answer, and whether it can be used.
//!
//! Every dialect decodes into the same [`DecodedAnswer`]. [`DecodedAnswer::complete`] decides
//! whether it is a completion or which failure it is.

use super::ErrorReport;
use super::counts::ReportedUsage;
use crate::error::Category;
use crate::model::{Capability, Completion, FinishReason, NanoUsd, OutputPart, is_blank};
use crate::provider::Call;

/// A decoded answer, before it is decided whether it can be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DecodedAnswer {
    /// The text, reasoning excluded.
    pub(crate) text: String,
    /// The reason why the model stopped; [`FinishReason::Other`] if the body does not state one.
    pub(crate) finish_reason: FinishReason,
    /// The failure that the finish reason names, and the reason's word.
    pub(crate) failed: Option<(Category, String)>,
    /// The error that the answer contains.
    pub(crate) error: Option<ErrorReport>,
    /// The provider's explanation of its refusal to answer.
    pub(crate) refusal: Option<String>,
    /// The model that answered, as the body names it.
    pub(crate) model: Option<String>,
    /// The provider's id of the response.
    pub(crate) response_id: Option<String>,
    /// The service tier at which the request was served, if the body names one.
    pub(crate) service_tier: Option<String>,
    /// The tokens, in the shape that all dialects share.
    pub(crate) usage: Option<ReportedUsage>,
    /// The cost that the provider states.
    pub(crate) reported_cost: Option<NanoUsd>,
}

/// The reason why an answer cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnusableAnswer {
    /// The category of the failure.
    pub(crate) category: Category,
    /// The failure, as the end of a sentence that begins with the provider's name.
    pub(crate) message: String,
    /// Advice that depends on this answer, such as a larger bound.
    pub(crate) hint: Option<String>,
    /// The text that the answer has all the same, reasoning excluded.
    pub(crate) text: String,
    /// The tokens that the provider bills, although the attempt failed.
    pub(crate) usage: Option<ReportedUsage>,
    /// The model that is billed.
    pub(crate) model: Option<String>,
}

impl DecodedAnswer {
    /// Returns the completion, if the answer can be used. Any text makes an answer unless the
    /// provider says that it failed; without text, the reason decides.
    pub(crate) fn complete(mut self, call: &Call) -> Result<Completion, Box<UnusableAnswer>> {
        if call.capabilities.contains(&Capability::ThinkTags) {
            self.text = without_thinking(&self.text).to_owned();
        }
        if self.failed.is_some() || is_no_answer(&self.text) {
            return Err(Box::new(self.unusable(call.max_tokens)));
        }
        let usage = self.usage;
        Ok(Completion {
            parts: vec![OutputPart::Text(self.text)],
            finish_reason: self.finish_reason,
            model: self.model,
            response_id: self.response_id,
            service_tier: self.service_tier,
            usage: usage.map(|reported| reported.usage),
            usage_is_doubted: usage.is_some_and(|reported| reported.is_doubted),
            reported_cost: self.reported_cost,
        })
    }

    fn unusable(self, max_tokens: u64) -> UnusableAnswer {
        let reasoning = self.usage.map_or(0, |reported| reported.usage.reasoning);
        let (category, message, hint) = match (self.failed, self.refusal) {
            (Some((category, reason)), _) => {
                (category, format!("stopped in the middle of its answer: {reason}"), None)
            }
            (None, Some(refusal)) => {
                (Category::ContentFilter, format!("refused to answer: {refusal}"), None)
            }
            (None, None) => without_text(self.finish_reason, reasoning, max_tokens),
        };
        let Self { text, usage, model, .. } = self;
        UnusableAnswer { category, message, hint, text, usage, model }
    }
}

/// Returns whether a text is no answer, because a reader sees nothing of it.
pub(in crate::provider) fn is_no_answer(text: &str) -> bool {
    text.chars().all(is_blank)
}

/// Returns the category of an answer without any text, what it did, and advice, by the `reason` for
/// which the model stopped.
pub(in crate::provider) fn without_text(
    reason: FinishReason,
    reasoning: u64,
    max_tokens: u64,
) -> (Category, String, Option<String>) {
    match reason {
        FinishReason::ContentFilter => {
            (Category::ContentFilter, "refused to answer".to_owned(), None)
        }
        FinishReason::Length => (
            Category::OutputBudgetExhausted,
            format!("used up all {max_tokens} output tokens before any text"),
            Some(larger_bound(reasoning, max_tokens)),
        ),
        _ => (Category::EmptyOutput, "answered without any text".to_owned(), None),
    }
}

/// Returns the text behind a leading `<think>…</think>`, in which some servers leave the reasoning
/// of models that were trained to write it. Without an end tag all of the text is reasoning.
pub(in crate::provider) fn without_thinking(text: &str) -> &str {
    let Some(thinking) = text.trim_start().strip_prefix("<think>") else { return text };
    thinking.split_once("</think>").map_or("", |(_, answer)| answer.trim_start())
}

/// Returns the text behind a leading `<think>…</think>` of an answer that is still arriving; `None`
/// while it is not certain where that text begins.
pub(crate) fn text_behind_thinking(text: &str) -> Option<&str> {
    const OPEN: &str = "<think>";
    let begun = text.trim_start();
    if OPEN.starts_with(begun) || (begun.starts_with(OPEN) && !begun.contains("</think>")) {
        return None;
    }
    Some(without_thinking(text))
}

/// Advises a larger bound on output tokens. The bound that would have been enough is unknown,
/// because the model was stopped while it thought. Room for as much thinking again, and for as much
/// text as was asked for, is a fair guess.
fn larger_bound(reasoning: u64, max_tokens: u64) -> String {
    let thinking = if reasoning > 0 { reasoning } else { max_tokens };
    let enough = thinking.saturating_mul(2).saturating_add(max_tokens);
    if reasoning > 0 {
        format!(
            "{reasoning} tokens went into reasoning under a bound of {max_tokens}; \
             set max_tokens to {enough}"
        )
    } else {
        format!("the bound was {max_tokens} tokens; set max_tokens to {enough}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_leaves_room_for_thinking_and_text() {
        let hint = larger_bound(1_984, 2_048);
        assert!(hint.contains("1984") && hint.contains("2048") && hint.contains("6016"), "{hint}");
        assert!(larger_bound(0, 100).contains("set max_tokens to 300"));
    }
}
