//! The facts about a model from the model data and the policy: prices, limits, capabilities, and
//! the models that it is related to.

use std::collections::{BTreeMap, BTreeSet};

use super::{NanoUsd, Rate, Usage, origin_name};

/// A property of a model that changes how it is called. The model data state it; for models without
/// data, a table in `policy/families.rs` decides by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Capability {
    /// The capability to reason before answering. The reasoning is billed as output.
    Reasoning,
    /// The capability to read images.
    Vision,
    /// The capability of a model's API to constrain an answer to a JSON schema.
    JsonSchema,
    /// The need of an API that rejects `max_tokens` for `max_completion_tokens` in its place, as
    /// OpenAI's reasoning models do: <https://developers.openai.com/api/docs/guides/reasoning>.
    MaxCompletionTokens,
    /// The habit of a model to write its reasoning into its text, as a leading `<think>…</think>`.
    ThinkTags,
}

/// The prices of a model, per million tokens.
///
/// ```
/// use llm_gateway_core::model::{NanoUsd, Prices, Rate, Usage};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // $0.50 per million tokens of input and $2 of output.
/// let prices = Prices::flat(Rate::from_usd_per_million(0.5)?, Rate::from_usd_per_million(2.0)?);
/// assert_eq!(prices.cost(&Usage::new(1_000, 200)), NanoUsd::parse_usd("0.0009")?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prices {
    /// The price of input that no cache is involved in.
    pub input: Rate,
    /// The price of output, reasoning included.
    pub output: Rate,
    /// The price of input read from the provider's cache; `None` = the price of `input`.
    pub cache_read: Option<Rate>,
    /// The price of input written to the provider's cache; `None` = the price of `input`.
    pub cache_write: Option<Rate>,
    /// The price tiers for long inputs, by ascending threshold. The last tier whose threshold the
    /// input exceeds holds for the whole call.
    pub tiers: Vec<Tier>,
}

/// A price tier: prices that hold for a whole call once its input is above a threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tier {
    /// The threshold in input tokens. The tier holds for a call with more input than this.
    pub above_input: u64,
    /// The price of input that no cache is involved in.
    pub input: Rate,
    /// The price of output, reasoning included.
    pub output: Rate,
    /// The price of input read from the provider's cache; `None` = the price of `input`.
    pub cache_read: Option<Rate>,
    /// The price of input written to the provider's cache; `None` = the price of `input`.
    pub cache_write: Option<Rate>,
}

impl Prices {
    /// Creates prices of input and output without price tiers and cache prices.
    pub fn flat(input: Rate, output: Rate) -> Self {
        Self { input, output, cache_read: None, cache_write: None, tiers: Vec::new() }
    }

    /// Returns the cost of the tokens in `usage`. The sum is rounded up to a nano-dollar once, at
    /// the end.
    pub fn cost(&self, usage: &Usage) -> NanoUsd {
        let tier = self.tiers.iter().rev().find(|tier| usage.input() > tier.above_input);
        let (input, output, read, write) = match tier {
            Some(t) => (t.input, t.output, t.cache_read, t.cache_write),
            None => (self.input, self.output, self.cache_read, self.cache_write),
        };
        Rate::round_up(
            input.times(usage.input_uncached)
                + read.unwrap_or(input).times(usage.cache_read)
                + write.unwrap_or(input).times(usage.cache_write)
                + output.times(usage.output),
        )
    }

    /// Returns the most that `input` and `output` tokens can cost, however the provider bills them:
    /// as plain input, as reads or writes of its cache, at the base price or in any tier that the
    /// input may reach.
    pub fn worst_case(&self, input: u64, output: u64) -> NanoUsd {
        let reached = self.tiers.iter().filter(|tier| input > tier.above_input);
        let highest = |input: Rate, read: Option<Rate>, write: Option<Rate>| {
            input.max(read.unwrap_or_default()).max(write.unwrap_or_default())
        };
        let tiers = reached.map(|t| (highest(t.input, t.cache_read, t.cache_write), t.output));
        let base = (highest(self.input, self.cache_read, self.cache_write), self.output);
        let (input_rate, output_rate) =
            tiers.fold(base, |most, tier| (most.0.max(tier.0), most.1.max(tier.1)));
        Rate::round_up(input_rate.times(input) + output_rate.times(output))
    }

    /// Returns whether no token costs anything, as for a model on the user's own machine.
    pub fn is_free(&self) -> bool {
        let rates = [Some(self.input), Some(self.output), self.cache_read, self.cache_write];
        rates.into_iter().flatten().all(|rate| rate == Rate::FREE) && self.tiers.is_empty()
    }
}

/// The facts that are known about one model: a row of the model data, or of
/// `providers.<name>.models` in the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ModelFacts {
    /// The canonical id of the model. Its aliases, such as dated ids, lead to the same row of
    /// facts.
    pub canonical: String,
    /// The id of the undated model of which this model is a dated snapshot with facts of its own;
    /// `None` = it is no snapshot.
    pub snapshot_of: Option<String>,
    /// Whether the model id moves from one model to the next, as `gemini-flash-latest` does.
    pub moves: bool,
    /// The developer of the model; `None` = unknown.
    pub developer: Option<String>,
    /// The families that the model descends from; empty = unknown.
    pub lineage: Vec<String>,
    /// The prices of the model; `None` = unknown.
    pub prices: Option<Prices>,
    /// The prices of the model at service tiers other than the ordinary one, by the tier's name.
    pub service_tiers: BTreeMap<String, Prices>,
    /// The number of input tokens that the model can take; `None` = unknown.
    pub context: Option<u64>,
    /// The most tokens of output that the model writes; `None` = unknown.
    pub max_output: Option<u64>,
    /// The properties that change how the model is called.
    pub capabilities: Vec<Capability>,
}

impl ModelFacts {
    /// Returns the model's undated id, which is the same for every snapshot and alias of one model.
    pub fn undated(&self) -> &str {
        self.snapshot_of.as_deref().unwrap_or(&self.canonical)
    }

    /// Returns the number of bytes that developer and families take together in a receipt, which
    /// holds each family once, in lower case.
    pub(crate) fn origin_bytes(&self) -> usize {
        let plain = |name: &String| origin_name(name);
        let families: BTreeSet<String> = self.lineage.iter().map(plain).collect();
        let developer = self.developer.as_ref().map_or(0, |name| plain(name).len());
        families.iter().map(String::len).fold(developer, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(usd: f64) -> Rate {
        Rate::from_usd_per_million(usd).unwrap()
    }

    #[test]
    fn cached_tokens_are_billed_at_their_own_rate() {
        let prices = Prices {
            cache_read: Some(rate(0.3)),
            cache_write: Some(rate(3.75)),
            ..Prices::flat(rate(3.0), rate(15.0))
        };
        let usage = Usage {
            input_uncached: 1_000,
            cache_read: 2_000,
            cache_write: 400,
            output: 100,
            reasoning: 60,
        };
        // 1000 x 3000 + 2000 x 300 + 400 x 3750 + 100 x 15000 n$; reasoning is inside output.
        assert_eq!(prices.cost(&usage), NanoUsd::from_nanos(6_600_000));
    }

    proptest::proptest! {
        /// Checks that the cost of a call never exceeds its worst case, however the provider bills
        /// and in whichever tier.
        #[test]
        fn no_usage_within_the_bounds_costs_more_than_the_worst_case(
            rates in proptest::collection::vec(0.0f64..100.0, 8),
            threshold in 0u64..2_000, parts in proptest::array::uniform3(0u64..1_000), output in 0u64..1_000,
        ) {
            let r = |n: usize| rate((rates[n] * 1e3).round() / 1e3);
            let read = r(2);
            let tier = Tier {
                above_input: threshold, input: r(4), output: r(5),
                cache_read: Some(r(6)), cache_write: Some(r(7)),
            };
            let prices = Prices {
                cache_read: Some(read), cache_write: Some(r(3)), tiers: vec![tier], ..Prices::flat(r(0), r(1))
            };
            let usage = Usage {
                input_uncached: parts[0], cache_read: parts[1], cache_write: parts[2], output, reasoning: 0,
            };
            proptest::prop_assert!(prices.cost(&usage) <= prices.worst_case(usage.input(), output));
        }
    }

    #[test]
    fn a_long_context_tier_holds_for_the_whole_call() {
        let tier = Tier {
            above_input: 200_000,
            input: rate(2.5),
            output: rate(15.0),
            cache_read: None,
            cache_write: None,
        };
        let prices = Prices { tiers: vec![tier], ..Prices::flat(rate(1.25), rate(10.0)) };
        // At the threshold the base price holds: 200000 x 1250 n$.
        assert_eq!(prices.cost(&Usage::new(200_000, 0)), NanoUsd::from_nanos(250_000_000));
        // One token above, every token costs the tier's price: 200001 x 2500 n$.
        assert_eq!(prices.cost(&Usage::new(200_001, 0)), NanoUsd::from_nanos(500_002_500));
    }
}
