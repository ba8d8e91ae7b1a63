//! Runs a command that spends money, and ends it cleanly when a signal comes.
//!
//! `route` and `orchestrate` may have paid for something already, so they are stopped and show it.
//! The other commands hold no money, and signals end them as they end any program.

use std::process::ExitCode;
use std::time::Duration;

use llm_gateway_core::{Gateway, Stop};
use llm_gateway_process::{stopped_by_signal, write_last_bookings};
use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The time that the ledger may take to write its last bookings. It takes milliseconds, and a
/// person who pressed Ctrl-C should not wait longer.
const LAST_BOOKINGS: Duration = Duration::from_millis(500);

/// The time that a dropped command may take to end. It ends at once, unless it writes to a pipe
/// that nobody reads.
const GONE: Duration = Duration::from_millis(250);

/// The time that a stopped command may take to show its results: the half second that it gives the
/// ledger, and some time to write. Where nobody reads the output, the command is then dropped, in
/// all within a second.
const LAST_WORDS: Duration = Duration::from_millis(750);

/// Runs a command to its end, early if a signal comes. A signal triggers `stop`, and the command
/// then ends by itself.
///
/// A command that takes too long to end is dropped, and a second signal drops it at once. The first
/// signal decides the exit code.
///
/// # Errors
/// Fails with the error of the command that was run.
pub(crate) fn run_or_stop(
    gateway: &Gateway,
    command: impl Future<Output = anyhow::Result<ExitCode>> + Send + 'static,
    stop: &Stop,
) -> anyhow::Result<ExitCode> {
    // The command has a thread of its own, so that a signal counts whatever the command waits for.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ended = runtime.block_on(async {
        // Signals count from before the command begins, while nothing is held.
        let stopped = stopped_by_signal();
        let mut command = tokio::spawn(command);
        let ended = tokio::select! {
            ended = &mut command => ended.map_err(anyhow::Error::from).flatten(),
            signal = stopped => {
                stop.stop();
                wait_for(&mut command).await;
                if !command.is_finished() {
                    command.abort();
                    let _ = timeout(GONE, command).await;
                }
                Ok(ExitCode::from(signal.exit_code()))
            }
        };
        write_last_bookings(gateway, LAST_BOOKINGS).await;
        ended
    });
    // A read of a terminal's stdin may still block a thread.
    runtime.shutdown_background();
    ended
}

/// Waits for a stopped command, for at most [`LAST_WORDS`] and not beyond another signal.
async fn wait_for<T>(command: &mut JoinHandle<T>) {
    tokio::select! {
        _ = timeout(LAST_WORDS, command) => {}
        _ = stopped_by_signal() => {}
    }
}
