//! The serde mirror of `routing.yaml`: everything optional, nothing checked yet.
//!
//! These types are the single source of three things: the JSON Schema that editors use,
//! the structural check (`structure`), and what `compile` reads. The doc comments are what
//! an editor shows, so they speak to the person who edits the file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// The JSON Schema of `routing.yaml`.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::SchemaGenerator::default().into_root_schema_for::<RawPolicy>();
    schema.insert("title".into(), "llm-gateway routing.yaml".into());
    schema.into()
}

/// A routing policy of llm-gateway.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    /// The version of this file's form: "1.0.0".
    pub(super) version: Option<String>,
    /// Task classes and how each is answered.
    pub(super) defaults: IndexMap<String, RawRoute>,
    /// The price check before a call.
    pub(super) cost_preflight: Option<RawPreflight>,
    /// The independence contract of each panel.
    pub(super) visibility: Option<IndexMap<String, RawVisibility>>,
    /// Alternates of each task class, in the order in which they are asked.
    #[schemars(with = "Option<IndexMap<String, Option<Vec<RawTarget>>>>")]
    pub(super) fallback: Option<IndexMap<String, Option<RawTargets>>>,
    /// Plan, execute, verify.
    pub(super) orchestration: Option<RawOrchestration>,
    /// Providers: adds to, or overrides field by field, openai, anthropic, gemini, deepseek.
    pub(super) providers: Option<IndexMap<String, Option<RawProvider>>>,
    /// Deadlines, retries and the circuit breaker.
    pub(super) reliability: Option<RawReliability>,
    /// Where receipts of panels and orchestrations are written; default: nowhere.
    pub(super) receipts: Option<RawReceipts>,
    /// Bounds on what a caller gets back.
    pub(super) output: Option<RawOutput>,
}

/// How one task class is answered: by one model (`provider` and `model`), by a panel
/// (`members`) or by a cascade (`cascade`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoute {
    /// Who serves the model.
    pub(super) provider: Option<String>,
    /// The model, as that provider names it.
    pub(super) model: Option<String>,
    /// A panel: models that are asked the same question and cannot see each other.
    #[schemars(with = "Option<Vec<RawTarget>>")]
    pub(super) members: Option<RawTargets>,
    /// A cascade: cheap models first, a strong one where they disagree.
    pub(super) cascade: Option<RawCascade>,
    /// The bound on output tokens.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(super) max_tokens: Option<u64>,
    /// A panel whose worst case is above this (US dollars) is refused, and a retry that could
    /// take it above this is not made.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) cost_cap_usd: Option<f64>,
    /// Why it is routed so. Agents read this when they choose a task class.
    pub(super) rationale: Option<String>,
    /// Seconds after which an answer is given, whatever happened.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) deadline_s: Option<f64>,
    /// Whether a caller may name another model of the same provider; default: true.
    pub(super) allow_override: Option<bool>,
}

/// A list of targets. One that was refused leaves a hole, so that the others keep their
/// places in the file.
pub(super) type RawTargets = Vec<Option<RawTarget>>;

/// A model at a provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTarget {
    /// Who serves the model.
    pub(super) provider: String,
    /// The model, as that provider names it.
    pub(super) model: String,
}

/// Cheap, distinct models answer blind; where they agree, that is the answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCascade {
    /// The cheap models, two at least.
    #[schemars(with = "Vec<RawTarget>")]
    pub(super) gate: RawTargets,
    /// Who is asked where the gate disagrees.
    #[serde(rename = "else")]
    pub(super) otherwise: RawTarget,
    /// How agreement is judged.
    #[allow(dead_code)] // one word is allowed, so there is nothing to compile
    pub(super) agree: Option<Agree>,
}

/// How agreement is judged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Agree {
    /// Equal after normalising numbers, booleans, option letters and JSON.
    NormalizedExact,
}

/// The price check before a call.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPreflight {
    /// Whether the price is checked; default: true.
    pub(super) enabled: Option<bool>,
    /// Characters per token of the estimate; default: 4.
    #[schemars(range(min = 0.1, max = 100))]
    pub(super) chars_per_token: Option<f64>,
    /// At or above this many US dollars the answer carries a warning.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) warn_usd: Option<f64>,
    /// At or above this many US dollars the call is refused.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) block_usd: Option<f64>,
}

/// The independence contract of a panel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVisibility {
    /// `blind`: no member sees another's answer.
    #[allow(dead_code)] // one word is allowed, so there is nothing to compile
    pub(super) mode: Option<Mode>,
    /// What a member is shown.
    #[allow(dead_code)] // as `mode`
    pub(super) members_see: Option<MembersSee>,
    /// `hard`: what cannot be certified is an error. `soft`: it is a result that says so.
    pub(super) enforce: Option<RawEnforce>,
    /// The level that must be reached; default: model_distinct.
    pub(super) require: Option<RawLevel>,
    /// How many members must answer; default: all.
    #[schemars(range(min = 2, max = 64))]
    pub(super) quorum: Option<u32>,
}

/// How members relate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// No member sees another's answer.
    Blind,
}

/// What a member is shown.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum MembersSee {
    /// The caller's own prompt and nothing else.
    OriginalPromptOnly,
}

/// What an uncertified panel leads to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawEnforce {
    /// An error, with the answers attached.
    Hard,
    /// A result that says so.
    Soft,
}

/// Levels of independence, each including the one before.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawLevel {
    /// Nothing is required.
    None,
    /// No member saw another's answer.
    ContextBlind,
    /// The models that answered are pairwise distinct.
    ModelDistinct,
    /// Their developers are, too.
    VendorDistinct,
    /// Their families are, too.
    LineageDistinct,
}

/// Plan, execute, verify.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOrchestration {
    /// Who plays which role.
    pub(super) roles: Option<RawRoles>,
    /// Instructions in place of the built-in ones.
    pub(super) instructions: Option<RawInstructions>,
    /// What each depth runs.
    pub(super) depth: Option<RawDepths>,
    /// The bound on the worst case of a whole orchestration, in US dollars.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) max_usd: Option<f64>,
    /// Seconds after which it ends with what there is; default: 600.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) deadline_s: Option<f64>,
    /// How the verifier answers; default: `plain` with an own verifier instruction, else
    /// `structured`.
    pub(super) verdict: Option<RawVerdict>,
}

/// Who plays which role.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoles {
    /// Who plans.
    pub(super) planner: Option<RawRole>,
    /// Who does the work.
    pub(super) worker: Option<RawRole>,
    /// Who judges it, without having seen the plan.
    pub(super) verifier: Option<RawRole>,
}

/// A model in a role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRole {
    /// Who serves the model.
    pub(super) provider: String,
    /// The model, as that provider names it.
    pub(super) model: String,
    /// The bound on output tokens.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(super) max_tokens: Option<u64>,
}

/// Instructions in place of the built-in ones.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInstructions {
    /// What the planner is told.
    pub(super) planner: Option<String>,
    /// What the worker is told.
    pub(super) worker: Option<String>,
    /// What the verifier is told.
    pub(super) verifier: Option<String>,
}

/// What each depth runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDepths {
    /// The least.
    pub(super) trivial: Option<RawDepth>,
    /// The default.
    pub(super) standard: Option<RawDepth>,
    /// The most.
    pub(super) complex: Option<RawDepth>,
}

/// Which steps a depth runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDepth {
    /// Whether a plan is made first.
    pub(super) plan: Option<bool>,
    /// Whether the artifact is verified.
    pub(super) verify: Option<bool>,
    /// Whether a refused artifact is worked on again.
    pub(super) replan_on_fail: Option<bool>,
    /// How often; default: 1.
    #[schemars(range(min = 0, max = 10))]
    pub(super) max_replans: Option<u32>,
}

/// How a verdict is asked for.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawVerdict {
    /// Structured output with a checklist.
    Structured,
    /// The plain words ACCEPT or REVISE: reasons.
    Plain,
}

/// A provider.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvider {
    /// The wire format it speaks. Needed for every provider that is not built in.
    pub(super) kind: Option<RawKind>,
    /// Scheme, host and path prefix, such as http://127.0.0.1:11434/v1.
    pub(super) base_url: Option<String>,
    /// Allows plain http to a host that is not this machine. Keys then travel unencrypted.
    pub(super) insecure_http: Option<bool>,
    /// The variable that holds its key; null = no key needed.
    #[serde(default, deserialize_with = "present")]
    pub(super) api_key_env: Option<Option<String>>,
    /// Seconds for one attempt, from connect to the last byte; default: 300.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) timeout_s: Option<f64>,
    /// Seconds of silence between bytes, the wait for the first one included; default: 120.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) idle_timeout_s: Option<f64>,
    /// Whether answers are asked for as a stream; default: true for the built-in four.
    pub(super) stream: Option<bool>,
    /// How much of it may be used.
    pub(super) limits: Option<RawLimits>,
    /// Rows that win over the built-in model data.
    pub(super) models: Option<IndexMap<String, RawModel>>,
}

/// A wire format.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawKind {
    /// Chat Completions, spoken by OpenAI, DeepSeek, Ollama, vLLM and many others.
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
    /// Requests per minute.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) requests_per_minute: Option<u32>,
    /// Tokens per minute, input and output together.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) tokens_per_minute: Option<u32>,
    /// Calls at one time.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) concurrent: Option<u32>,
}

/// What is known about a model. A row that sets `in` or `out` replaces all prices of a
/// built-in row. Prices are US dollars per 1 000 000 tokens.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    /// Price of input.
    #[serde(rename = "in")]
    #[schemars(range(min = 0, max = 1000))]
    pub(super) input: Option<f64>,
    /// Price of output.
    #[serde(rename = "out")]
    #[schemars(range(min = 0, max = 1000))]
    pub(super) output: Option<f64>,
    /// Price of input read from the provider's cache; default: as `in`.
    #[schemars(range(min = 0, max = 1000))]
    pub(super) cache_read: Option<f64>,
    /// Price of input written to the provider's cache; default: as `in`.
    #[schemars(range(min = 0, max = 1000))]
    pub(super) cache_write: Option<f64>,
    /// Tokens of input that it takes.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) context: Option<u64>,
    /// Tokens of output that it gives.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(super) max_output: Option<u64>,
    /// Who made it.
    pub(super) developer: Option<String>,
    /// The families it descends from.
    pub(super) lineage: Option<Vec<String>>,
    /// Other ids of the same model.
    pub(super) aliases: Option<Vec<String>>,
    /// What it can do or wants.
    pub(super) capabilities: Option<Vec<RawCapability>>,
}

/// What a model can do or wants.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawCapability {
    /// It thinks before it answers.
    Reasoning,
    /// It takes images.
    Vision,
    /// It can be held to a JSON schema.
    JsonSchema,
    /// It wants the bound on output as max_completion_tokens, as OpenAI's reasoning models do.
    MaxCompletionTokens,
}

/// Deadlines, retries and the circuit breaker.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReliability {
    /// Seconds over waits, retries and fallbacks of a request; default: 300.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) deadline_s: Option<f64>,
    /// Tries of the same target.
    pub(super) retry: Option<RawRetry>,
    /// When a failing target is left alone.
    pub(super) breaker: Option<RawBreaker>,
}

/// Tries of the same target.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetry {
    /// Tries beyond the first; default: 3.
    #[schemars(range(min = 0, max = 20))]
    pub(super) max_retries: Option<u32>,
    /// Seconds of the first backoff; default: 1.
    #[schemars(range(min = 0, max = 3_600))]
    pub(super) base_delay_s: Option<f64>,
    /// Seconds of the longest backoff; default: 30.
    #[schemars(range(min = 0, max = 3_600))]
    pub(super) max_delay_s: Option<f64>,
}

/// When a failing target is left alone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBreaker {
    /// Failures in a row that open it; default: 5.
    #[schemars(range(min = 1, max = 1_000))]
    pub(super) failure_threshold: Option<u32>,
    /// Seconds it stays open; default: 60.
    #[schemars(range(min = 0, max = 86_400))]
    pub(super) cooldown_s: Option<f64>,
}

/// Where receipts are written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReceipts {
    /// The directory; a relative path starts at the policy file.
    pub(super) dir: String,
    /// Whether the recorded bytes are written beside each receipt; default: false.
    pub(super) bundle: Option<bool>,
    /// How many are kept; default: 256.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) keep: Option<u32>,
}

/// Bounds on what a caller gets back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutput {
    /// The largest answer, in characters; default: 30000.
    #[schemars(range(min = 2_000, max = 10_000_000))]
    pub(super) max_chars: Option<usize>,
    /// Seconds after which a call hands off; 0 = never.
    #[schemars(range(min = 0, max = 3_600))]
    pub(super) handoff_after_s: Option<f64>,
}

/// Tells a key that is null (`Some(None)`) from one that is absent (`None`).
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
