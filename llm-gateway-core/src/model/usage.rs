//! The tokens that a call used, in one shape for all wire formats.

/// The tokens that a provider reported for one answer.
///
/// Providers disagree on what their numbers include. The input of OpenAI and Gemini includes
/// cached tokens, that of Anthropic does not; the output of OpenAI and Anthropic includes
/// reasoning, that of Gemini does not. The decoder of each wire format converts its numbers into
/// this shape, where every input token is counted once and `reasoning` is a part of `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The number of input tokens that no cache was involved in.
    pub input_uncached: u64,
    /// The number of input tokens read from the provider's cache.
    pub cache_read: u64,
    /// The number of input tokens written to the provider's cache.
    pub cache_write: u64,
    /// The number of output tokens, reasoning included.
    pub output: u64,
    /// The number of output tokens that were spent on reasoning. They are a part of `output`.
    pub reasoning: u64,
}

impl Usage {
    /// Creates a usage of `input` and `output` tokens, without cached tokens and without reasoning.
    pub fn new(input: u64, output: u64) -> Self {
        Self { input_uncached: input, output, ..Self::default() }
    }

    /// Returns the number of all input tokens, cached or not.
    pub fn input(&self) -> u64 {
        self.input_uncached.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// Returns whether a model can have used this many tokens. A count that no model reaches is
    /// wrong, and booking it would use up every cap at once.
    pub(crate) fn is_plausible(&self) -> bool {
        // A thousand times the largest context of any model in use.
        const MOST_TOKENS: u64 = 1_000_000_000;
        self.total() <= MOST_TOKENS
    }

    /// Returns the number of all tokens, input and output.
    pub fn total(&self) -> u64 {
        self.input().saturating_add(self.output)
    }
}
