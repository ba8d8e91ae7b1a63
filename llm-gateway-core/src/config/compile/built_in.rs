//! The providers that need no entry in the file.

use crate::model::Dialect;
use crate::policy::Listing;

/// A provider that needs no entry in the file.
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    pub(super) dialect: Dialect,
    pub(super) base_url: &'static str,
    /// The variable that overrides the base URL, if there is one.
    pub(super) base_url_variable: Option<&'static str>,
    pub(super) key_variable: &'static str,
    /// Whether descriptions list the provider although nothing uses it.
    pub(super) listing: Listing,
}

pub(super) const BUILT_IN_PROVIDERS: [BuiltIn; 6] = [
    BuiltIn {
        name: "openai",
        dialect: Dialect::OpenAi,
        base_url: "https://api.openai.com/v1",
        base_url_variable: Some("OPENAI_BASE_URL"),
        key_variable: "OPENAI_API_KEY",
        listing: Listing::Always,
    },
    BuiltIn {
        name: "anthropic",
        dialect: Dialect::Anthropic,
        base_url: "https://api.anthropic.com",
        base_url_variable: Some("ANTHROPIC_BASE_URL"),
        key_variable: "ANTHROPIC_API_KEY",
        listing: Listing::Always,
    },
    BuiltIn {
        name: "gemini",
        dialect: Dialect::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        base_url_variable: Some("GEMINI_BASE_URL"),
        key_variable: "GEMINI_API_KEY",
        listing: Listing::Always,
    },
    BuiltIn {
        name: "deepseek",
        dialect: Dialect::OpenAi,
        base_url: "https://api.deepseek.com/v1",
        base_url_variable: Some("DEEPSEEK_BASE_URL"),
        key_variable: "DEEPSEEK_API_KEY",
        listing: Listing::Always,
    },
    // <https://openrouter.ai/docs/quickstart>
    BuiltIn {
        name: "openrouter",
        dialect: Dialect::OpenAi,
        base_url: "https://openrouter.ai/api/v1",
        base_url_variable: None,
        key_variable: "OPENROUTER_API_KEY",
        listing: Listing::WithKey,
    },
    // <https://huggingface.co/docs/inference-providers/index>
    BuiltIn {
        name: "huggingface",
        dialect: Dialect::OpenAi,
        base_url: "https://router.huggingface.co/v1",
        base_url_variable: None,
        key_variable: "HF_TOKEN",
        listing: Listing::WithKey,
    },
];

/// Returns the variables that override a built-in provider's base URL, such as `OPENAI_BASE_URL`.
///
/// A `.env` file may set these and the key variables; all other variables must begin with
/// `LLM_GATEWAY_`.
pub fn base_url_variables() -> impl Iterator<Item = &'static str> {
    BUILT_IN_PROVIDERS.iter().filter_map(|built_in| built_in.base_url_variable)
}
