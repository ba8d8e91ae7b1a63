//! The price check of a call before anything is sent, and the switches that refuse calls.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{ModelFacts, NanoUsd, Prompt, Usage};

/// The rules of preflight, the price check before a call is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreflightRules {
    /// Whether the price check is on. If it is off, the estimate is shown and neither warns nor
    /// blocks.
    pub enabled: bool,
    /// The characters per token that estimates assume, in thousandths, so that 3.5 is exact.
    pub(crate) milli_chars_per_token: u64,
    /// The price at or above which an answer carries a warning; `None` = no answer does.
    pub warn: Option<NanoUsd>,
    /// The price at or above which a call is refused; `None` = no call is.
    pub block: Option<NanoUsd>,
}

impl Default for PreflightRules {
    fn default() -> Self {
        Self { enabled: true, milli_chars_per_token: 4_000, warn: None, block: None }
    }
}

/// The price above which the switch against expensive calls refuses: one US dollar.
const EXPENSIVE: NanoUsd = NanoUsd::from_nanos(1_000_000_000);

/// Switches of the environment that refuse calls whatever the policy file says. They hold for
/// fallbacks too, and if the price check is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Switches {
    /// Whether every call is refused: the variable `LLM_GATEWAY_DISABLED`.
    pub disabled: bool,
    /// Whether a call is refused that may cost more than a dollar or whose price is unknown: the
    /// variable `LLM_GATEWAY_EXPENSIVE_DISABLED`.
    pub expensive_disabled: bool,
    /// Whether the program itself has set the first switch that is on, rather than a variable.
    #[serde(skip)]
    pub(crate) is_of_program: bool,
}

impl Switches {
    /// Returns the words for what the switches refuse, or `None` if neither is on.
    pub fn notice(&self) -> Option<String> {
        let what = match (self.disabled, self.expensive_disabled) {
            (true, _) => "every call is refused",
            (false, true) => {
                "a call that may cost more than $1.00, or whose price is unknown, is refused"
            }
            (false, false) => return None,
        };
        Some(format!("{}: {what}", self.set()))
    }

    /// Returns what to do before any call can be made, or `None` if calls can be made.
    pub(crate) fn way_on(&self) -> Option<String> {
        let way = match self.is_of_program {
            true => "have the program allow calls, every one of which it refuses",
            false => "unset LLM_GATEWAY_DISABLED, by which every call is refused",
        };
        self.disabled.then(|| way.to_owned())
    }

    /// Returns what to do so that a call is allowed that the switches refuse.
    pub(crate) fn way_out(&self) -> &'static str {
        match self.is_of_program {
            true => "have the program take the switch out of its `Caps` to allow the call",
            false => "take the variable out of the gateway's environment to allow the call",
        }
    }

    /// Returns the reason why the switches refuse a call of this price, with what says so, or
    /// `None` if it is allowed.
    pub fn refuses(&self, preflight: &Preflight) -> Option<String> {
        self.refuses_cost(preflight.estimated_max_cost_usd)
    }

    /// Returns the reason why the switches refuse a request that may cost this much, or `None` if
    /// it is allowed. A `cost` of `None` means that the price is unknown.
    pub fn refuses_cost(&self, cost: Option<NanoUsd>) -> Option<String> {
        let set = self.set();
        match cost {
            _ if self.disabled => Some(set.to_owned()),
            _ if !self.expensive_disabled => None,
            None => Some(format!("{set}, and the price is unknown")),
            Some(cost) if cost > EXPENSIVE => {
                Some(format!("{set}, and up to {cost} is above {EXPENSIVE}"))
            }
            Some(_) => None,
        }
    }

    /// Returns who has set the first switch that is on.
    fn set(&self) -> &'static str {
        match (self.is_of_program, self.disabled) {
            (true, true) => "the program has switched calls off",
            (true, false) => "the program has switched expensive calls off",
            (false, true) => "LLM_GATEWAY_DISABLED is set",
            (false, false) => "LLM_GATEWAY_EXPENSIVE_DISABLED is set",
        }
    }
}

/// The result of a price check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PreflightAction {
    /// The price check allows the call.
    Ok,
    /// The price check allows the call, with a warning that it may be expensive or that a cap is
    /// nearly used.
    Warn,
    /// The price check refuses the call.
    Block,
    /// The policy has switched the price check off.
    Off,
}

/// The price check of one call: the estimate, and what the rules make of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Preflight {
    /// The result of the price check: whether the call is allowed.
    pub action: PreflightAction,
    /// The price of the call in US dollars if every output token that the bound allows is used;
    /// null = the price of the model is unknown.
    pub estimated_max_cost_usd: Option<NanoUsd>,
    /// The estimated number of input tokens, by the policy's characters per token.
    pub tokens_in_estimated: u64,
    /// The bound on output tokens of the call, which is sent to the provider.
    pub max_tokens_out: u64,
    /// The reason why the call is refused; absent if it is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The warning that the call may be expensive, or that a cap is nearly used; absent without
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl Preflight {
    /// Adds a warning to the price check of a call that it allows. A check that is switched off
    /// warns too.
    pub(crate) fn warn(&mut self, warning: Option<&str>) {
        let (Some(warning), false) = (warning, self.action == PreflightAction::Block) else {
            return;
        };
        self.action = PreflightAction::Warn;
        self.warning = Some(match self.warning.take() {
            Some(first) => format!("{first}; {warning}"),
            None => warning.to_owned(),
        });
    }
}

impl PreflightRules {
    /// Estimates the price of `prompt` with at most `max_tokens` of output, and checks it against
    /// the rules.
    pub fn estimate(
        &self,
        prompt: &Prompt,
        max_tokens: u64,
        facts: Option<&ModelFacts>,
    ) -> Preflight {
        let tokens_in = self.estimated_tokens(prompt.characters());
        self.estimate_of(tokens_in, max_tokens, facts)
    }

    /// Estimates the price of `tokens_in` tokens of input with at most `max_tokens` of output, and
    /// checks it against the rules.
    pub(crate) fn estimate_of(
        &self,
        tokens_in: u64,
        max_tokens: u64,
        facts: Option<&ModelFacts>,
    ) -> Preflight {
        let prices = facts.and_then(|facts| facts.prices.as_ref());
        let cost = prices.map(|prices| prices.cost(&Usage::new(tokens_in, max_tokens)));
        let reached = |threshold: Option<NanoUsd>| {
            threshold.filter(|threshold| cost.is_some_and(|cost| cost >= *threshold))
        };
        let mut preflight = Preflight {
            action: PreflightAction::Ok,
            estimated_max_cost_usd: cost,
            tokens_in_estimated: tokens_in,
            max_tokens_out: max_tokens,
            reason: None,
            warning: None,
        };
        let estimate = cost.unwrap_or_default();
        if !self.enabled {
            preflight.action = PreflightAction::Off;
        } else if let Some(block) = reached(self.block) {
            preflight.action = PreflightAction::Block;
            preflight.reason =
                Some(format!("up to {estimate} is at or above the policy's block_usd of {block}"));
        } else if let Some(warn) = reached(self.warn) {
            preflight.action = PreflightAction::Warn;
            preflight.warning =
                Some(format!("up to {estimate} is at or above the policy's warn_usd of {warn}"));
        }
        preflight
    }

    /// Returns the estimated number of tokens of a text, by the policy's characters per token.
    pub(crate) fn estimated_tokens(&self, characters: usize) -> u64 {
        (characters as u64).saturating_mul(1_000).div_ceil(self.milli_chars_per_token.max(1))
    }

    /// Returns the largest bound on output tokens whose price stays below `block`, for `tokens_in`
    /// tokens of input, or `None` if there is no threshold or no price.
    pub(crate) fn fitting_output(&self, tokens_in: u64, facts: Option<&ModelFacts>) -> Option<u64> {
        let (block, prices) = (self.block?, facts?.prices.as_ref()?);
        let fits = |output: u64| prices.cost(&Usage::new(tokens_in, output)) < block;
        // The price grows with the bound, so the last bound that fits can be found by bisection.
        let (mut low, mut high) = (0, 1 << 32);
        if !fits(low) {
            return Some(0);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle) { low = middle } else { high = middle }
        }
        Some(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AnswerSchema, Message, Prices, Rate};

    fn rules(warn: u64, block: u64) -> PreflightRules {
        let usd = |dollars: u64| Some(NanoUsd::from_nanos(dollars * 1_000_000_000));
        PreflightRules { warn: usd(warn), block: usd(block), ..PreflightRules::default() }
    }

    /// Returns the facts of a model that costs $1 per million input tokens and $10 per million
    /// output tokens.
    fn facts() -> ModelFacts {
        let rate = |usd| Rate::from_usd_per_million(usd).unwrap();
        ModelFacts { prices: Some(Prices::flat(rate(1.0), rate(10.0))), ..ModelFacts::default() }
    }

    fn prompt(characters: usize) -> Prompt {
        Prompt::from_caller(None, vec![Message::user("x".repeat(characters))]).into()
    }

    #[test]
    fn a_price_at_the_threshold_is_over_it() {
        // 100 000 output tokens at $10 per million are $1.
        let decide =
            |warn, block| rules(warn, block).estimate(&prompt(0), 100_000, Some(&facts())).action;
        assert_eq!(decide(2, 3), PreflightAction::Ok);
        assert_eq!(decide(1, 2), PreflightAction::Warn);
        assert_eq!(decide(1, 1), PreflightAction::Block);
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        let estimate = |text: &str| {
            let prompt =
                Prompt::from_caller(Some(text.to_owned()), vec![Message::user(text)]).into();
            PreflightRules::default().estimate(&prompt, 1, None).tokens_in_estimated
        };
        assert_eq!(estimate("abcd"), 2);
        assert_eq!(estimate("\u{1F980}\u{1F980}\u{1F980}\u{1F980}"), 2);
        assert_eq!(estimate("abcde"), 3);
    }

    #[test]
    fn a_schema_is_estimated_as_input() {
        let estimate = |prompt: &Prompt| {
            PreflightRules::default().estimate(prompt, 1, None).tokens_in_estimated
        };
        let free = prompt(8);
        let held = free.clone().answered_as(AnswerSchema::new("any", "{\"a\": \"\u{1F980}xx\"}"));
        assert_eq!((estimate(&free), estimate(&held)), (2, 2 + 3));
    }

    #[test]
    fn the_bound_that_is_offered_passes_and_the_next_one_does_not() {
        let rules = rules(0, 1);
        let fits = rules.fitting_output(1_000, Some(&facts())).unwrap();
        let action = |bound| rules.estimate(&prompt(4_000), bound, Some(&facts())).action;
        assert_ne!(action(fits), PreflightAction::Block);
        assert_eq!(action(fits + 1), PreflightAction::Block);
    }

    #[test]
    fn the_switches_hold_always() {
        let refuses = |switches: Switches, output, facts: Option<&ModelFacts>| {
            let rules = PreflightRules { enabled: false, ..PreflightRules::default() };
            switches.refuses(&rules.estimate(&prompt(0), output, facts)).is_some()
        };
        let facts = facts();
        let off = Switches::default();
        assert!(!refuses(off, 1_000_000, Some(&facts)) && !refuses(off, 1, None));
        let disabled = Switches { disabled: true, ..off };
        assert!(refuses(disabled, 1, Some(&facts)));
        // 100 000 output tokens at $10 per million are $1, and only more is expensive.
        let expensive = Switches { expensive_disabled: true, ..off };
        assert!(!refuses(expensive, 100_000, Some(&facts)));
        assert!(refuses(expensive, 100_001, Some(&facts)));
        assert!(refuses(expensive, 1, None), "an unknown price is refused");
    }

    #[test]
    fn an_unknown_price_is_no_price() {
        let preflight = rules(0, 0).estimate(&prompt(4), 10, None);
        assert_eq!(
            (preflight.action, preflight.estimated_max_cost_usd),
            (PreflightAction::Ok, None)
        );
    }
}
