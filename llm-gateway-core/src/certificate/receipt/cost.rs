//! The tokens and the cost of an attempt, as its row in a receipt states them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{NanoUsd, Usage};

/// The tokens that one attempt used and the amount that was booked for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptCost {
    /// Tokens that the provider reported for the attempt; `None` if unknown.
    pub(super) tokens: Option<Tokens>,
    /// Amount that was booked for the attempt, in nano-dollars; `None` if unknown.
    cost_nanos: Option<u64>,
}

/// The token counts of one attempt, as a receipt writes a [`Usage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tokens {
    input_uncached: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

impl AttemptCost {
    /// Creates an attempt's cost from the tokens that the provider reported and the amount that was
    /// booked. Each is `None` where it is not known.
    pub fn new(usage: Option<Usage>, cost: Option<NanoUsd>) -> Self {
        Self { tokens: usage.map(Tokens::from), cost_nanos: cost.map(NanoUsd::as_nanos) }
    }
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        let Usage { input_uncached, cache_read, cache_write, output, reasoning } = usage;
        Self { input_uncached, cache_read, cache_write, output, reasoning }
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input_uncached, cache_read, cache_write, output, reasoning } = self;
        write!(f, "{input_uncached} in, {cache_read} from and {cache_write} to a cache, ")?;
        write!(f, "{output} out, {reasoning} of them reasoning")
    }
}
