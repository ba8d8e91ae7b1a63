//! How much of a provider may be used.

/// Bounds on the use of a provider; `None` = no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Limits {
    /// Requests per minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens per minute, input and output together.
    pub tokens_per_minute: Option<u32>,
    /// Calls at one time.
    pub concurrent: Option<u32>,
}
