//! The rules for what a front end returns: how large a result may be, how much it says, and when
//! a call that takes long is handed off.

use std::time::Duration;

/// The rules for output: the largest envelope, its detail, and the hand-off of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The largest size of an envelope, in characters of JSON.
    pub max_chars: usize,
    /// The most bytes of answers that are being read at the same time, over all requests.
    pub max_bytes_in_flight: usize,
    /// The time after which a call that is not done is answered with its run's id alone.
    pub hand_off: HandOff,
    /// The detail of the results of MCP tools.
    pub detail: Detail,
}

/// The time after which a call is handed off: it is answered while its run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HandOff {
    /// Shortly before the client would give the call up, where that is known of the client.
    #[default]
    Auto,
    /// Never: a call is answered when its run is done.
    Never,
    /// After this time.
    After(Duration),
}

/// The detail of a result: how much is said of how it came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Detail {
    /// Everything that is known.
    #[default]
    Full,
    /// What is as expected is left out.
    Brief,
}

impl Output {
    /// The largest size of an envelope if the policy sets none, in characters of JSON: about 8 000
    /// tokens, which common clients neither cut nor write to a file.
    pub const DEFAULT_MAX_CHARS: usize = 30_000;

    /// The bytes in flight of a policy that sets none: twice the largest answer, so that a large
    /// answer and thousands of small ones do not wait for each other.
    pub const DEFAULT_MAX_BYTES_IN_FLIGHT: usize = 128 * 1024 * 1024;
}

impl Default for Output {
    fn default() -> Self {
        Self {
            max_chars: Self::DEFAULT_MAX_CHARS,
            max_bytes_in_flight: Self::DEFAULT_MAX_BYTES_IN_FLIGHT,
            hand_off: HandOff::default(),
            detail: Detail::default(),
        }
    }
}
