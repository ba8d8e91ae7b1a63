//! The places of calls that run at the same time, whose number can change while calls hold some.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places for calls. Every call holds one, even where their number has no limit, so that a
/// limit that comes later knows of the calls under way.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    count: Mutex<Count>,
}

/// How many places there are.
#[derive(Debug)]
struct Count {
    limit: usize,
    /// How many places were taken away while calls held them. So many are not given back.
    owed: usize,
}

impl Places {
    /// Creates free places; `None` stands for as many as are wanted.
    pub(super) fn of(limit: Option<u32>) -> Arc<Self> {
        let limit = number(limit);
        let count = Mutex::new(Count { limit, owed: 0 });
        Arc::new(Self { free: Arc::new(Semaphore::new(limit)), count })
    }

    /// Changes the number of places. Calls that hold one keep it.
    pub(super) fn change(&self, limit: Option<u32>) {
        let (limit, mut count) = (number(limit), self.lock());
        let more = limit.saturating_sub(count.limit);
        let fewer = count.limit.saturating_sub(limit);
        let still_owed = more.min(count.owed);
        count.owed -= still_owed;
        self.free.add_permits(more - still_owed);
        let taken = self.free.forget_permits(fewer);
        count.owed += fewer - taken;
        count.limit = limit;
    }

    /// Waits for a place, first come, first served.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.free).acquire_owned().await.ok();
        Place { permit, of: Arc::clone(self) }
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        // A panic cannot leave the numbers half changed.
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a number of places as the semaphore counts them.
fn number(limit: Option<u32>) -> usize {
    limit.map_or(Semaphore::MAX_PERMITS, |limit| limit as usize)
}

/// A place that a call holds. It is given back on drop, unless it was taken away meanwhile.
#[derive(Debug)]
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    of: Arc<Places>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // The permit ends while the count is locked, so that no change falls in between.
        let mut count = self.of.lock();
        let Some(permit) = self.permit.take() else { return };
        if count.owed > 0 {
            count.owed -= 1;
            permit.forget();
        }
    }
}
