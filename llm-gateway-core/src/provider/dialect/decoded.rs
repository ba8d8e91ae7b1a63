//! A decoded answer, and whether it can be used.
//!
//! Every dialect decodes into the same [`DecodedAnswer`]. [`DecodedAnswer::complete`] decides
//! whether it is a completion or which failure it is.

use crate::error::Category;
use crate::model::{Completion, FinishReason, NanoUsd, OutputPart, Usage};

/// An answer as it was decoded, before it is known whether it can be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DecodedAnswer {
    /// The pieces of the answer's text, reasoning excluded.
    pub(crate) texts: Vec<String>,
    /// Why the model stopped; [`FinishReason::Other`] if the body does not say.
    pub(crate) finish_reason: FinishReason,
    /// The provider's explanation, if it refused to answer.
    pub(crate) refusal: Option<String>,
    /// The model that answered, as the body names it.
    pub(crate) model: Option<String>,
    /// The provider's id of the response.
    pub(crate) response_id: Option<String>,
    /// The token counts, in the shape that all dialects share.
    pub(crate) usage: Option<Usage>,
    /// The amount that the provider says it bills.
    pub(crate) reported_cost: Option<NanoUsd>,
}

/// Why an answer without text cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnusableAnswer {
    /// The category of the failure.
    pub(crate) category: Category,
    /// What happened, as the end of a sentence that begins with the provider's name.
    pub(crate) message: String,
    /// Advice that depends on this answer, such as a larger bound.
    pub(crate) hint: Option<String>,
    /// The tokens that are billed all the same.
    pub(crate) usage: Option<Usage>,
    /// The model that is billed.
    pub(crate) model: Option<String>,
}

impl DecodedAnswer {
    /// Turns the answer into a completion. Any text makes one, whatever stopped the model.
    ///
    /// # Errors
    /// Fails if there is no text; the category follows from why the model stopped.
    pub(crate) fn complete(mut self, max_tokens: u64) -> Result<Completion, Box<UnusableAnswer>> {
        if self.texts.iter().all(|text| text.trim().is_empty()) {
            return Err(Box::new(self.unusable(max_tokens)));
        }
        self.texts.retain(|text| !text.is_empty());
        Ok(Completion {
            parts: self.texts.into_iter().map(OutputPart::Text).collect(),
            finish_reason: self.finish_reason,
            model: self.model,
            response_id: self.response_id,
            usage: self.usage,
            reported_cost: self.reported_cost,
        })
    }

    fn unusable(self, max_tokens: u64) -> UnusableAnswer {
        let (category, message, hint) = match (self.finish_reason, self.refusal) {
            (_, Some(refusal)) => {
                (Category::ContentFilter, format!("refused to answer: {refusal}"), None)
            }
            (FinishReason::ContentFilter, None) => {
                (Category::ContentFilter, "refused to answer".to_owned(), None)
            }
            (FinishReason::Length, None) => (
                Category::OutputBudgetExhausted,
                format!("used up all {max_tokens} output tokens before any text"),
                Some(larger_bound(self.usage.unwrap_or_default().reasoning, max_tokens)),
            ),
            _ => (Category::EmptyOutput, "answered without any text".to_owned(), None),
        };
        UnusableAnswer { category, message, hint, usage: self.usage, model: self.model }
    }
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
