//! Runs code of the embedding program, so that what goes wrong in it takes nobody else along.
//!
//! A panic of such code ends as a value, [`Interrupted`], and never unwinds through the gateway,
//! whose other calls go on. On a runtime of several threads the code runs in a task of its own, and
//! each of its steps gives its place among the runtime's workers away, so that a thread that it
//! blocks is missed by nobody: deadlines pass, and other calls are answered. A runtime of a single
//! thread has no other thread to go on with, so there the code runs where it was called.
//!
//! This module decides neither what is run nor what its failure means.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinHandle, block_in_place};
use tracing::Instrument;

/// The reason why code of the program came to no end. Its words go on after the name of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// The code panicked. The program's panic hook was told of the message, which is not kept,
    /// because it may hold anything.
    Panicked,
    /// The runtime was shut down while the code ran.
    ShutDown,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panicked => "panicked",
            Self::ShutDown => "was ended with its runtime",
        })
    }
}

impl Interrupted {
    /// Returns the result of a panic. What the code panicked with may panic when it is dropped.
    fn by(payload: Box<dyn Any + Send>) -> Self {
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(payload)));
        // There is no further chance to drop it, so it stays where it is.
        dropped.map_err(std::mem::forget).ok();
        Self::Panicked
    }
}

/// Runs code that returns at once.
///
/// # Errors
/// [`Interrupted::Panicked`] if the code panicked.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Interrupted> {
    // What the code shares with others is behind locks that are taken even if they are poisoned.
    catch_unwind(AssertUnwindSafe(run)).map_err(Interrupted::by)
}

/// Runs `work` to its end, in a task of its own if the runtime has several threads.
///
/// # Errors
/// [`Interrupted`] if the work panicked or its runtime was shut down.
///
/// # Cancel safety
/// Dropping the future ends the work: at once where it runs here, else as soon as it yields.
pub(crate) async fn isolated<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Interrupted> {
    let work = CaughtWork::new(work);
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            let work = GivesWay(work).in_current_span();
            OwnTask(handle.spawn(work)).await
        }
        Ok(_) | Err(_) => work.await,
    }
}

/// A future whose panics end as a value, also those of its drop.
struct CaughtWork<T>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T> CaughtWork<T> {
    fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }

    /// Drops the work. It has ended or is not wanted any more, so that a panic changes nothing.
    fn end(&mut self) {
        let work = self.0.take();
        caught(|| drop(work)).ok();
    }
}

impl<T> Future for CaughtWork<T> {
    type Output = Result<T, Interrupted>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.0 else { return Poll::Ready(Err(Interrupted::ShutDown)) };
        let ended = match caught(|| work.as_mut().poll(context)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(done)) => Ok(done),
            Err(interrupted) => Err(interrupted),
        };
        self.end();
        Poll::Ready(ended)
    }
}

impl<T> Drop for CaughtWork<T> {
    fn drop(&mut self) {
        self.end();
    }
}

/// A value of the program whose drop may panic.
pub(crate) struct CaughtDrop<T>(Option<T>);

impl<T> CaughtDrop<T> {
    /// Wraps a value.
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Returns the value, which is there until it is dropped.
    pub(crate) fn get(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }
}

impl<T> Drop for CaughtDrop<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        caught(|| drop(value)).ok();
    }
}

/// Work whose steps each hand the rest of their worker's tasks to another thread, because a step
/// may block.
struct GivesWay<T>(CaughtWork<T>);

impl<T> Future for GivesWay<T> {
    type Output = Result<T, Interrupted>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        block_in_place(|| Pin::new(&mut self.0).poll(context))
    }
}

/// A task that ends when nobody waits for it any more.
struct OwnTask<T>(JoinHandle<Result<T, Interrupted>>);

impl<T> Future for OwnTask<T> {
    type Output = Result<T, Interrupted>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Panics are caught within the task.
        let ended = std::task::ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(ended.unwrap_or(Err(Interrupted::ShutDown)))
    }
}

impl<T> Drop for OwnTask<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::oneshot;

    use super::*;

    /// A value whose drop panics.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("dropped");
            }
        }
    }

    /// Returns a runtime of one thread, and runtimes of one worker and of two.
    fn runtimes() -> [Runtime; 3] {
        [
            Builder::new_current_thread().enable_all().build().unwrap(),
            Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
            Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        ]
    }

    #[test]
    fn a_panic_ends_as_a_value_wherever_it_comes() {
        for runtime in runtimes() {
            runtime.block_on(async {
                assert_eq!(isolated(async { 1 }).await, Ok(1));
                let panics = async {
                    if Handle::try_current().is_ok() {
                        panic!("at once");
                    }
                };
                assert_eq!(isolated(panics).await, Err(Interrupted::Panicked));
                let later = async {
                    tokio::task::yield_now().await;
                    panic_any(Bomb);
                };
                assert_eq!(isolated::<()>(later).await, Err(Interrupted::Panicked));
                let dropped = isolated(async {
                    let _bomb = Bomb;
                    std::future::pending::<()>().await;
                });
                assert!(tokio::time::timeout(Duration::from_millis(1), dropped).await.is_err());
                assert_eq!(isolated(async { 2 }).await, Ok(2));
            });
        }
        assert_eq!(caught(|| panic_any(Bomb)), Err::<(), _>(Interrupted::Panicked));
    }

    #[test]
    fn what_nobody_waits_for_any_more_ends() {
        for runtime in runtimes() {
            runtime.block_on(async {
                let (alive, ended) = oneshot::channel::<()>();
                let work = isolated(async move {
                    let _alive = alive;
                    std::future::pending::<()>().await;
                });
                assert!(tokio::time::timeout(Duration::from_millis(1), work).await.is_err());
                let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
                assert!(ended.expect("the work ends").is_err());
            });
        }
    }

    #[test]
    fn blocked_threads_are_missed_by_nobody_where_there_are_others() {
        for runtime in &runtimes()[1..] {
            runtime.block_on(async {
                // More than there are workers, and none of them ends by itself.
                let (release, blocks) = mpsc::channel::<()>();
                let blocks = Arc::new(std::sync::Mutex::new(blocks));
                let blocked = (0..8).map(|_| {
                    let blocks = Arc::clone(&blocks);
                    tokio::spawn(isolated(async move {
                        blocks.lock().is_ok_and(|it| it.recv().is_err())
                    }))
                });
                let blocked: Vec<_> = blocked.collect();
                let timed = tokio::spawn(tokio::time::sleep(Duration::from_millis(20)));
                timed.await.unwrap();
                assert_eq!(isolated(async { 1 }).await, Ok(1));
                assert!(blocked.iter().all(|task| !task.is_finished()));
                drop(release);
                for task in blocked {
                    assert_eq!(task.await.unwrap(), Ok(true));
                }
            });
        }
    }

    #[test]
    fn without_a_runtime_the_work_runs_where_it_is_called() {
        assert_eq!(futures_util::FutureExt::now_or_never(isolated(async { 1 })), Some(Ok(1)));
    }

    #[test]
    fn work_of_a_runtime_that_is_shut_down_is_told_so() {
        let [_, _, runtime] = runtimes();
        let (started, is_started) = mpsc::channel();
        let handle = runtime.handle().clone();
        let waits = std::thread::spawn(move || {
            let other = Builder::new_current_thread().enable_all().build().unwrap();
            let task = {
                let _inside = handle.enter();
                let work = async move {
                    started.send(()).ok();
                    std::future::pending::<()>().await;
                };
                OwnTask(handle.spawn(GivesWay(CaughtWork::new(work))))
            };
            other.block_on(task)
        });
        is_started.recv().unwrap();
        runtime.shutdown_timeout(Duration::from_secs(60));
        assert_eq!(waits.join().unwrap(), Err(Interrupted::ShutDown));
    }
}
