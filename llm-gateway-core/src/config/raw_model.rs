//! The serde mirror of a model's row in `routing.yaml`, in which nothing is checked. An editor
//! shows the doc comments, so they speak to the person who edits the file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// What is known about a model. A row that sets `in` or `out` replaces all prices of a
/// built-in row. Prices are US dollars per 1 000 000 tokens.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    /// The price of input, in US dollars per 1 000 000 tokens.
    #[serde(rename = "in")]
    #[schemars(range(min = 0, max = 1000))]
    pub(super) input: Option<f64>,
    /// The price of output, in US dollars per 1 000 000 tokens.
    #[serde(rename = "out")]
    #[schemars(range(min = 0, max = 1000))]
    pub(super) output: Option<f64>,
    /// The price of input that is read from the provider's cache, in US dollars per 1 000 000
    /// tokens; default: as `in`.
    #[schemars(range(min = 0, max = 1000))]
    pub(super) cache_read: Option<f64>,
    /// The price of input that is written to the provider's cache, in US dollars per 1 000 000
    /// tokens; default: as `in`.
    #[schemars(range(min = 0, max = 1000))]
    pub(super) cache_write: Option<f64>,
    /// The most tokens of input that the model takes.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) context: Option<u64>,
    /// The most tokens of output that the model returns.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) max_output: Option<u64>,
    /// The developer of the model, such as meta. Panels and cascades compare it.
    pub(super) developer: Option<String>,
    /// The families that the model descends from, such as `[llama]`. Panels and cascades compare
    /// them.
    pub(super) lineage: Option<Vec<String>>,
    /// Other ids of the same model.
    pub(super) aliases: Option<Vec<String>>,
    /// Prices at other service tiers than the ordinary one, by the name that the provider gives the
    /// tier in its answer, such as priority or flex.
    pub(super) tiers: Option<IndexMap<String, RawServiceTier>>,
    /// What the model can do, and what its API requires.
    pub(super) capabilities: Option<Vec<RawCapability>>,
}

/// Prices of a model at one service tier, in US dollars per 1 000 000 tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawServiceTier {
    /// Price of input.
    #[serde(rename = "in")]
    #[schemars(range(min = 0, max = 1000))]
    pub(super) input: f64,
    /// Price of output.
    #[serde(rename = "out")]
    #[schemars(range(min = 0, max = 1000))]
    pub(super) output: f64,
    /// Price of input read from the provider's cache; default: as `in`.
    #[schemars(range(min = 0, max = 1000))]
    pub(super) cache_read: Option<f64>,
    /// Price of input written to the provider's cache; default: as `in`.
    #[schemars(range(min = 0, max = 1000))]
    pub(super) cache_write: Option<f64>,
}

/// What a model can do, or what its API requires.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawCapability {
    /// The model thinks before it answers.
    Reasoning,
    /// The model takes images.
    Vision,
    /// The model can be held to a JSON schema.
    JsonSchema,
    /// The API requires the bound on output as max_completion_tokens, as for OpenAI's reasoning
    /// models.
    MaxCompletionTokens,
    /// The model writes its reasoning into the text, as a leading <think>…</think>.
    ThinkTags,
}
