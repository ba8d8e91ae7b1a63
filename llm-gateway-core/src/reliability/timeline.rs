//! The time of a runtime's clock, for what is remembered from one call to the next.
//!
//! Each runtime has a clock of its own. In a program they agree. In tests, where a clock can be
//! paused and moved, one may be hours ahead of another, and what was remembered by the one would
//! lie in the other's future: a breaker that opens again in three hours, a bucket that fills next
//! week. Where the clock turns out to be behind what was remembered, that is moved back with it.

use std::time::Duration;

use tokio::time::Instant;

/// The longest step back that is no other clock: threads read the clock, and come in another order.
const JITTER: Duration = Duration::from_secs(1);

/// The latest time that was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timeline(Option<Instant>);

impl Timeline {
    /// Notes that it is `now`, and returns how far all that is remembered has to be moved back. It
    /// is zero, unless this is another clock, which is behind.
    pub(super) fn step_back(&mut self, now: Instant) -> Duration {
        let Self(latest) = self;
        let back = latest.map_or(Duration::ZERO, |latest| latest.saturating_duration_since(now));
        if back > JITTER {
            *latest = Some(now);
            return back;
        }
        *latest = (*latest).max(Some(now));
        Duration::ZERO
    }
}

/// Returns a remembered time, moved back.
pub(super) fn moved_back(at: Instant, by: Duration) -> Instant {
    at.checked_sub(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_another_clock_moves_back() {
        let (mut line, now) = (Timeline::default(), Instant::now());
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3_600));
        for (at, back) in [
            (now, Duration::ZERO),
            (now + hour, Duration::ZERO),
            (now + hour - second, Duration::ZERO),
            (now + second, hour - second),
            (now + second * 2, Duration::ZERO),
            (now, second * 2),
            (now + hour, Duration::ZERO),
            (now, hour),
        ] {
            assert_eq!(line.step_back(at), back);
        }
    }
}
