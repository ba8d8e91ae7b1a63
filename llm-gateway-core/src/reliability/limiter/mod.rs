//! The limits on the use of one provider: requests and tokens per minute, and calls at one time.
//!
//! A call that does not fit waits in line, first come, first served, for as long as its deadline
//! allows. The rates are token buckets, as the providers' own are: a whole minute's worth may go at
//! once, and comes back evenly.
//!
//! The limits can change while calls are under way, because a policy is read anew. A call under way
//! keeps its place, and counts under the new limits; what was used in the last minute stays used. A
//! limit that is new begins with a full bucket. A call that waits in line waits for the new limits.

mod bucket;
mod places;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout_at};

use crate::model::Limits;

use self::bucket::{Bucket, Taken};
use self::places::{Place, Places};
use super::Deadline;

/// The limiter of one provider, which keeps its use within the limits.
#[derive(Debug)]
pub(crate) struct Limiter {
    rates: watch::Sender<Rates>,
    calls: Arc<Places>,
    /// The head of the line, locked by the first waiting call. The value is true if a request was
    /// taken from the rate and not used, because its call left or there were not enough tokens; the
    /// next call uses it.
    head: Mutex<bool>,
}

/// The buckets of a provider's rates; `None` where there is no limit.
#[derive(Debug, Default)]
struct Rates {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

/// The permit for one of the calls that may run at one time. It is returned on drop.
#[derive(Debug)]
#[must_use = "a permit that is dropped is given back"]
pub(crate) struct LimiterPermit {
    _place: Place,
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
        let limiter = Self {
            rates: watch::Sender::new(Rates::default()),
            calls: Places::of(limits.concurrent),
            head: Mutex::new(false),
        };
        limiter.change(limits);
        limiter
    }

    /// Replaces the limits. Calls under way keep their places, and what the last minute used stays
    /// used.
    pub(crate) fn change(&self, limits: Limits) {
        self.calls.change(limits.concurrent);
        self.rates.send_if_modified(|rates| {
            let requests = changed(&mut rates.requests, limits.requests_per_minute);
            let tokens = changed(&mut rates.tokens, limits.tokens_per_minute);
            requests || tokens
        });
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
        if let Some(bucket) = &self.rates.borrow().tokens {
            bucket.fitting(tokens)?;
        }
        let place = timeout_at(deadline.at, self.calls.take()).await.map_err(too_late)?;
        let mut unused = timeout_at(deadline.at, self.head.lock()).await.map_err(too_late)?;
        if !*unused {
            self.take(|rates| &rates.requests, 1, deadline).await?;
            *unused = true;
        }
        self.take(|rates| &rates.tokens, tokens, deadline).await?;
        *unused = false;
        Ok(LimiterPermit { _place: place })
    }

    /// Takes `amount` out of a bucket, and waits until the bucket holds enough. If the limits
    /// change meanwhile, the new bucket counts.
    async fn take(
        &self,
        bucket: fn(&Rates) -> &Option<Bucket>,
        amount: u64,
        deadline: Deadline,
    ) -> Result<(), Overload> {
        let mut rates = self.rates.subscribe();
        loop {
            // The bucket is borrowed while it is asked, so that no change falls in between.
            let taken = match bucket(&rates.borrow_and_update()) {
                Some(bucket) => bucket.take(bucket.fitting(amount)?)?,
                None => Taken::Now,
            };
            let Taken::After(wait) = taken else { return Ok(()) };
            if !deadline.allows(wait, Instant::now()) {
                return Err(Overload::TooLate { wait: Some(wait) });
            }
            tokio::select! {
                () = sleep(wait) => {}
                _ = rates.changed() => {}
            }
        }
    }
}

/// Replaces a bucket by one of another limit, which has used as much. Returns whether the limit is
/// another one.
fn changed(bucket: &mut Option<Bucket>, limit: Option<u32>) -> bool {
    let limit = limit.and_then(NonZeroU32::new);
    if bucket.as_ref().map(Bucket::limit) == limit {
        return false;
    }
    let used = bucket.as_ref().map_or(0, Bucket::used);
    *bucket = limit.map(|limit| Bucket::of(limit, used));
    true
}

#[cfg(test)]
mod tests;
