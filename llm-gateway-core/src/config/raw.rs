//! The serde mirror of `routing.yaml`, in which nearly everything is optional and nothing is
//! checked.
//!
//! These types are the single source of three things: the JSON Schema that editors use, the
//! structural check (`structure`), and what `compile` reads. An editor shows the doc comments, so
//! they speak to the person who edits the file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub(super) use super::raw_provider::{RawKind, RawLimits, RawProvider};

use super::raw_budget::RawBudget;
use super::raw_orchestration::RawOrchestration;
use super::raw_output::RawOutput;

/// Returns the JSON Schema of `routing.yaml`, as `llm-gateway schema` prints it.
pub fn json_schema() -> Value {
    let mut schema = schemars::SchemaGenerator::default().into_root_schema_for::<RawPolicy>();
    schema.insert("title".into(), "llm-gateway routing.yaml".into());
    let mut schema = schema.into();
    forbid_null(&mut schema);
    schema
}

/// The key whose null has a meaning: the provider needs no key.
const NULLABLE: &str = "api_key_env";

/// Removes null from every schema but that of [`NULLABLE`]. The generator allows null wherever a
/// key is optional. But a key whose value was left empty is a mistake: if it counted as absent, a
/// default would replace the intended value.
fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type") != Some(&"null".into()));
                if let [only] = choices.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    map.extend(only.as_object().cloned().into_iter().flatten());
                }
            }
            // What is generated for an optional key says that null is its default.
            if map.get("default") == Some(&Value::Null) {
                map.remove("default");
            }
            let below = map.iter_mut().filter(|(key, _)| *key != NULLABLE);
            below.for_each(|(_, value)| forbid_null(value));
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}

/// A routing policy of llm-gateway.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    /// The version of this file's format; always "1.0.0".
    pub(super) version: Option<String>,
    /// The task classes, and how each is answered.
    pub(super) defaults: IndexMap<String, RawRoute>,
    /// The check of a call's price before it is made.
    pub(super) cost_preflight: Option<RawPreflight>,
    /// How independent the members of each panel must be.
    pub(super) visibility: Option<IndexMap<String, RawVisibility>>,
    /// The models to ask, in this order, when the model of a task class gives no answer.
    #[schemars(with = "Option<IndexMap<String, Option<Vec<RawTarget>>>>")]
    pub(super) fallback: Option<IndexMap<String, Option<RawTargets>>>,
    /// Plan, execute, verify: tasks that are planned, carried out and verified.
    pub(super) orchestration: Option<RawOrchestration>,
    /// Providers beside the built-in openai, anthropic, gemini, deepseek, openrouter and
    /// huggingface. An entry with one of these names overrides it field by field.
    pub(super) providers: Option<IndexMap<String, Option<RawProvider>>>,
    /// Deadlines, retries and the circuit breaker.
    pub(super) reliability: Option<RawReliability>,
    /// Where receipts of panels and orchestrations are written; default: nowhere.
    pub(super) receipts: Option<RawReceipts>,
    /// What results hold and how large they are.
    pub(super) output: Option<RawOutput>,
}

/// How one task class is answered: by one model (`provider` and `model`), by a panel
/// (`members`) or by a cascade (`cascade`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoute {
    /// The provider that serves the model.
    pub(super) provider: Option<String>,
    /// The model, as its provider names it.
    pub(super) model: Option<String>,
    /// The members of a panel: models that are asked the same question and cannot see each other.
    #[schemars(with = "Option<Vec<RawTarget>>")]
    pub(super) members: Option<RawTargets>,
    /// A cascade: cheap models are asked first, and a strong one if they disagree.
    pub(super) cascade: Option<RawCascade>,
    /// How it is decided whether the answers of a panel agree; default: normalized_exact. A cascade
    /// has its own `agree`.
    pub(super) agree: Option<RawAgree>,
    /// The bound on output tokens, reasoning included; default: the model's `max_output`, else
    /// 4096.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(super) max_tokens: Option<u64>,
    /// The most that all attempts of a panel may cost together, in US dollars. A panel whose worst
    /// case costs more is refused, and a retry that could cost more is not made.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) cost_cap_usd: Option<f64>,
    /// The most that the calls of this task class may cost together in a session, a day or a month.
    pub(super) budget: Option<RawBudget>,
    /// What the task class is good for. Agents read this when they choose a task class.
    pub(super) rationale: Option<String>,
    /// Seconds after which a request ends, whatever has happened; default:
    /// `reliability.deadline_s`.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) deadline_s: Option<f64>,
    /// Whether a caller may name another model of the same provider; default: true.
    pub(super) allow_override: Option<bool>,
}

/// A list of targets. A target that was refused is `None`, so that the others keep their places in
/// the file.
pub(super) type RawTargets = Vec<Option<RawTarget>>;

/// A model at a provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTarget {
    /// The provider that serves the model.
    pub(super) provider: String,
    /// The model, as its provider names it.
    pub(super) model: String,
}

/// A cascade: cheap, distinct models answer without seeing each other. If they agree, theirs is the
/// answer; if not, a strong model is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCascade {
    /// The cheap models: at least two, at most 64.
    #[schemars(with = "Vec<RawTarget>")]
    pub(super) gate: RawTargets,
    /// The strong model, which is asked if the gate disagrees.
    #[serde(rename = "else")]
    pub(super) otherwise: RawTarget,
    /// How it is decided whether answers agree; default: normalized_exact.
    pub(super) agree: Option<RawAgree>,
}

/// How it is decided whether answers agree.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawAgree {
    /// Answers agree if they are written alike, apart from emphasis, a closing full stop and the
    /// like.
    NormalizedExact,
    /// Answers that are numbers agree if their values are equal, such as 2.50 and 2.5; all others
    /// as in `normalized_exact`. For questions whose answer is never a version or a code.
    ByValue,
}

/// The check of a call's price before it is made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPreflight {
    /// Whether the price is checked; default: true.
    pub(super) enabled: Option<bool>,
    /// How many characters the estimate counts as one token; default: 4.
    #[schemars(range(min = 0.1, max = 100))]
    pub(super) chars_per_token: Option<f64>,
    /// The price in US dollars from which on the answer carries a warning.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) warn_usd: Option<f64>,
    /// The price in US dollars from which on the call is refused.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) block_usd: Option<f64>,
}

/// How independent the members of a panel must be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVisibility {
    /// How members relate: `blind` means that no member sees another's answer.
    #[allow(dead_code)] // one word is allowed, so there is nothing to compile
    pub(super) mode: Option<Mode>,
    /// What a member is shown: `original_prompt_only` is the caller's own prompt and nothing else.
    #[allow(dead_code)] // as `mode`
    pub(super) members_see: Option<MembersSee>,
    /// What a panel that is not certified leads to: `hard` makes it an error, `soft` a result that
    /// says so; default: soft.
    pub(super) enforce: Option<RawEnforce>,
    /// The level of independence that must be reached; default: model_distinct.
    pub(super) require: Option<RawLevel>,
    /// How many members must answer; default: all.
    #[schemars(range(min = 2, max = 64))]
    pub(super) quorum: Option<u32>,
}

/// How the members of a panel relate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// No member sees another's answer.
    Blind,
}

/// What a member of a panel is shown.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum MembersSee {
    /// The member is shown the caller's own prompt and nothing else.
    OriginalPromptOnly,
}

/// What a panel that is not certified leads to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawEnforce {
    /// The request fails, with the answers attached.
    Hard,
    /// The result says that it is not certified.
    Soft,
}

/// Levels of independence. Each level includes the one before.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawLevel {
    /// Nothing is required.
    None,
    /// No member saw another's answer.
    ContextBlind,
    /// The models that answered are pairwise distinct.
    ModelDistinct,
    /// The developers of the models are pairwise distinct, too.
    VendorDistinct,
    /// The families that the models descend from are pairwise distinct, too.
    LineageDistinct,
}

/// Deadlines, retries and the circuit breaker.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReliability {
    /// Seconds over all waits, retries and fallbacks of a request; default: 300.
    #[schemars(range(min = 0.001, max = 86_400))]
    pub(super) deadline_s: Option<f64>,
    /// Further attempts at the same target.
    pub(super) retry: Option<RawRetry>,
    /// The circuit breaker: when a failing target is no longer asked.
    pub(super) breaker: Option<RawBreaker>,
}

/// Further attempts at the same target.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetry {
    /// How many attempts may follow the first; default: 3.
    #[schemars(range(min = 0, max = 20))]
    pub(super) max_retries: Option<u32>,
    /// Seconds of the first wait between two attempts; default: 1.
    #[schemars(range(min = 0, max = 3_600))]
    pub(super) base_delay_s: Option<f64>,
    /// Seconds of the longest wait between two attempts; default: 30.
    #[schemars(range(min = 0, max = 3_600))]
    pub(super) max_delay_s: Option<f64>,
}

/// The circuit breaker: when a failing target is no longer asked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBreaker {
    /// How many failures in a row open the breaker; default: 5.
    #[schemars(range(min = 1, max = 1_000))]
    pub(super) failure_threshold: Option<u32>,
    /// Seconds for which the breaker stays open; default: 60.
    #[schemars(range(min = 0, max = 86_400))]
    pub(super) cooldown_s: Option<f64>,
}

/// Where receipts of panels and orchestrations are written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReceipts {
    /// The directory of the receipts. A relative path starts at the policy file.
    pub(super) dir: String,
    /// Whether the recorded bytes are written beside each receipt; default: false.
    pub(super) bundle: Option<bool>,
    /// How many receipts are kept; default: 256.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) keep: Option<u32>,
}
