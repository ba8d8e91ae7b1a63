//! The runs of a gateway that are under way, and the end of all of them when the gateway shuts
//! down.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::error::{Category, Error};
use crate::runtime::with_timers;
use crate::stop::Stop;

/// The longest time for which a shutdown waits for runs that it has stopped. A stopped run ends at
/// once, unless nobody polls its future.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// The runs of a gateway that are under way.
#[derive(Default)]
pub(crate) struct RunsUnderWay {
    state: watch::Sender<RunCount>,
    /// Ends every run when the time of a shutdown is over.
    stop: Stop,
}

/// Whether new runs may begin, and how many are under way.
#[derive(Debug, Clone, Copy, Default)]
struct RunCount {
    is_closed: bool,
    runs: usize,
}

/// The guard of a run that is under way.
pub(super) struct RunUnderWay<'a>(&'a RunsUnderWay);

impl RunsUnderWay {
    /// Lets a run begin. It counts as under way until the guard is dropped.
    ///
    /// # Errors
    /// [`Category::Cancelled`] if the gateway is shut down.
    pub(super) fn begin(&self) -> Result<RunUnderWay<'_>, Error> {
        let has_begun = self.state.send_if_modified(|state| {
            state.runs += usize::from(!state.is_closed);
            !state.is_closed
        });
        match has_begun {
            true => Ok(RunUnderWay(self)),
            false => Err(Error::new(Category::Cancelled, "the gateway has been shut down")
                .with_hint("ask before `Gateway::shutdown`, or build another gateway")),
        }
    }

    /// Returns the handle of a run: `caller`'s, which also ends when the gateway shuts down.
    pub(super) fn stop_beside(&self, caller: Option<&Stop>) -> Stop {
        match caller {
            Some(caller) => caller.or(&self.stop),
            None => self.stop.clone(),
        }
    }

    /// Lets no new run begin, waits up to `grace` for those under way, and stops the rest. Returns
    /// the number of runs that were stopped.
    ///
    /// # Errors
    /// [`Category::Internal`] if there is no runtime or one without timers. Nothing is closed then.
    pub(crate) async fn close(&self, grace: Duration) -> Result<usize, Error> {
        with_timers()?;
        self.state.send_modify(|state| state.is_closed = true);
        let mut watched = self.state.subscribe();
        // Waiting cannot fail, because this value keeps the sender alive.
        if timeout(grace, watched.wait_for(|state| state.runs == 0)).await.is_ok() {
            return Ok(0);
        }
        let stopped = watched.borrow().runs;
        self.stop.stop();
        let _ = timeout(LAST_WAIT, watched.wait_for(|state| state.runs == 0)).await;
        Ok(stopped)
    }
}

impl Drop for RunUnderWay<'_> {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.runs = state.runs.saturating_sub(1));
    }
}
