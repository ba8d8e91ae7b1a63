//! An answer, and how each wire format writes it as one JSON body.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::Wire;

/// The number of the next answer of this process.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The tokens that an answer reports as used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    /// Tokens of the prompt, cached ones included.
    pub(crate) input: u64,
    /// Tokens of the prompt that the provider had in its cache.
    pub(crate) cached: u64,
    /// Tokens of the answer, reasoning included.
    pub(crate) output: u64,
    /// Tokens spent on reasoning. Anthropic counts them and does not report them.
    pub(crate) reasoning: u64,
}

impl Tokens {
    /// A count of tokens of each kind.
    pub(crate) const OF_EACH_KIND: Self = Self { input: 20, cached: 5, output: 10, reasoning: 4 };

    /// A count without cached tokens and reasoning.
    pub(crate) const PLAIN: Self = Self { input: 11, cached: 0, output: 3, reasoning: 0 };
}

/// An answer of a model, before a wire format writes it.
pub(crate) struct Answer<'a> {
    pub(crate) model: &'a str,
    pub(crate) text: &'a str,
    /// The reason why the answer ended, in the format's own word.
    pub(crate) reason: &'a str,
    pub(crate) tokens: Tokens,
    /// The number of which the answer's id is made. As at a real provider, no two answers have the
    /// same id.
    pub(crate) number: u32,
}

impl<'a> Answer<'a> {
    /// Returns an answer that reports tokens of each kind.
    pub(crate) fn ending(model: &'a str, text: &'a str, reason: &'a str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { model, text, reason, tokens: Tokens::OF_EACH_KIND, number }
    }

    /// Returns the usage of Chat Completions, as OpenAI reports it.
    fn openai_usage(&self) -> Value {
        let Tokens { input, cached, output, reasoning } = self.tokens;
        json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            "prompt_tokens_details": { "cached_tokens": cached },
            "completion_tokens_details": { "reasoning_tokens": reasoning },
        })
    }

    /// Returns the usage of Chat Completions, as DeepSeek reports it.
    fn deepseek_usage(&self) -> Value {
        let Tokens { input, cached, output, reasoning } = self.tokens;
        json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            "prompt_cache_hit_tokens": cached, "prompt_cache_miss_tokens": input - cached,
            "completion_tokens_details": { "reasoning_tokens": reasoning },
        })
    }

    fn chat_completion(&self, usage: Value) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.number), "object": "chat.completion",
            "created": 1_790_000_000, "model": self.model,
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": self.text, "refusal": null },
                "finish_reason": self.reason,
            }],
            "usage": usage,
        })
    }

    fn message(&self) -> Value {
        let Tokens { input, cached, output, .. } = self.tokens;
        json!({
            "id": format!("msg_{}", self.number), "type": "message", "role": "assistant",
            "model": self.model, "content": [{ "type": "text", "text": self.text }],
            "stop_reason": self.reason, "stop_sequence": null,
            "usage": {
                "input_tokens": input - cached, "cache_read_input_tokens": cached,
                "cache_creation_input_tokens": 0, "output_tokens": output,
            },
        })
    }

    fn generated_content(&self) -> Value {
        let Tokens { input, cached, output, reasoning } = self.tokens;
        json!({
            "candidates": [{
                "content": { "role": "model", "parts": [{ "text": self.text }] },
                "finishReason": self.reason, "index": 0,
            }],
            "usageMetadata": {
                "promptTokenCount": input, "cachedContentTokenCount": cached,
                "candidatesTokenCount": output - reasoning, "thoughtsTokenCount": reasoning,
                "totalTokenCount": input + output,
            },
            "modelVersion": self.model, "responseId": format!("r{}", self.number),
        })
    }
}

impl Wire {
    /// Returns a complete answer that reports 20 tokens in, 5 of them cached, and 10 out, 4 of
    /// them reasoning (which Anthropic counts and does not report).
    pub fn answer(self, model: &str, text: &str) -> Value {
        self.answer_ending(model, text, self.stop())
    }

    /// Returns an answer that ended for `reason`, in the format's own word.
    pub fn answer_ending(self, model: &str, text: &str, reason: &str) -> Value {
        self.write(&Answer::ending(model, text, reason))
    }

    /// Writes an answer as one JSON body.
    pub(crate) fn write(self, answer: &Answer<'_>) -> Value {
        match self {
            Self::OpenAi => answer.chat_completion(answer.openai_usage()),
            Self::DeepSeek => answer.chat_completion(answer.deepseek_usage()),
            Self::Anthropic => answer.message(),
            Self::Gemini => answer.generated_content(),
        }
    }
}
