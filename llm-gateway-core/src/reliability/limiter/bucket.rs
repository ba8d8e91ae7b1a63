//! A token bucket: an amount per minute.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::Overload;
use crate::reliability::timeline::{Timeline, moved_back};

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    limit: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, StateInformationMiddleware>,
}

/// The result of taking an amount out of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The amount was taken.
    Now,
    /// The bucket holds too little, and nothing was taken. It may hold enough after this time.
    After(Duration),
}

impl Bucket {
    /// Creates a bucket of which `used` is gone already.
    pub(super) fn of(limit: NonZeroU32, used: u32) -> Self {
        let clock = TokioClock::starting(Instant::now());
        let limiter = RateLimiter::direct_with_clock(Quota::per_minute(limit), clock)
            .with_middleware::<StateInformationMiddleware>();
        if let Some(used) = NonZeroU32::new(used.min(limit.get())) {
            // A full bucket holds its limit.
            let _ = limiter.check_n(used);
        }
        Self { limit, limiter }
    }

    /// Returns the amount per minute.
    pub(super) fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// Returns how much of the bucket is gone, in whole units, rounded up. The bucket is to be
    /// replaced: asking takes one unit.
    pub(super) fn used(&self) -> u32 {
        let held = self.limiter.check().map_or(0, |held| held.remaining_burst_capacity() + 1);
        self.limit.get().saturating_sub(held)
    }

    /// Returns `amount` as the bucket counts it.
    ///
    /// # Errors
    /// [`Overload::TooLarge`] if the bucket never holds so much.
    pub(super) fn fitting(&self, amount: u64) -> Result<NonZeroU32, Overload> {
        let amount = u32::try_from(amount.max(1)).ok().and_then(NonZeroU32::new);
        let too_large = Overload::TooLarge { limit: self.limit.get() };
        amount.filter(|amount| *amount <= self.limit).ok_or(too_large)
    }

    /// Takes `amount` out of the bucket, if it holds enough.
    ///
    /// # Errors
    /// [`Overload::TooLarge`] if the bucket never holds so much.
    pub(super) fn take(&self, amount: NonZeroU32) -> Result<Taken, Overload> {
        match self.limiter.check_n(amount) {
            Ok(Ok(_)) => Ok(Taken::Now),
            Ok(Err(early)) => Ok(Taken::After(early.wait_time_from(self.limiter.clock().now()))),
            Err(_) => Err(Overload::TooLarge { limit: self.limit.get() }),
        }
    }
}

/// The clock of tokio, which tests can pause. Its clones show the same time.
#[derive(Debug, Clone)]
struct TokioClock(Arc<Mutex<(Instant, Timeline)>>);

impl TokioClock {
    fn starting(start: Instant) -> Self {
        Self(Arc::new(Mutex::new((start, Timeline::default()))))
    }
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, timeline) = &mut *state;
        let now = Instant::now();
        *start = moved_back(*start, timeline.step_back(now));
        now.saturating_duration_since(*start)
    }
}
