//! The port for the wall clock.
//!
//! It shows the date, which decides which models are retired and which month the ledger counts in.
//! It never measures durations: deadlines and waits use tokio's clock, which tests can pause.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use llm_gateway_core::Gateway;
//! use llm_gateway_core::clock::FixedClock;
//!
//! // The gateway of a test lives on 1 January 2026.
//! let clock = FixedClock::new(Duration::from_secs(1_767_225_600));
//! let gateway = Gateway::builder().offline().clock(Arc::new(clock)).build()?;
//! # Ok::<(), llm_gateway_core::config::PolicyProblems>(())
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A wall clock, which shows the date. Implement it to control the date in a test.
///
/// It is read in the middle of requests and must not block. While a program's clock panics, the
/// gateway reads the machine's clock instead.
pub trait Clock: Send + Sync {
    /// Returns the time since 1970-01-01T00:00:00 UTC.
    fn now(&self) -> Duration;
}

/// The wall clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that reads the machine's clock
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// A clock that always shows the same time since 1970-01-01T00:00:00 UTC, for tests.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(Duration);

impl FixedClock {
    /// Creates a clock that shows `now`, the time since 1970-01-01T00:00:00 UTC.
    pub const fn new(now: Duration) -> Self {
        Self(now)
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Duration {
        self.0
    }
}
