//! The price of a cascade on both of its ways, before anything leaves. Pure.
//!
//! The cheapest way is the gate alone, the dearest is the gate and then the strong model; what
//! lies between depends on how often the gate cannot answer. That rate is shown and decides
//! nothing: limits are held against the dearest way.

use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::model::NanoUsd;

/// How often a gate is expected to escalate before any request has told: in thousandths, and
/// where it was measured. A pair that is not as good escalates more often.
const PRIOR_PER_MILLE: u64 = 355;
const PRIOR_SOURCE: &str =
    "prior: measured on recorded answers to MMLU-Pro, with a pair that was good enough";

/// How often a cascade came to its gate, and how often that could not answer.
///
/// Serialises as `{asked, escalated, rate}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Escalations {
    /// Requests that came to the gate, be it that it was spared because it could settle nothing.
    pub asked: u64,
    /// Those whose answer did not stand.
    pub escalated: u64,
}

impl Escalations {
    /// The share that escalated, to four decimals; `None` before the first.
    pub fn rate(self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss)] // requests of one process
        let share = self.escalated as f64 / self.asked as f64;
        (self.asked > 0).then(|| (share * 1e4).round() / 1e4)
    }

    /// This share of an amount, rounded up; where nothing is known yet, the prior's.
    fn share_of(self, amount: NanoUsd) -> NanoUsd {
        let (part, whole) = match self.asked {
            0 => (PRIOR_PER_MILLE, 1_000),
            asked => (self.escalated.min(asked), asked),
        };
        let nanos = (u128::from(amount.as_nanos()) * u128::from(part)).div_ceil(u128::from(whole));
        // A part of what fits fits.
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

/// What a cascade may cost: the estimates of its calls, as [`Preflight`](super::Preflight) has
/// them, if every allowed output token is used. `None` = a price is unknown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CascadePreflight {
    /// The gate alone.
    pub min_usd: Option<NanoUsd>,
    /// The gate, and the strong model as often as the rate says.
    pub expected_usd: Option<NanoUsd>,
    /// The gate and the strong model: what limits are held against.
    pub max_usd: Option<NanoUsd>,
    /// How often the gate is expected to escalate.
    pub escalation_rate: EscalationRate,
}

/// How often a gate is expected to escalate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EscalationRate {
    /// Between 0 and 1.
    pub value: f64,
    /// Where it comes from.
    pub source: String,
}

impl CascadePreflight {
    /// Prices both ways from the estimate of the whole gate and of the strong model, by what the
    /// gate has done so far.
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
