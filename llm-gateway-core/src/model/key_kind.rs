//! The kinds of keys: which texts are secrets that have to be scrubbed.

/// The length in bytes of the shortest key that is scrubbed. Shorter texts turn up by chance.
const SHORTEST: usize = 7;

/// The length in bytes from which on a key is never taken for a mere word. Keys that providers
/// issue have 30 bytes and more.
const NEVER_A_WORD: usize = 16;

/// Words that documents tell people to use as a key where a server needs none but a client insists
/// on one, each with those documents' server. The words are public, and replacing them would garble
/// answers about the servers that they are named after.
const PLACEHOLDERS: [(&str, &str); 9] = [
    ("lm-studio", "https://lmstudio.ai/docs/app/api/endpoints/openai"),
    ("lmstudio", "https://lmstudio.ai/docs/developer/anthropic-compat"),
    ("ollama", "https://github.com/ollama/ollama/blob/main/docs/api/openai-compatibility.mdx"),
    ("sk-no-key-required", "https://github.com/ggml-org/llama.cpp/tree/master/tools/server"),
    (
        "empty",
        "https://docs.vllm.ai/en/v0.8.5/getting_started/examples/openai_completion_client.html",
    ),
    ("none", "https://docs.sglang.ai/basic_usage/openai_api_completions.html"),
    ("anything", "https://github.com/BerriAI/litellm/blob/main/litellm/proxy/README.md"),
    ("dummy", "https://pypi.org/project/openai-api-server-via-codex/"),
    ("not-needed", "https://theneuralbase.com/vllm/learn/beginner/openai-sdk-pointing-to-vllm/"),
];

/// The kind of a key: whether it is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// A key that is a secret.
    Secret,
    /// A key of 7 to 15 bytes without a digit. Such a key is a secret unless its server is on this
    /// machine, because local servers accept any word as a key.
    Word,
    /// A documented placeholder, which is no secret.
    Placeholder,
    /// A key of fewer than 7 bytes, which cannot be distinguished from other text.
    TooShort,
}

impl KeyKind {
    /// Returns the kind of a key.
    pub(crate) fn of(key: &str) -> Self {
        let is_placeholder = |(word, _): &(&str, &str)| key.eq_ignore_ascii_case(word);
        match key.len() {
            _ if PLACEHOLDERS.iter().any(is_placeholder) => Self::Placeholder,
            ..SHORTEST => Self::TooShort,
            NEVER_A_WORD.. => Self::Secret,
            _ if key.bytes().any(|byte| byte.is_ascii_digit()) => Self::Secret,
            _ => Self::Word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_secret_unless_it_is_known_to_be_none() {
        for (key, kind) in [
            ("sk-canary-openai-9f8e7d6c5b4a", KeyKind::Secret),
            ("sk-mastersecretx", KeyKind::Secret),
            ("sk-1234", KeyKind::Secret),
            ("sk-mastersecret", KeyKind::Word),
            ("letters", KeyKind::Word),
            ("sk-123", KeyKind::TooShort),
            ("", KeyKind::TooShort),
        ] {
            assert_eq!(KeyKind::of(key), kind, "{key}");
        }
        for key in ["Ollama", "LM-STUDIO", "sk-no-key-required", "EMPTY", "not-needed"] {
            assert_eq!(KeyKind::of(key), KeyKind::Placeholder, "{key}");
        }
    }
}
