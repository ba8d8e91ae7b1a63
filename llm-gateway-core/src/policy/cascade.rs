//! The price of a cascade before anything is sent, and how often cascades escalate.
//!
//! A cascade costs least if its gate answers, and most if its strong model is asked too. Between
//! the two lies the expected cost, which depends on how often the gate cannot answer. That rate is
//! shown and decides nothing: limits are checked against the most expensive case.

use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::model::NanoUsd;

/// The share of requests that are expected to escalate before any has been measured, in
/// thousandths. Weaker pairs of models than the measured one escalate more often.
const PRIOR_PER_MILLE: u64 = 355;

/// The source that is stated for [`PRIOR_PER_MILLE`].
const PRIOR_SOURCE: &str =
    "prior: measured on recorded answers to MMLU-Pro, with a pair that was good enough";

/// The counts of a cascade's requests, and of those that escalated to its strong model.
///
/// It serialises as `{asked, escalated, rate}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Escalations {
    /// The number of requests to the cascade. A request whose gate was not asked, because its
    /// answer could not have counted, is among them.
    pub asked: u64,
    /// The number of requests that escalated to the strong model.
    pub escalated: u64,
}

impl Escalations {
    /// Returns the share of a cascade's requests that escalated, rounded to four decimals, or
    /// `None` before the first request.
    pub fn rate(self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss)] // requests of one process
        let share = self.escalated as f64 / self.asked as f64;
        (self.asked > 0).then(|| (share * 1e4).round() / 1e4)
    }

    /// Returns the expected share of an amount that escalates, rounded up. Before the first
    /// request, the share is that of the prior.
    fn share_of(self, amount: NanoUsd) -> NanoUsd {
        let (part, whole) = match self.asked {
            0 => (PRIOR_PER_MILLE, 1_000),
            asked => (self.escalated.min(asked), asked),
        };
        let nanos = (u128::from(amount.as_nanos()) * u128::from(part)).div_ceil(u128::from(whole));
        // A share of a `u64` fits a `u64`.
        NanoUsd::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Serialize for Escalations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Escalations", 3)?;
        fields.serialize_field("asked", &self.asked)?;
        fields.serialize_field("escalated", &self.escalated)?;
        fields.serialize_field("rate", &self.rate())?;
        fields.end()
    }
}

/// The price check of a cascade: what it can cost if every output token that its bounds allow is
/// used. The amounts are sums of the estimates of [`Preflight`](super::Preflight); null = the price
/// of a model is unknown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CascadePreflight {
    /// The cost of the cascade's gate alone, in US dollars.
    pub min_usd: Option<NanoUsd>,
    /// The cost of the cascade's gate and of the strong model's expected share, in US dollars.
    pub expected_usd: Option<NanoUsd>,
    /// The cost of the cascade's gate and its strong model together, in US dollars. Limits are
    /// checked against this amount.
    pub max_usd: Option<NanoUsd>,
    /// The expected rate of escalation, by which `expected_usd` is computed.
    pub escalation_rate: EscalationRate,
}

/// The share of requests that a cascade is expected to escalate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EscalationRate {
    /// The expected share of requests that escalate, between 0 and 1.
    pub value: f64,
    /// The source of the expected share: a prior, or the requests of this process.
    pub source: String,
}

impl CascadePreflight {
    /// Computes a cascade's prices from the estimates of the whole gate and of the strong model,
    /// and from how often the cascade has escalated so far.
    pub(crate) fn new(
        gate: Option<NanoUsd>,
        otherwise: Option<NanoUsd>,
        so_far: Escalations,
    ) -> Self {
        let with = |more: Option<NanoUsd>| Some(gate?.saturating_add(more?));
        let escalation_rate = match so_far.rate() {
            Some(value) => {
                let Escalations { asked, escalated } = so_far;
                EscalationRate { value, source: format!("{escalated} of {asked} in this process") }
            }
            None => {
                #[allow(clippy::cast_precision_loss)] // a small constant
                let value = PRIOR_PER_MILLE as f64 / 1e3;
                EscalationRate { value, source: PRIOR_SOURCE.to_owned() }
            }
        };
        Self {
            min_usd: gate,
            expected_usd: with(otherwise.map(|amount| so_far.share_of(amount))),
            max_usd: with(otherwise),
            escalation_rate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(nanos: u64) -> Option<NanoUsd> {
        Some(NanoUsd::from_nanos(nanos))
    }

    fn so_far(asked: u64, escalated: u64) -> Escalations {
        Escalations { asked, escalated }
    }

    #[test]
    fn the_prior_counts_until_a_gate_was_asked() {
        let prior = CascadePreflight::new(nanos(10), nanos(1_000), so_far(0, 0));
        assert_eq!(
            (prior.min_usd, prior.expected_usd, prior.max_usd),
            (nanos(10), nanos(365), nanos(1_010))
        );
        assert_eq!(prior.escalation_rate.value, 0.355);
        assert!(prior.escalation_rate.source.contains("MMLU-Pro"));
        let realised = CascadePreflight::new(nanos(10), nanos(1_000), so_far(3, 1));
        assert_eq!(realised.expected_usd, nanos(344), "rounded up");
        assert_eq!(realised.escalation_rate.source, "1 of 3 in this process");
        let never = CascadePreflight::new(nanos(10), nanos(1_000), so_far(2, 0));
        assert_eq!(never.expected_usd, never.min_usd);
    }

    #[test]
    fn an_unknown_price_leaves_its_ways_unknown() {
        let no_strong = CascadePreflight::new(nanos(10), None, so_far(0, 0));
        assert_eq!(
            (no_strong.min_usd, no_strong.expected_usd, no_strong.max_usd),
            (nanos(10), None, None)
        );
        let no_gate = CascadePreflight::new(None, nanos(10), so_far(0, 0));
        assert_eq!((no_gate.min_usd, no_gate.max_usd), (None, None));
    }

    #[test]
    fn a_rate_is_null_before_the_first() {
        assert_eq!(so_far(0, 0).rate(), None);
        let told = |escalations: Escalations| serde_json::to_string(&escalations).unwrap();
        assert_eq!(told(so_far(0, 0)), r#"{"asked":0,"escalated":0,"rate":null}"#);
        assert_eq!(told(so_far(3, 2)), r#"{"asked":3,"escalated":2,"rate":0.6667}"#);
    }

    #[test]
    fn the_largest_amount_does_not_overflow() {
        let most = nanos(u64::MAX);
        let always = so_far(u64::MAX, u64::MAX);
        assert_eq!(CascadePreflight::new(nanos(0), most, always).expected_usd, most);
        assert_eq!(CascadePreflight::new(most, most, always).max_usd, most);
    }
}
