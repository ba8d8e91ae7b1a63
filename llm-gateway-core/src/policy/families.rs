//! Decides how a model without a row in any table is asked, by the family in its name.
//!
//! Prices and limits are never taken from a family. The name of the parameter that bounds output
//! is, because a call that names it wrongly is refused.

use crate::model::Capability;

/// The naming scheme of a provider's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelNames {
    /// The models are OpenAI's own, under OpenAI's names.
    OfOpenAi,
    /// Nothing is known about the names.
    Any,
}

/// The first generation of `gpt-N` that refuses `max_tokens`. Each model of the o-series refuses it
/// too. Source: <https://platform.openai.com/docs/api-reference/chat/create>, "max_tokens:
/// Deprecated in favor of max_completion_tokens, and is not compatible with o-series models", and
/// <https://developers.openai.com/api/docs/guides/reasoning>.
const FIRST_GPT: u32 = 5;

impl ModelNames {
    /// Returns the capabilities of a model without a row, as far as its name shows them.
    pub(crate) fn capabilities(self, model: &str) -> Vec<Capability> {
        match self {
            Self::OfOpenAi if refuses_max_tokens(model) => vec![Capability::MaxCompletionTokens],
            Self::OfOpenAi | Self::Any => Vec::new(),
        }
    }
}

/// Returns whether an OpenAI model of this name refuses `max_tokens`. A tuned model is named
/// `ft:` and the model that it was tuned from.
fn refuses_max_tokens(model: &str) -> bool {
    let name = model.strip_prefix("ft:").unwrap_or(model);
    let generation = |family: &str| {
        let rest = name.strip_prefix(family)?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse::<u32>().ok()
    };
    generation("o").is_some() || generation("gpt-").is_some_and(|number| number >= FIRST_GPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_o_series_and_gpt_5_and_newer_are_asked_by_the_new_name() {
        for newer in [
            "o1",
            "o3-pro-2099-01-01",
            "o5-mini",
            "gpt-5",
            "gpt-5.9",
            "gpt-7-luna",
            "gpt-12",
            "ft:o4-mini-2025-04-16:me::1",
        ] {
            let found = ModelNames::OfOpenAi.capabilities(newer);
            assert_eq!(found, [Capability::MaxCompletionTokens], "{newer}");
            assert_eq!(ModelNames::Any.capabilities(newer), [], "{newer}");
        }
        for other in [
            "gpt-4o-next",
            "gpt-4.9",
            "gpt-oss-120b",
            "gpt-",
            "openchat",
            "o",
            "omni-5",
            "ft:gpt-4o:me::1",
            "llama-5",
        ] {
            assert_eq!(ModelNames::OfOpenAi.capabilities(other), [], "{other}");
        }
    }
}
