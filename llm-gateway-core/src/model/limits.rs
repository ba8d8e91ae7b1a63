//! Limits on the use of a provider.

/// Limits on the use of a provider by this process; `None` = no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Limits {
    /// The most requests per minute.
    pub requests_per_minute: Option<u32>,
    /// The most tokens per minute, input and output together.
    pub tokens_per_minute: Option<u32>,
    /// The most calls at the same time.
    pub concurrent: Option<u32>,
}
