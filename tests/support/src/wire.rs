//! The wire formats of the providers, written down from their public documentation: where a
//! request goes, what a refusal looks like, and the words for how an answer ended.

use serde_json::{Value, json};

/// A provider's wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// OpenAI's Chat Completions.
    OpenAi,
    /// Chat Completions, with DeepSeek's own way to report cached tokens.
    DeepSeek,
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
}

impl Wire {
    /// Returns the path at which a request for `model` arrives.
    pub fn path(self, model: &str) -> String {
        match self {
            Self::OpenAi | Self::DeepSeek => "/v1/chat/completions".to_owned(),
            Self::Anthropic => "/v1/messages".to_owned(),
            Self::Gemini => format!("/v1beta/models/{model}:generateContent"),
        }
    }

    /// Returns the end of a base URL of this format.
    pub fn base(self) -> &'static str {
        match self {
            Self::OpenAi | Self::DeepSeek => "/v1",
            Self::Anthropic | Self::Gemini => "",
        }
    }

    /// Returns the body of a refusal. `code` is the field that distinguishes failures.
    pub fn refusal(self, status: u16, code: &str, message: &str) -> Value {
        match self {
            Self::OpenAi | Self::DeepSeek => json!({
                "error": { "message": message, "type": code, "param": null, "code": code },
            }),
            Self::Anthropic => json!({
                "type": "error", "error": { "type": code, "message": message },
                "request_id": "req_1",
            }),
            Self::Gemini => json!({
                "error": { "code": status, "message": message, "status": code },
            }),
        }
    }

    /// Returns the word for an answer that is complete.
    pub fn stop(self) -> &'static str {
        match self {
            Self::OpenAi | Self::DeepSeek => "stop",
            Self::Anthropic => "end_turn",
            Self::Gemini => "STOP",
        }
    }

    /// Returns the word for an answer that reached the bound on its tokens.
    pub fn length(self) -> &'static str {
        match self {
            Self::OpenAi | Self::DeepSeek => "length",
            Self::Anthropic => "max_tokens",
            Self::Gemini => "MAX_TOKENS",
        }
    }

    /// Returns the word for an answer that a safety system stopped.
    pub fn safety(self) -> &'static str {
        match self {
            Self::OpenAi | Self::DeepSeek => "content_filter",
            Self::Anthropic => "refusal",
            Self::Gemini => "SAFETY",
        }
    }
}
