//! Tokens that a call used, in one shape for every dialect.

/// Tokens that a provider reported for one answer.
///
/// Providers disagree on what their numbers include: OpenAI's and Gemini's input counts
/// cached tokens, Anthropic's does not; OpenAI's and Anthropic's output counts
/// reasoning, Gemini's does not. Each dialect's decoder brings its own into this shape,
/// where every input token is counted once and `reasoning` is a part of `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Input tokens billed at the full rate.
    pub input_uncached: u64,
    /// Input tokens read from the provider's cache.
    pub cache_read: u64,
    /// Input tokens written to the provider's cache.
    pub cache_write: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// The part of `output` that was spent on reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// Usage without cache traffic or reasoning.
    pub fn new(input: u64, output: u64) -> Self {
        Self { input_uncached: input, output, ..Self::default() }
    }

    /// All input tokens, however they were billed.
    pub fn input(&self) -> u64 {
        self.input_uncached.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// Whether a model can have used so many tokens. A count that no model reaches is no count:
    /// booked, it would use up every cap at once.
    pub(crate) fn is_plausible(&self) -> bool {
        // A thousand times the largest context in use.
        const MOST: u64 = 1_000_000_000;
        self.total() <= MOST
    }

    /// All tokens.
    pub fn total(&self) -> u64 {
        self.input().saturating_add(self.output)
    }
}
