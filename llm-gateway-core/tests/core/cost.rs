//! Golden costs: what a provider reported in the words of its dialect, and what that costs to the
//! nano-dollar. Each test shows its arithmetic.
//!
//! A price of $1 per million tokens is 1 000 n$ a token.

use std::sync::Arc;

use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::{CostBasis, NanoUsd};
use llm_gateway_core::{Answer, Category, Envelope, Environment, Failure, Request, Scripted};
use serde_json::{Value, json};

use crate::support::{obeying, spent};

/// A policy with prices of its own, so that no change of the built-in data changes a sum here. The
/// models without a row are built in, except `gpt-4o-next`, which has no price.
const POLICY: &str = "
providers:
  openai:
    stream: false
    models:
      m: {in: 2, out: 8, cache_read: 0.5, cache_write: 2.5}
      uncached: {in: 2, out: 8}
      tiny: {in: 0.0015, out: 0.00125}
      tiered: {in: 2, out: 8, tiers: {priority: {in: 3.5, out: 14}, flex: {in: 1, out: 4}}}
  deepseek: {stream: false, models: {m: {in: 0.28, out: 0.42, cache_read: 0.028}}}
  anthropic: {stream: false, models: {m: {in: 3, out: 15, cache_read: 0.3, cache_write: 3.75}}}
  gemini: {stream: false, models: {m: {in: 1.25, out: 10, cache_read: 0.125}}}
  local:
    kind: openai
    base_url: http://127.0.0.1:11434/v1
    api_key_env: null
    models: {m: {in: 0, out: 0}}
reliability: {retry: {max_retries: 0}}
defaults:
  openai: {provider: openai, model: m, max_tokens: 100}
  uncached: {provider: openai, model: uncached, max_tokens: 100}
  tiny: {provider: openai, model: tiny, max_tokens: 100}
  tiered: {provider: openai, model: tiered, max_tokens: 100}
  gpt_4o: {provider: openai, model: gpt-4o, max_tokens: 100}
  gpt_4o_next: {provider: openai, model: gpt-4o-next, max_tokens: 100}
  gpt_6_luna: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  deepseek: {provider: deepseek, model: m, max_tokens: 100}
  anthropic: {provider: anthropic, model: m, max_tokens: 100}
  claude_haiku_5_5: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
  gemini: {provider: gemini, model: m, max_tokens: 100}
  gemini_2_5_pro: {provider: gemini, model: gemini-2.5-pro, max_tokens: 100}
  local: {provider: local, model: m, max_tokens: 100}
";

/// Asks `class` once, and the provider answers with `body`. Also returns what the ledger holds.
async fn asks(class: &str, body: &Value) -> (Result<Answer, Failure>, NanoUsd) {
    let ledger = Arc::new(MemoryLedger::new());
    let environment = Environment::empty()
        .with("LLM_GATEWAY_LEDGER", "1")
        .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    let builder = obeying(POLICY).environment(environment).ledger(ledger.clone());
    let script = Scripted::new().raw(200, body.to_string());
    let gateway = builder.scripted(script).build().unwrap();
    let outcome = gateway.route(Request::new(class, "hi")).await;
    gateway.drain().await.unwrap();
    (outcome, spent(&ledger, SpendBy::Model).await.settled)
}

/// The expected cost of an answer.
struct Expected {
    /// The expected tokens: input, output, total, cached input, reasoning.
    tokens: [u64; 5],
    /// The cost in nano-dollars, or `None` if it is unknown.
    nanos: Option<u64>,
    basis: CostBasis,
    /// Whether the tokens are a guess.
    is_guess: bool,
}

fn exact(tokens: [u64; 5], nanos: u64) -> Expected {
    Expected { tokens, nanos: Some(nanos), basis: CostBasis::Exact, is_guess: false }
}

/// Asserts that the envelope, the attempt and the ledger agree on the cost.
async fn check(class: &str, body: Value, expected: Expected) -> Envelope {
    let (outcome, settled) = asks(class, &body).await;
    let answer = outcome.unwrap();
    let amount = expected.nanos.map(NanoUsd::from_nanos);
    let envelope = Envelope::from(&answer);
    let [input, output, total, cached_input, reasoning] = expected.tokens;
    let mut tokens = json!({
        "input": input, "output": output, "total": total,
        "cached_input": cached_input, "reasoning": reasoning,
    });
    if expected.is_guess {
        tokens["estimated"] = json!(true);
    }
    assert_eq!(envelope.meta["tokens"], tokens, "{class}");
    assert_eq!((answer.cost.amount, answer.cost.basis), (amount, expected.basis), "{class}");
    assert_eq!(envelope.meta["cost_usd_approx"], json!(amount), "{class}");
    assert_eq!(answer.attempts[0].cost, amount, "{class}");
    assert_eq!(settled, amount.unwrap_or_default(), "{class}: the ledger");
    envelope
}

/// Returns an answer of Chat Completions.
fn chat(model: &str, usage: Value) -> Value {
    let choice = json!({"message": {"content": "Hello there!"}, "finish_reason": "stop"});
    json!({"model": model, "choices": [choice], "usage": usage})
}

/// Returns an answer of Messages.
fn messages(model: &str, usage: Value) -> Value {
    let content = json!([{"type": "thinking", "thinking": "..."}, {"type": "text", "text": "Hi"}]);
    json!({"model": model, "content": content, "stop_reason": "end_turn", "usage": usage})
}

/// Returns an answer of generateContent.
fn generated(model: &str, parts: Value, finish: &str, usage: Value) -> Value {
    let candidate = json!({"content": {"parts": parts}, "finishReason": finish});
    json!({"modelVersion": model, "candidates": [candidate], "usageMetadata": usage})
}

#[tokio::test]
async fn openai_counts_cached_tokens_as_input_and_reasoning_as_output() {
    let usage = json!({
        "prompt_tokens": 1_200, "completion_tokens": 300, "total_tokens": 1_500,
        "prompt_tokens_details": {"cached_tokens": 1_000, "cache_write_tokens": 150},
        "completion_tokens_details": {"reasoning_tokens": 200},
    });
    // 1200 - 1000 - 150 = 50 at the full rate:
    // 50 x 2000 + 1000 x 500 + 150 x 2500 + 300 x 8000
    //   = 100000 + 500000 + 375000 + 2400000 n$. Reasoning is in the 300 already.
    let expected = exact([1_200, 300, 1_500, 1_000, 200], 3_375_000);
    check("openai", chat("m", usage.clone()), expected).await;
    // Without a price of their own cached tokens cost the full rate:
    // 1200 x 2000 + 300 x 8000 = 2400000 + 2400000 n$.
    let expected = exact([1_200, 300, 1_500, 1_000, 200], 4_800_000);
    check("uncached", chat("uncached", usage), expected).await;
}

#[tokio::test]
async fn deepseek_counts_cache_hits_in_a_field_of_its_own() {
    let usage = json!({
        "prompt_tokens": 1_200, "completion_tokens": 10, "total_tokens": 1_210,
        "prompt_cache_hit_tokens": 1_152, "prompt_cache_miss_tokens": 48,
        "completion_tokens_details": {"reasoning_tokens": 4},
    });
    // 48 x 280 + 1152 x 28 + 10 x 420 = 13440 + 32256 + 4200 n$.
    check("deepseek", chat("m", usage), exact([1_200, 10, 1_210, 1_152, 4], 49_896)).await;
}

#[tokio::test]
async fn anthropic_counts_cached_tokens_beside_input_and_thinking_as_output() {
    let usage = json!({
        "input_tokens": 21, "output_tokens": 393,
        "cache_read_input_tokens": 188_086, "cache_creation_input_tokens": 2_051,
        "output_tokens_details": {"thinking_tokens": 120},
    });
    // Input: 21 + 188086 + 2051 = 190158.
    // 21 x 3000 + 188086 x 300 + 2051 x 3750 + 393 x 15000
    //   = 63000 + 56425800 + 7691250 + 5895000 n$.
    let expected = exact([190_158, 393, 190_551, 188_086, 120], 70_075_050);
    check("anthropic", messages("m", usage), expected).await;
}

#[tokio::test]
async fn gemini_counts_cached_tokens_as_input_and_thoughts_beside_output() {
    let usage = json!({
        "promptTokenCount": 2_152, "cachedContentTokenCount": 2_027,
        "toolUsePromptTokenCount": 30, "candidatesTokenCount": 9, "thoughtsTokenCount": 91,
    });
    // Input: 2152 + 30 = 2182, of which 2152 - 2027 + 30 = 155 at the full rate. Output:
    // 9 + 91 = 100. 155 x 1250 + 2027 x 125 + 100 x 10000 = 193750 + 253375 + 1000000 n$.
    let body = generated("m", json!([{"text": "Hi"}]), "STOP", usage);
    check("gemini", body, exact([2_182, 100, 2_282, 2_027, 91], 1_447_125)).await;
}

#[tokio::test]
async fn a_cost_is_rounded_up_once_and_not_for_each_part() {
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 1});
    // 3 x 1.5 + 1 x 1.25 = 5.75 n$, rounded up to 6. Rounded part by part it would be 5 + 2.
    check("tiny", chat("tiny", usage), exact([3, 1, 4, 0, 0], 6)).await;
}

#[tokio::test]
async fn a_long_context_tier_holds_for_the_whole_call() {
    let usage = |prompt: u64| {
        json!({
            "prompt_tokens": prompt, "completion_tokens": 1_000,
            "prompt_tokens_details": {"cached_tokens": 200_000, "cache_write_tokens": 2_000},
            "completion_tokens_details": {"reasoning_tokens": 600},
        })
    };
    // Built in: $0.10, $0.50, cached $0.01, written $0.125. At the threshold they hold:
    // 70000 x 100 + 200000 x 10 + 2000 x 125 + 1000 x 500
    //   = 7000000 + 2000000 + 250000 + 500000 n$.
    let expected = exact([272_000, 1_000, 273_000, 200_000, 600], 9_750_000);
    check("gpt_6_luna", chat("gpt-6-luna", usage(272_000)), expected).await;
    // One token above it is $0.20, $0.75, $0.02 and $0.25 for every token:
    // 70001 x 200 + 200000 x 20 + 2000 x 250 + 1000 x 750
    //   = 14000200 + 4000000 + 500000 + 750000 n$.
    let expected = exact([272_001, 1_000, 273_001, 200_000, 600], 19_250_200);
    check("gpt_6_luna", chat("gpt-6-luna", usage(272_001)), expected).await;
}

#[tokio::test]
async fn cached_tokens_count_towards_the_tier_in_every_dialect() {
    // Anthropic's `input_tokens` is 1 here, the input 100001, and the tier begins above
    // 100000: $0.50, $2.50, cached $0.05.
    // 1 x 500 + 100000 x 50 + 10 x 2500 = 500 + 5000000 + 25000 n$.
    let usage = json!({
        "input_tokens": 1, "output_tokens": 10,
        "cache_read_input_tokens": 100_000, "cache_creation_input_tokens": 0,
    });
    let expected = exact([100_001, 10, 100_011, 100_000, 0], 5_025_500);
    check("claude_haiku_5_5", messages("claude-haiku-5-5", usage), expected).await;
    // Above 200000: $2.50, $15, cached $0.25. 1 x 2500 + 200000 x 250 + (3 + 7) x 15000
    //   = 2500 + 50000000 + 150000 n$.
    let usage = json!({
        "promptTokenCount": 200_001, "cachedContentTokenCount": 200_000,
        "candidatesTokenCount": 3, "thoughtsTokenCount": 7,
    });
    let body = generated("gemini-2.5-pro", json!([{"text": "Hi"}]), "STOP", usage);
    check("gemini_2_5_pro", body, exact([200_001, 10, 200_011, 200_000, 7], 50_152_500)).await;
}

#[tokio::test]
async fn a_price_holds_for_its_exact_id_and_never_for_a_prefix() {
    let usage = || json!({"prompt_tokens": 1_000, "completion_tokens": 100});
    let unknown = Expected {
        tokens: [1_000, 100, 1_100, 0, 0],
        nanos: None,
        basis: CostBasis::Unknown,
        is_guess: false,
    };
    // `gpt-4o` has a price, and a name that begins with it has none.
    let envelope = check("gpt_4o_next", chat("gpt-4o-next", usage()), unknown).await;
    assert_eq!(envelope.meta["cost_usd_approx"], Value::Null, "unknown is not zero");
    // $2.50 and $10, also under the dated id that is declared as an alias:
    // 1000 x 2500 + 100 x 10000 = 2500000 + 1000000 n$.
    let expected = exact([1_000, 100, 1_100, 0, 0], 3_500_000);
    check("gpt_4o", chat("gpt-4o-2024-11-20", usage()), expected).await;
    // The snapshot that answered has prices of its own, $5 and $15:
    // 1000 x 5000 + 100 x 15000 = 5000000 + 1500000 n$.
    let expected = exact([1_000, 100, 1_100, 0, 0], 6_500_000);
    check("gpt_4o", chat("gpt-4o-2024-05-13", usage()), expected).await;
    // A smaller model that answered, $0.15 and $0.60: 1000 x 150 + 100 x 600 n$.
    let expected = exact([1_000, 100, 1_100, 0, 0], 210_000);
    check("gpt_4o", chat("gpt-4o-mini", usage()), expected).await;
}

/// Returns the whole hold of a call: 2 bytes and the margin of 64 of one message, and the whole
/// bound on output.
fn hold(nanos: u64) -> Expected {
    let (tokens, basis) = ([66, 100, 166, 0, 0], CostBasis::Estimated);
    Expected { tokens, nanos: Some(nanos), basis, is_guess: true }
}

/// Checks that zeros beside a text cost what was set aside. They once were believed, and the answer
/// cost nothing.
#[tokio::test]
async fn zeros_beside_a_text_cost_what_was_set_aside() {
    let usage = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
    // The highest input price is that of a cache write: 66 x 2500 + 100 x 8000 n$.
    check("openai", chat("m", usage), hold(965_000)).await;
    let usage = json!({"input_tokens": 0, "output_tokens": 0});
    // 66 x 3750 + 100 x 15000 n$.
    check("anthropic", messages("m", usage), hold(1_747_500)).await;
    let usage = json!({"promptTokenCount": 0, "candidatesTokenCount": 0});
    let body = generated("m", json!([{"text": "Hi"}]), "STOP", usage);
    // 66 x 1250 + 100 x 10000 n$.
    check("gemini", body, hold(1_082_500)).await;
}

#[tokio::test]
async fn missing_counts_cost_what_was_set_aside() {
    // 66 x 2000 + 100 x 8000 = 132000 + 800000 n$.
    check("uncached", chat("uncached", Value::Null), hold(932_000)).await;
    // With one count of two missing, neither is used.
    check("uncached", chat("uncached", json!({"prompt_tokens": 5})), hold(932_000)).await;
}

/// Checks the price of each service tier. Every tier once was billed at the ordinary price, and
/// called exact.
#[tokio::test]
async fn a_service_tier_costs_what_its_row_says_or_is_an_estimate() {
    let tokens = [1_000, 1_000, 2_000, 0, 0];
    let at = |tier: Value| {
        let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 1_000});
        move |model: &str| {
            let mut body = chat(model, usage.clone());
            body["service_tier"] = tier.clone();
            body
        }
    };
    let estimated = |nanos| {
        let basis = CostBasis::Estimated;
        Expected { tokens, nanos: Some(nanos), basis, is_guess: false }
    };
    // 1000 x 2000 + 1000 x 8000 n$ is the ordinary price.
    for ordinary in [json!(null), json!("default"), json!("standard"), json!("on_demand")] {
        check("uncached", at(ordinary)("uncached"), exact(tokens, 10_000_000)).await;
    }
    check("uncached", at(json!("priority"))("uncached"), estimated(20_000_000)).await;
    check("uncached", at(json!("flex"))("uncached"), estimated(10_000_000)).await;
    check("uncached", at(json!("scale"))("uncached"), estimated(10_000_000)).await;
    // 1000 x 3500 + 1000 x 14000 n$, and half of the ordinary price.
    check("tiered", at(json!("priority"))("tiered"), exact(tokens, 17_500_000)).await;
    check("tiered", at(json!("Flex"))("tiered"), exact(tokens, 5_000_000)).await;
    check("tiered", at(json!("scale"))("tiered"), estimated(10_000_000)).await;
    check("tiered", at(json!("default"))("tiered"), exact(tokens, 10_000_000)).await;
}

#[tokio::test]
async fn a_model_on_ones_own_machine_is_free() {
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 100});
    let free = Expected {
        tokens: [1_000, 100, 1_100, 0, 0],
        nanos: Some(0),
        basis: CostBasis::Free,
        is_guess: false,
    };
    check("local", chat("m", usage), free).await;
}

#[tokio::test]
async fn a_providers_own_cost_stands_beside_ours_and_is_not_booked() {
    // 10 x 2000 + 1 x 8000 n$ by our prices, while the provider itself says 31000 n$.
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 1, "cost": 0.000_031});
    let envelope = check("openai", chat("m", usage), exact([10, 1, 11, 0, 0], 28_000)).await;
    assert_eq!(envelope.meta["cost_usd_reported"], 0.000_031);
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 1, "cost": "free"});
    let envelope = check("openai", chat("m", usage), exact([10, 1, 11, 0, 0], 28_000)).await;
    assert_eq!(envelope.meta.get("cost_usd_reported"), None);
}

#[tokio::test]
async fn thoughts_without_an_answer_are_billed() {
    let usage = json!({"promptTokenCount": 10, "thoughtsTokenCount": 100});
    let body = generated("m", json!([]), "MAX_TOKENS", usage);
    let (outcome, settled) = asks("gemini", &body).await;
    let failure = outcome.unwrap_err();
    assert_eq!(failure.category(), Category::OutputBudgetExhausted);
    // 10 x 1250 + 100 x 10000 = 12500 + 1000000 n$.
    assert_eq!(failure.attempts()[0].cost, Some(NanoUsd::from_nanos(1_012_500)));
    assert_eq!(settled, NanoUsd::from_nanos(1_012_500));
}
