//! The serde mirror of `providers` in `routing.yaml`, in which nothing is checked. An editor shows
//! the doc comments, so they speak to the person who edits the file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::raw_model::RawModel;

/// A provider of models.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvider {
    /// The wire format that the provider speaks. It is required for a provider that is not built
    /// in.
    pub(super) kind: Option<RawKind>,
    /// Scheme, host and path prefix of the provider's API, such as http://127.0.0.1:11434/v1.
    pub(super) base_url: Option<String>,
    /// Whether plain http to a host that is not this machine is allowed. Keys then travel
    /// unencrypted; default: false.
    pub(super) insecure_http: Option<bool>,
    /// The variable that holds the provider's key; null means that it needs no key.
    #[serde(default, deserialize_with = "present")]
    pub(super) api_key_env: Option<Option<String>>,
    /// Headers that are sent with each request, such as `x-portkey-provider: openai`. `${NAME}` in
    /// a value stands for a variable of the environment.
    pub(super) headers: Option<IndexMap<String, String>>,
    /// Seconds that one attempt may take, from the connect to the last byte; default: 300.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) timeout_s: Option<f64>,
    /// Seconds of silence that are allowed between bytes, the wait for the first byte included;
    /// default: 120.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) idle_timeout_s: Option<f64>,
    /// Whether answers are asked for as a stream; default: true. A server that refuses that is
    /// asked once more without it.
    pub(super) stream: Option<bool>,
    /// How much of the provider may be used.
    pub(super) limits: Option<RawLimits>,
    /// What is known about the provider's models, by id. A row overrides the built-in data.
    pub(super) models: Option<IndexMap<String, RawModel>>,
}

/// A wire format, which a provider speaks.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawKind {
    /// OpenAI's Chat Completions, also spoken by DeepSeek, Ollama, vLLM and many others.
    Openai,
    /// Anthropic's Messages API.
    Anthropic,
    /// Google's generateContent.
    Gemini,
}

/// How much of a provider may be used.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    /// The most requests per minute.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) requests_per_minute: Option<u32>,
    /// The most tokens per minute, input and output together.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) tokens_per_minute: Option<u32>,
    /// The most calls at one time.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) concurrent: Option<u32>,
}

/// Deserializes a key that is null as `Some(None)`, to distinguish it from one that is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
