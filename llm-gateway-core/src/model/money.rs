//! Amounts of money and prices, as integers.
//!
//! An amount is a whole number of nano-dollars (1 USD = 1 000 000 000 n$). A price is a whole
//! number of nano-dollars per million tokens, which can hold the smallest price in use ($0.005 per
//! million). Costs are summed in 128 bits and rounded up once.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The number of nano-dollars in a dollar.
const NANOS_PER_USD: u64 = 1_000_000_000;

/// The number of digits after the point of an amount in dollars.
const DECIMALS: usize = 9;

/// The error of a number that is not an amount of dollars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount in US dollars")]
pub struct InvalidAmount(String);

/// An amount of money in nano-dollars. `Display` and serde write it in dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NanoUsd(u64);

impl NanoUsd {
    /// The amount of no money at all.
    pub const ZERO: Self = Self(0);

    /// Creates an amount from nano-dollars.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the amount in nano-dollars.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Reads an amount from a decimal number of dollars, such as `0.5`, exactly.
    ///
    /// # Errors
    /// [`InvalidAmount`] for a text that is not a plain decimal ≥ 0 with at most nine digits after
    /// the point.
    pub fn parse_usd(text: &str) -> Result<Self, InvalidAmount> {
        match Self::read(text) {
            Some((amount, false)) => Ok(amount),
            _ => Err(InvalidAmount(text.chars().take(40).collect())),
        }
    }

    /// Returns an amount of dollars, rounded down to a nano-dollar, or `None` for a number that is
    /// not an amount. A threshold that is rounded down never lets more through.
    pub(crate) fn from_usd_rounded_down(usd: f64) -> Option<Self> {
        Self::read_number(usd).map(|(amount, _)| amount)
    }

    /// Returns an amount of dollars, rounded up to a nano-dollar, or `None` for a number that is
    /// not an amount.
    fn from_usd_rounded_up(usd: f64) -> Option<Self> {
        let (amount, more) = Self::read_number(usd)?;
        Some(Self(amount.0.checked_add(u64::from(more))?))
    }

    /// Reads an amount from a number of dollars, as [`read`](Self::read) does from a text. The
    /// negative zero of floats is zero: adding zero takes its sign away.
    fn read_number(usd: f64) -> Option<(Self, bool)> {
        Self::read(&(usd + 0.0).to_string())
    }

    /// Reads an amount from a plain decimal ≥ 0 of dollars, rounded down to a nano-dollar. The flag
    /// says whether anything was cut off.
    fn read(text: &str) -> Option<(Self, bool)> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return None;
        }
        let (fraction, finer) = fraction.split_at_checked(DECIMALS).unwrap_or((fraction, ""));
        let whole: u64 = whole.parse().ok()?;
        let fraction: u64 = format!("{fraction:0<DECIMALS$}").parse().ok()?;
        let nanos = whole.checked_mul(NANOS_PER_USD)?.checked_add(fraction)?;
        Some((Self(nanos), finer.chars().any(|digit| digit != '0')))
    }

    /// Returns the sum of two amounts, or the largest amount if the sum is larger. The largest
    /// amount is above every cap, so an overflow refuses calls and never allows one.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the sum of the amounts, or `None` if one amount is unknown.
    pub(crate) fn total(amounts: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, |sum, amount| Some(sum.saturating_add(amount?)))
    }

    /// Returns the difference of two amounts, or zero if `other` is larger.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns the amount in dollars as a float, for people and JSON. A float is not exact enough
    /// to decide by.
    #[allow(clippy::cast_precision_loss)] // shown, not compared
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / NANOS_PER_USD as f64
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:09}", self.0 % NANOS_PER_USD);
        // Cents are always shown, smaller digits only if they are not zero.
        let shown = decimals.trim_end_matches('0').len().max(2);
        let decimals = decimals.get(..shown).unwrap_or(&decimals);
        write!(f, "${}.{decimals}", self.0 / NANOS_PER_USD)
    }
}

impl Serialize for NanoUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_usd())
    }
}

impl JsonSchema for NanoUsd {
    fn schema_name() -> Cow<'static, str> {
        "NanoUsd".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0 })
    }
}

/// A price in nano-dollars per 1 000 000 tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// The price of tokens that cost nothing.
    pub const FREE: Self = Self(0);

    /// The highest price that is accepted, in dollars per million tokens. A higher number is taken
    /// for one in another unit: no model has ever cost more than $600 per million tokens.
    pub const HIGHEST_USD: u64 = 1_000;

    /// Creates a price from dollars per million tokens, rounded up to a nano-dollar.
    ///
    /// # Errors
    /// [`InvalidAmount`] for a price below zero or above [`Rate::HIGHEST_USD`].
    pub fn from_usd_per_million(usd: f64) -> Result<Self, InvalidAmount> {
        // A float prints as the shortest decimal that reads back as itself, which is what its
        // author wrote: up to nine decimals the conversion is exact.
        NanoUsd::from_usd_rounded_up(usd)
            .filter(|rate| rate.0 <= Self::HIGHEST_USD * NANOS_PER_USD)
            .map(|rate| Self(rate.0))
            .ok_or_else(|| InvalidAmount(usd.to_string().chars().take(40).collect()))
    }

    /// Returns the cost of `tokens` in millionths of a nano-dollar. A caller sums such costs and
    /// then calls [`round_up`](Self::round_up) once.
    pub(crate) fn times(self, tokens: u64) -> u128 {
        u128::from(self.0) * u128::from(tokens)
    }

    /// Converts a sum of costs from [`times`](Self::times) into an amount, rounded up to a
    /// nano-dollar.
    pub(crate) fn round_up(sum: u128) -> NanoUsd {
        NanoUsd(u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_exactly() {
        assert_eq!(NanoUsd::parse_usd("0.1"), Ok(NanoUsd(100_000_000)));
        assert_eq!(NanoUsd::parse_usd("15"), Ok(NanoUsd(15_000_000_000)));
        assert_eq!(NanoUsd::parse_usd("0.000000001"), Ok(NanoUsd(1)));
        for bad in ["", ".5", "-1", "1e3", "NaN", "0.0000000001", "99999999999999"] {
            assert!(NanoUsd::parse_usd(bad).is_err(), "{bad:?} was taken as money");
        }
    }

    #[test]
    fn a_price_in_the_wrong_unit_is_refused() {
        assert!(Rate::from_usd_per_million(1_000.0).is_ok());
        assert!(Rate::from_usd_per_million(1_000.01).is_err());
        assert!(Rate::from_usd_per_million(-0.1).is_err());
        assert!(Rate::from_usd_per_million(f64::INFINITY).is_err());
    }

    #[test]
    fn a_number_finer_than_a_nano_dollar_is_rounded_to_the_safe_side() {
        assert_eq!(NanoUsd::from_usd_rounded_down(0.1 + 0.2), Some(NanoUsd(300_000_000)));
        assert_eq!(NanoUsd::from_usd_rounded_down(0.000_100_000_000_01), Some(NanoUsd(100_000)));
        assert_eq!(Rate::from_usd_per_million(0.1 + 0.2), Ok(Rate(300_000_001)));
        assert_eq!(NanoUsd::from_usd_rounded_down(1e300), None);
        assert_eq!(NanoUsd::from_usd_rounded_down(-0.1), None);
        assert_eq!(NanoUsd::from_usd_rounded_down(-0.0), Some(NanoUsd::ZERO));
        assert_eq!(Rate::from_usd_per_million(-0.0), Ok(Rate::FREE));
    }

    #[test]
    fn a_cost_is_rounded_up_once() {
        // $0.15 per million = 150 n$ per thousand tokens = 0.15 n$ a token.
        let rate = Rate::from_usd_per_million(0.15).unwrap();
        assert_eq!(Rate::round_up(rate.times(1)), NanoUsd(150));
        let tiny = Rate(1);
        assert_eq!(Rate::round_up(tiny.times(1)), NanoUsd(1));
        assert_eq!(Rate::round_up(tiny.times(1) + tiny.times(1)), NanoUsd(1));
    }

    #[test]
    fn money_prints_in_dollars() {
        assert_eq!(NanoUsd(1_500_000_000).to_string(), "$1.50");
        assert_eq!(NanoUsd(172_500).to_string(), "$0.0001725");
        assert_eq!(NanoUsd::ZERO.to_string(), "$0.00");
    }

    proptest::proptest! {
        #[test]
        fn printing_and_reading_agree(nanos: u64) {
            let amount = NanoUsd(nanos);
            let printed = amount.to_string();
            proptest::prop_assert_eq!(NanoUsd::parse_usd(printed.trim_start_matches('$')), Ok(amount));
        }
    }
}
