//! Keeps a paused clock from running ahead of work that takes real time.
//!
//! When nothing is left to do on a runtime whose clock is paused (`tokio::time::pause`), tokio
//! moves the clock to the next timer at once. A call that waits for a socket or for the ledger's
//! thread looks like nothing to do, so every timeout would pass before the answer can come. While
//! such work is waited for, a paused clock therefore goes at the pace of the machine's: real time
//! passes in a blocking task, for which tokio holds the clock still, and then as much passes on
//! the clock. A clock that is not paused costs a look.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::drivers::with_timers;

/// The real time between two steps of a paused clock.
const TICK: Duration = Duration::from_millis(5);

/// The step of a paused clock. Timers fire on whole milliseconds, up to one late, and the clock
/// should never go faster than real time.
const CLOCK_STEP: Duration = Duration::from_millis(4);

/// The time after which a clock that was not paused is looked at first. It doubles with each look:
/// a clock that is paused during a wait moves no further than the wait has lasted.
const FIRST_LOOK: Duration = Duration::from_millis(10);

/// The longest time between two looks.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// The pace of the clock during one wait.
#[derive(Default)]
pub(crate) struct Pace(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Pace {
    /// Passes on the result of a poll of work that takes real time. While there is none, the clock
    /// keeps the pace. The runtime must have timers.
    pub(crate) fn keep<T>(&mut self, context: &mut Context<'_>, polled: Poll<T>) -> Poll<T> {
        if polled.is_ready() {
            self.0 = None;
        } else {
            let pace = self.0.get_or_insert_with(|| Box::pin(keep_pace()));
            // It never ends.
            let _ = pace.as_mut().poll(context);
        }
        polled
    }
}

/// Waits for `work`, which takes real time. A clock that is paused at the beginning keeps its pace.
///
/// # Cancel safety
/// Dropping the future drops the work.
pub(crate) async fn in_real_time<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut pace = None;
    poll_fn(|context| match work.as_mut().poll(context) {
        // A runtime without timers has no clock that could be paused, and may not be given one.
        Poll::Pending if pace.is_some() || (stands_still() && with_timers().is_ok()) => {
            pace.get_or_insert_with(Pace::default).keep(context, Poll::Pending)
        }
        polled => polled,
    })
    .await
}

/// Lets a clock that is paused go at the pace of the machine's, for as long as this is polled.
async fn keep_pace() {
    let mut look = FIRST_LOOK;
    loop {
        if !stands_still() {
            sleep(look).await;
            look = (look * 2).min(LAST_LOOK);
            continue;
        }
        if spawn_blocking(pass_real_time).await.is_err() {
            // The runtime is about to end.
            return pending().await;
        }
        sleep(CLOCK_STEP).await;
        look = FIRST_LOOK;
    }
}

#[allow(clippy::disallowed_methods)] // real time has to pass, on a thread that may block
fn pass_real_time() {
    std::thread::sleep(TICK);
}

/// Returns whether the clock of this runtime is paused. Tokio has no question for it, so its clock
/// is compared with the machine's.
#[allow(clippy::disallowed_methods)] // the one comparison of both clocks
fn stands_still() -> bool {
    let now = std::time::Instant::now;
    let (before, shown, after) = (now(), Instant::now().into_std(), now());
    if (before..=after).contains(&shown) {
        return false;
    }
    // A clock that was paused once lags behind for good, so it counts whether it moves.
    while now().duration_since(after) < Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    Instant::now().into_std() == shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the real time that `work` takes, and the time that passes meanwhile on the clock.
    #[allow(clippy::disallowed_methods)]
    async fn times(work: impl Future<Output = ()>) -> (Duration, Duration) {
        let (real, shown) = (std::time::Instant::now(), Instant::now());
        work.await;
        (real.elapsed(), shown.elapsed())
    }

    fn thread(time: Duration) -> tokio::sync::oneshot::Receiver<()> {
        let (done, waits) = tokio::sync::oneshot::channel();
        #[allow(clippy::disallowed_methods)]
        std::thread::spawn(move || {
            std::thread::sleep(time);
            done.send(())
        });
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_goes_no_faster_than_the_work() {
        for clock in ["paused", "moved on", "paused again"] {
            match clock {
                "moved on" => tokio::time::advance(Duration::from_secs(7_200)).await,
                "paused again" => {
                    tokio::time::resume();
                    assert!(!stands_still());
                    tokio::time::pause();
                }
                _ => {}
            }
            assert!(stands_still(), "{clock}");
            let (hour, began) = (sleep(Duration::from_secs(3_600)), Instant::now());
            // A machine that is busy elsewhere may take longer to move the clock.
            let waits = async {
                for _ in 0..100 {
                    thread(Duration::from_millis(60)).await.unwrap();
                    if began.elapsed() >= CLOCK_STEP {
                        break;
                    }
                }
            };
            let work = async {
                tokio::select! {
                    () = in_real_time(waits) => {}
                    () = hour => panic!("{clock}: an hour passed"),
                }
            };
            let (real, shown) = times(work).await;
            assert!(shown <= real, "{clock}: {shown:?} in {real:?}");
            assert!(shown >= Duration::from_millis(4), "{clock}: it goes on: {shown:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_waits_at_once_keep_the_pace_together() {
        let waits = (0..100).map(|n| in_real_time(thread(Duration::from_millis(20 + n % 7))));
        let all = async { drop(futures_util::future::join_all(waits).await) };
        let (real, shown) = times(all).await;
        assert!(shown <= real, "{shown:?} in {real:?}");
    }

    #[tokio::test]
    async fn a_clock_that_is_paused_during_a_wait_is_noticed() {
        let mut pace = Pace::default();
        let mut work = pin!(thread(Duration::from_millis(80)));
        let waits = poll_fn(|context| {
            let polled = work.as_mut().poll(context).map(drop);
            pace.keep(context, polled)
        });
        let pauses = async {
            sleep(Duration::from_millis(5)).await;
            tokio::time::pause();
            sleep(Duration::from_secs(3_600)).await;
        };
        tokio::select! {
            () = waits => {}
            () = pauses => panic!("an hour passed"),
        }
    }

    #[test]
    fn without_timers_or_a_runtime_real_work_is_only_waited_for() {
        let work = || async { in_real_time(thread(Duration::from_millis(5))).await.unwrap() };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work());
        assert!(!stands_still());
        futures_util::FutureExt::now_or_never(in_real_time(async {})).unwrap();
    }
}
