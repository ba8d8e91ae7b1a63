//! The limits on the use of one provider: requests and tokens per minute, and calls at one time.
//!
//! A call that does not fit waits in line, first come, first served, for as long as its deadline
//! allows. The rates are token buckets, as the providers' own are: a whole minute's worth may go at
//! once, and comes back evenly.

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

/// The limiter of one provider, which keeps its use within the limits.
#[derive(Debug)]
pub(crate) struct Limiter {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    calls: Option<Arc<Semaphore>>,
    /// The head of the line, locked by the first waiting call. The value is true if a request was
    /// taken from the rate and not used, because its call left or there were not enough tokens; the
    /// next call uses it.
    head: Mutex<bool>,
}

/// The permit for one of the calls that may run at one time. It is returned on drop.
#[derive(Debug)]
#[must_use = "a permit that is dropped is given back"]
pub(crate) struct LimiterPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

/// The error of a call that is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overload {
    /// The call needs more tokens than the limit allows in a minute.
    TooLarge { limit: u32 },
    /// The call would have to wait longer than its deadline allows. The wait is `None` if it is
    /// unknown, because other calls are first.
    TooLate { wait: Option<Duration> },
}

impl Limiter {
    /// Creates a limiter with full buckets.
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

    /// Waits until a call of at most `tokens` may begin.
    ///
    /// # Errors
    /// [`Overload`] if it may not begin before the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line. The next call uses what was taken from a rate.
    pub(crate) async fn admit(
        &self,
        tokens: u64,
        deadline: Deadline,
    ) -> Result<LimiterPermit, Overload> {
        let too_late = |_| Overload::TooLate { wait: None };
        // This is checked before any wait, so that a call that can never pass neither waits nor
        // uses anything up.
        let tokens = self.tokens.as_ref().map(|bucket| bucket.fitting(tokens)).transpose()?;
        let permit = match &self.calls {
            Some(calls) => {
                let permit = timeout_at(deadline.at, Arc::clone(calls).acquire_owned()).await;
                permit.map_err(too_late)?.ok()
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

/// A token bucket: an amount per minute.
#[derive(Debug)]
struct Bucket {
    limit: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
}

impl Bucket {
    /// Creates a full bucket.
    fn of(limit: NonZeroU32) -> Self {
        let clock = TokioClock { start: Instant::now() };
        Self { limit, limiter: RateLimiter::direct_with_clock(Quota::per_minute(limit), clock) }
    }

    /// Returns `tokens` as the bucket counts them.
    ///
    /// # Errors
    /// [`Overload::TooLarge`] if the bucket never holds so many.
    fn fitting(&self, tokens: u64) -> Result<NonZeroU32, Overload> {
        let tokens = u32::try_from(tokens.max(1)).ok().and_then(NonZeroU32::new);
        let too_large = Overload::TooLarge { limit: self.limit.get() };
        tokens.filter(|tokens| *tokens <= self.limit).ok_or(too_large)
    }

    /// Takes `amount` out of the bucket, and waits until the bucket holds enough.
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

/// The clock of tokio, which tests can pause.
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
