//! How much of a provider may be used: requests and tokens per minute, calls at one time.
//!
//! Whoever does not fit waits in line, first come, first served, as long as the deadline
//! allows. The rates are token buckets like the providers' own: a whole minute's worth may go
//! at once, and comes back evenly.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use crate::model::Limits;

use super::Deadline;

/// Keeps a provider's use within its bounds.
#[derive(Debug)]
pub(crate) struct Limiter {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    calls: Option<Arc<Semaphore>>,
    /// Whoever is at the head of the line, and whether a request was taken from the rate and
    /// not used: its taker left, or there were not enough tokens. The next one uses it.
    head: Mutex<bool>,
}

/// One of the calls that may run at one time. It gives itself back on drop.
#[derive(Debug)]
#[must_use = "a place that is dropped is given back"]
pub(crate) struct LimiterPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Why a call is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overload {
    /// It asks for more tokens than there are in a minute.
    TooLarge { limit: u32 },
    /// It would have to wait so long, which the deadline does not allow; `None` = unknown,
    /// because others are before it.
    TooLate { wait: Option<Duration> },
}

impl Limiter {
    /// A limiter that nobody has used.
    pub(crate) fn new(limits: Limits) -> Self {
        let calls = limits.concurrent.map(|calls| Arc::new(Semaphore::new(calls as usize)));
        let bucket = |limit: Option<u32>| limit.and_then(NonZeroU32::new).map(Bucket::of);
        Self {
            requests: bucket(limits.requests_per_minute),
            tokens: bucket(limits.tokens_per_minute),
            calls,
            head: Mutex::new(false),
        }
    }

    /// Waits for a place for a call of at most `tokens`.
    ///
    /// # Errors
    /// [`Overload`] where there will be none before the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future gives the place in the line back, and what it took of a rate to the
    /// next one.
    pub(crate) async fn admit(
        &self,
        tokens: u64,
        deadline: Deadline,
    ) -> Result<LimiterPermit, Overload> {
        let too_late = |_| Overload::TooLate { wait: None };
        // Asked before any wait: what can never pass waits for nothing and uses nothing up.
        let tokens = self.tokens.as_ref().map(|bucket| bucket.fitting(tokens)).transpose()?;
        let permit = match &self.calls {
            Some(calls) => {
                let place = timeout_at(deadline.at, Arc::clone(calls).acquire_owned()).await;
                place.map_err(too_late)?.ok()
            }
            None => None,
        };
        let mut unused = timeout_at(deadline.at, self.head.lock()).await.map_err(too_late)?;
        if let (Some(bucket), false) = (&self.requests, *unused) {
            bucket.take(NonZeroU32::MIN, deadline).await?;
            *unused = true;
        }
        if let (Some(bucket), Some(tokens)) = (&self.tokens, tokens) {
            bucket.take(tokens, deadline).await?;
        }
        *unused = false;
        Ok(LimiterPermit { _permit: permit })
    }
}

/// So much per minute.
#[derive(Debug)]
struct Bucket {
    limit: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
}

impl Bucket {
    fn of(limit: NonZeroU32) -> Self {
        let clock = TokioClock { start: Instant::now() };
        Self { limit, limiter: RateLimiter::direct_with_clock(Quota::per_minute(limit), clock) }
    }

    /// `tokens` as the bucket counts; an error where it never holds so many.
    fn fitting(&self, tokens: u64) -> Result<NonZeroU32, Overload> {
        let tokens = u32::try_from(tokens.max(1)).ok().and_then(NonZeroU32::new);
        let too_large = Overload::TooLarge { limit: self.limit.get() };
        tokens.filter(|tokens| *tokens <= self.limit).ok_or(too_large)
    }

    async fn take(&self, amount: NonZeroU32, deadline: Deadline) -> Result<(), Overload> {
        loop {
            let early = match self.limiter.check_n(amount) {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(early)) => early,
                Err(_) => return Err(Overload::TooLarge { limit: self.limit.get() }),
            };
            let now = self.limiter.clock().now();
            let wait = early.wait_time_from(now);
            if !deadline.allows(wait, Instant::now()) {
                return Err(Overload::TooLate { wait: Some(wait) });
            }
            sleep(wait).await;
        }
    }
}

/// Tokio's clock, which tests can pause.
#[derive(Debug, Clone, Copy)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}
