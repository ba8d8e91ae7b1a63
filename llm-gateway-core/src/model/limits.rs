//! Limits on the use of a provider.

/// Limits on the use of a provider by this process; `None` = no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Limits {
    /// The most requests to the provider per minute.
    pub requests_per_minute: Option<u32>,
    /// The most tokens per minute at the provider, input and output together.
    pub tokens_per_minute: Option<u32>,
    /// The most calls to the provider at the same time.
    pub concurrent: Option<u32>,
}
