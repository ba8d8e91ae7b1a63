//! Where a provider is reached, and in which wire format.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ProviderName;

/// A wire format. `openai` means Chat Completions, `anthropic` the Messages API, `gemini`
/// generateContent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Dialect {
    /// OpenAI's Chat Completions, also spoken by DeepSeek and any compatible server.
    OpenAi,
    /// Anthropic's Messages API.
    Anthropic,
    /// Google's generateContent.
    Gemini,
    /// None of ours: a [`Provider`](crate::provider::Provider) that the embedding program brought.
    Own,
}

impl Dialect {
    /// The name that `kind:` has in the policy file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Own => "own",
        }
    }
}

/// How an answer is asked for. Either way a caller gets one whole completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// In one piece, when it is done.
    Whole,
    /// Piece by piece as it is written, as server-sent events.
    Stream,
}

/// One provider as the policy describes it, ready to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The provider's name in the policy.
    pub provider: ProviderName,
    /// The wire format it speaks.
    pub dialect: Dialect,
    /// Scheme, host and path prefix, without a closing slash, user-info or query.
    pub base_url: String,
    /// The variable that holds its key; `None` when it needs none.
    pub api_key_env: Option<String>,
    /// How its answers are asked for.
    pub delivery: Delivery,
    /// Bound on one attempt, from connect to the last byte.
    pub timeout: Duration,
    /// Bound on silence between bytes, the wait for the first one included.
    pub idle_timeout: Duration,
}
