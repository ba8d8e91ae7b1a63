//! How a command ends that spends: by itself or by a signal, and what it held is settled first.
//! Work that may have paid for something already is told to stop, and shows it.
//!
//! The other commands hold nothing, so signals end them as they end any program.

use std::process::ExitCode;
use std::time::Duration;

use llm_gateway_core::{Gateway, Stop};
use llm_gateway_process::{stopped_by_signal, write_last_entries};
use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long the ledger may take to write what it has in hand. It takes milliseconds; a person who
/// pressed Ctrl-C does not wait longer.
const LAST_ENTRIES: Duration = Duration::from_millis(500);

/// How long dropped work may take to be gone. It takes a moment, unless it writes to a pipe that
/// nobody reads.
const GONE: Duration = Duration::from_millis(250);

/// How long work that was told to stop may take to show what there is: the half second that it
/// gives the ledger, and some to write. Where nobody reads it is then dropped, within a second.
const LAST_WORDS: Duration = Duration::from_millis(750);

/// Does the work. A signal drops it, which settles what it held, and the exit code says which.
///
/// # Errors
/// What the work fails with.
pub(crate) fn run_or_drop(
    gateway: &Gateway,
    command: impl Future<Output = anyhow::Result<ExitCode>> + Send + 'static,
) -> anyhow::Result<ExitCode> {
    run(gateway, command, None)
}

/// Does the work. A signal tells `stop`, by which the work ends itself; where that takes too
/// long, or with a second signal, it is dropped. The exit code says which signal was the first.
///
/// # Errors
/// What the work fails with.
pub(crate) fn run_or_stop(
    gateway: &Gateway,
    command: impl Future<Output = anyhow::Result<ExitCode>> + Send + 'static,
    stop: &Stop,
) -> anyhow::Result<ExitCode> {
    run(gateway, command, Some(stop))
}

fn run(
    gateway: &Gateway,
    command: impl Future<Output = anyhow::Result<ExitCode>> + Send + 'static,
    stop: Option<&Stop>,
) -> anyhow::Result<ExitCode> {
    // The work has a thread of its own, so that a signal is heard whatever it waits for.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ended = runtime.block_on(async {
        // Before the work begins: nothing is held yet.
        let stopped = stopped_by_signal();
        let mut command = tokio::spawn(command);
        let ended = tokio::select! {
            ended = &mut command => ended.map_err(anyhow::Error::from).flatten(),
            signal = stopped => {
                if let Some(stop) = stop {
                    stop.stop();
                    wait_for(&mut command).await;
                }
                if !command.is_finished() {
                    command.abort();
                    let _ = timeout(GONE, command).await;
                }
                Ok(ExitCode::from(signal.exit_code()))
            }
        };
        write_last_entries(gateway, LAST_ENTRIES).await;
        ended
    });
    // A read of a terminal's stdin may still be under way.
    runtime.shutdown_background();
    ended
}

/// Gives work that was told to stop its time, unless another signal comes.
async fn wait_for<T>(command: &mut JoinHandle<T>) {
    tokio::select! {
        _ = timeout(LAST_WORDS, command) => {}
        _ = stopped_by_signal() => {}
    }
}
