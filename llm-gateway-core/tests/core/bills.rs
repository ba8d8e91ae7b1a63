//! Tests of bills in unusual forms: whatever form a provider's counts have, the cost is what an
//! independent calculator computes from them. Under a cap, a larger count than was set aside
//! exceeds the cap by no more than that call's overrun.

use std::sync::Arc;

use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::model::CostBasis;
use llm_gateway_core::{Category, Environment, Scripted};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{WORST_CASE, ask, gateway_in, in_paused_time, spent};

const POLICY: &str = "
providers: {openai: {stream: false, models: {m: {in: 1, out: 10, cache_read: 0.5}}}}
defaults: {ask: {provider: openai, model: m, max_tokens: 100}}
reliability: {retry: {max_retries: 0}}
";

/// The counts of a provider.
#[derive(Debug, Clone, Copy)]
struct Counted {
    uncached: u64,
    cached: u64,
    text: u64,
    reasoning: u64,
}

impl Counted {
    /// Returns the bill in nano-dollars, computed apart from the code under test.
    fn bill(self) -> u64 {
        self.uncached * 1_000 + self.cached * 500 + (self.text + self.reasoning) * 10_000
    }

    fn input(self) -> u64 {
        self.uncached + self.cached
    }

    fn output(self) -> u64 {
        self.text + self.reasoning
    }
}

/// The ways in which servers write the same counts.
const WAYS: usize = 8;

/// Returns the usage object of a bill, in one of the [`WAYS`].
fn written(counted: Counted, way: usize) -> Value {
    let Counted { cached, text, reasoning, .. } = counted;
    let (input, output) = (counted.input(), counted.output());
    let total = input + output;
    let details = json!({"cached_tokens": cached});
    match way {
        0 => json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": total,
            "prompt_tokens_details": details,
            "completion_tokens_details": {"reasoning_tokens": reasoning}}),
        // Reasoning beside the output, as the total tells.
        1 => json!({"prompt_tokens": input, "completion_tokens": text, "total_tokens": total,
            "prompt_tokens_details": details,
            "completion_tokens_details": {"reasoning_tokens": reasoning}}),
        // Reasoning in the total alone.
        2 => json!({"prompt_tokens": input, "completion_tokens": text, "total_tokens": total,
            "cached_tokens": cached}),
        3 => json!({"prompt_tokens": input, "total_tokens": total,
            "prompt_cache_hit_tokens": cached, "completion_tokens": null}),
        4 => json!({"prompt_tokens": input.to_string(), "completion_tokens": format!("{output}.0"),
            "prompt_tokens_details": {"cached_tokens": cached.to_string()}}),
        5 => json!({"prompt_tokens": input as f64, "completion_tokens": output as f64,
            "prompt_tokens_details": {"cached_tokens": cached as f64}}),
        // Anthropic's words, in which the cached part stands outside.
        6 => json!({"input_tokens": counted.uncached, "cache_read_input_tokens": cached,
            "output_tokens": output}),
        // The words of the Responses API.
        _ => json!({"input_tokens": input, "input_tokens_details": details,
            "output_tokens": output, "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": total}),
    }
}

/// Returns an answer with its bill, at the top or inside its choice.
fn answer(usage: &Value, inside: bool) -> String {
    let mut choice = json!({"message": {"content": "hello"}, "finish_reason": "stop"});
    let mut body = json!({"model": "m"});
    let place = if inside { &mut choice } else { &mut body };
    place["usage"] = usage.clone();
    body["choices"] = json!([choice]);
    body.to_string()
}

fn capped(usd: &str) -> Environment {
    Environment::empty()
        .with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", usd)
        .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db")
}

fn counted() -> impl Strategy<Value = Counted> {
    (1_u64..100_000, 0_u64..100_000, 1_u64..50_000, 0_u64..50_000).prop_map(
        |(uncached, cached, text, reasoning)| Counted { uncached, cached, text, reasoning },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_bill_is_read_in_every_way_it_is_written(
        counted in counted(), way in 0..WAYS, inside in any::<bool>(),
    ) {
        let script = Scripted::new().raw(200, answer(&written(counted, way), inside));
        let gateway = gateway_in(POLICY, script, Arc::default(), capped("1000000"));
        let cost = in_paused_time(ask(&gateway, "ask")).unwrap().cost;
        prop_assert_eq!(cost.amount.unwrap().as_nanos(), counted.bill(), "way {}", way);
        prop_assert_eq!(cost.basis, CostBasis::Exact);
        prop_assert_eq!((cost.usage.input(), cost.usage.output), (counted.input(), counted.output()));
    }

    #[test]
    fn a_cap_is_passed_by_the_overrun_of_one_call_at_most(
        bills in prop::collection::vec((counted(), 0..WAYS, any::<bool>()), 1..20),
    ) {
        const CAP: u64 = 1_000_000_000;
        let script = bills.iter().fold(Scripted::new(), |script, (counted, way, inside)| {
            script.raw(200, answer(&written(*counted, *way), *inside))
        });
        let ledger = Arc::new(MemoryLedger::new());
        let gateway = gateway_in(POLICY, script.strict(), ledger.clone(), capped("1"));
        let mut last = 0;
        for (counted, ..) in &bills {
            match in_paused_time(ask(&gateway, "ask")) {
                Ok(_) => last = counted.bill(),
                Err(failure) => {
                    prop_assert_eq!(failure.category(), Category::PolicyBlocked);
                    break;
                }
            }
        }
        in_paused_time(gateway.drain()).unwrap();
        let settled = in_paused_time(spent(&ledger, SpendBy::Model)).settled.as_nanos();
        prop_assert!(settled <= CAP + last.saturating_sub(WORST_CASE), "{} above the cap", settled);
    }
}
