//! Bounds the bytes of all answers that are read at the same time, over the whole gateway.
//!
//! An answer takes room before it reads on, and returns all of its room when it has been decoded.
//! Without free room it waits, and its connection waits with it, because a server cannot send what
//! is not read.
//!
//! Half-read answers could wait for each other for ever. Therefore one answer at a time may take
//! the *lane*: it is then read to its end without waiting, within its own bound. A part of the
//! room, large enough for the largest answer, is reserved for the lane.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::transport::CallProgress;

/// The bound on a streamed body, in bytes. Servers spend up to 400 bytes on a token, and an answer
/// of 128 k tokens that was paid for must not be lost to a bound.
pub(super) const LARGEST_STREAM: usize = 64 * 1024 * 1024;

/// The number of bytes for which an answer takes room before it reads on: more than most answers
/// have, and so few that thousands of answers fit. An answer holds at most one chunk beyond its
/// room.
const STEP: usize = 16 * 1024;

/// The room for the bytes of answers that are being read. Clones share the room.
#[derive(Debug, Clone)]
pub(crate) struct AnswerRoom {
    /// The permits of the shared room, one for each byte outside the lane.
    shared: Arc<Semaphore>,
    /// The one permit to take the lane.
    lane: Arc<Semaphore>,
}

impl AnswerRoom {
    /// Creates room for this many bytes, at most half of which are reserved for the lane.
    pub(crate) fn of(bytes: usize) -> Self {
        let lane = LARGEST_STREAM.min(bytes / 2);
        let shared = bytes.saturating_sub(lane).clamp(1, Semaphore::MAX_PERMITS);
        Self { shared: Arc::new(Semaphore::new(shared)), lane: Arc::new(Semaphore::new(1)) }
    }

    /// Returns whether this room and another are one.
    #[cfg(test)]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Returns the empty share of an answer that begins. The waits of the share are recorded in
    /// `progress`.
    pub(super) fn share<'a>(&self, progress: &'a CallProgress) -> RoomShare<'a> {
        RoomShare { room: self.clone(), progress, shared: None, lane: None, unused: 0 }
    }
}

/// The room that one answer has taken, which is returned when the share is dropped.
pub(super) struct RoomShare<'a> {
    room: AnswerRoom,
    progress: &'a CallProgress,
    shared: Option<OwnedSemaphorePermit>,
    lane: Option<OwnedSemaphorePermit>,
    /// Bytes of the shared room that were taken and not used.
    unused: usize,
}

impl RoomShare<'_> {
    /// Takes room for the next bytes, before they are read.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line, and takes no room.
    pub(super) async fn before_reading(&mut self) {
        if self.unused == 0 {
            self.take(STEP).await;
        }
    }

    /// Uses room for `bytes` that have been read, and takes more room if the share has too little.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line, and takes no room.
    pub(super) async fn used(&mut self, bytes: usize) {
        if let Some(missing) = bytes.checked_sub(self.unused).filter(|missing| *missing > 0) {
            self.take(missing).await;
        }
        self.unused = self.unused.saturating_sub(bytes);
    }

    async fn take(&mut self, bytes: usize) {
        if self.lane.is_some() {
            return;
        }
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX);
        let shared = Arc::clone(&self.room.shared);
        if let Ok(permit) = Arc::clone(&shared).try_acquire_many_owned(wanted) {
            return self.add(permit, bytes);
        }
        let _waiting = self.progress.wait_here();
        // Both lines are first come, first served. Neither semaphore is ever closed.
        tokio::select! {
            biased;
            Ok(permit) = shared.acquire_many_owned(wanted) => self.add(permit, bytes),
            Ok(permit) = Arc::clone(&self.room.lane).acquire_owned() => self.lane = Some(permit),
            else => {}
        }
    }

    fn add(&mut self, permit: OwnedSemaphorePermit, bytes: usize) {
        match &mut self.shared {
            Some(shared) => shared.merge(permit),
            None => self.shared = Some(permit),
        }
        self.unused = self.unused.saturating_add(bytes);
    }
}

/// The error of work that did not end in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) struct TimeExceeded;

/// Waits for `work` until `limit`. The time for which the attempt waits for room in this process
/// does not count, because it shows nothing about the provider.
pub(in crate::provider) async fn in_provider_time<T>(
    limit: Instant,
    progress: &CallProgress,
    work: impl Future<Output = T>,
) -> Result<T, TimeExceeded> {
    let mut work = std::pin::pin!(work);
    let before = progress.waited_here();
    let waited = || progress.waited_here().saturating_sub(before);
    let mut extended = limit;
    loop {
        match timeout_at(extended, &mut work).await {
            Ok(done) => return Ok(done),
            // A wait that goes on is longer each time, if only by the tick of the clock.
            Err(_) if limit + waited() > Instant::now() => {
                extended = limit + waited() + Duration::from_millis(1);
            }
            Err(_) => return Err(TimeExceeded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_waits_for_room_has_all_its_time_afterwards() {
        let progress = CallProgress::new();
        let limit = Instant::now() + Duration::from_secs(10);
        let waits = async {
            let waiting = progress.wait_here();
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(waiting);
            tokio::time::sleep(Duration::from_secs(9)).await;
        };
        assert_eq!(in_provider_time(limit, &progress, waits).await, Ok(()));
        let limit = Instant::now() + Duration::from_secs(10);
        let is_slow = tokio::time::sleep(Duration::from_secs(11));
        assert_eq!(in_provider_time(limit, &progress, is_slow).await, Err(TimeExceeded));
        assert_eq!(Instant::now(), limit, "earlier waits do not count");
    }

    #[tokio::test(start_paused = true)]
    async fn half_read_answers_never_wait_for_each_other() {
        for bytes in [1, 40_000, 1_000_000] {
            let room = AnswerRoom::of(bytes);
            let answers = (0..50).map(|n| {
                let room = room.clone();
                async move {
                    let progress = CallProgress::new();
                    let mut share = room.share(&progress);
                    for _ in 0..20 {
                        share.before_reading().await;
                        tokio::time::sleep(Duration::from_millis(n)).await;
                        share.used(10_000).await;
                    }
                }
            });
            futures_util::future::join_all(answers).await;
            let lane = LARGEST_STREAM.min(bytes / 2);
            assert_eq!(room.shared.available_permits(), (bytes - lane).max(1));
            assert_eq!(room.lane.available_permits(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_taken_than_there_is_beside_the_lane() {
        let room = AnswerRoom::of(200_000);
        let progress = CallProgress::new();
        let mut held = Vec::new();
        for _ in 0..6 {
            let mut share = room.share(&progress);
            share.used(16_000).await;
            held.push(share);
        }
        let mut first = room.share(&progress);
        first.used(16_000).await;
        assert!(first.lane.is_some());
        let mut second = room.share(&progress);
        let waits = tokio::time::timeout(Duration::from_secs(60), second.used(16_000)).await;
        assert!(waits.is_err());
        held.pop();
        second.used(16_000).await;
        assert!(second.lane.is_none());
    }
}
