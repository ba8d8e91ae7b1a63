//! The wall clock as a port.
//!
//! Dates come from here: which models are retired, later the months of the ledger.
//! Durations never do: deadlines and waits use tokio's clock, which tests can pause.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Something that knows what time it is.
pub trait Clock: Send + Sync {
    /// Time since 1970-01-01T00:00:00 UTC.
    fn now(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that reads the machine's clock
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// A clock that stands still, for tests.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Duration);

impl Clock for FixedClock {
    fn now(&self) -> Duration {
        self.0
    }
}
