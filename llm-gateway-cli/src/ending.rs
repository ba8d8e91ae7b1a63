//! How a command ends that spends: by itself or by a signal, and what it held is settled first.
//!
//! The other commands hold nothing, so signals end them as they end any program.

use std::process::ExitCode;
use std::time::Duration;

use llm_gateway_core::Gateway;
use llm_gateway_stdio::signal::stopped_by_signal;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// How long the ledger may take to write what it has in hand, once for the work and once for
/// what it left. It takes milliseconds; a person who pressed Ctrl-C does not wait longer.
const LAST_ENTRIES: Duration = Duration::from_millis(500);

/// Does the work. A signal drops it, which settles what it held, and the exit code says which.
///
/// # Errors
/// What the work fails with.
pub(crate) fn settled(
    gateway: &Gateway,
    work: impl Future<Output = anyhow::Result<ExitCode>> + Send + 'static,
) -> anyhow::Result<ExitCode> {
    // The work has a thread of its own, so that a signal is heard whatever it waits for.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ended = runtime.block_on(async {
        // Before the work begins: nothing is held yet.
        let stopped = stopped_by_signal();
        let mut work = tokio::spawn(work);
        let ended = tokio::select! {
            ended = &mut work => ended.map_err(anyhow::Error::from).flatten(),
            signal = stopped => {
                work.abort();
                // It is gone in a moment, unless it writes to a pipe that nobody reads.
                let _ = timeout(LAST_ENTRIES, work).await;
                Ok(ExitCode::from(signal.exit_code()))
            }
        };
        // What cannot be written stays counted.
        let _ = timeout(LAST_ENTRIES, gateway.drain()).await;
        ended
    });
    // A read of a terminal's stdin may still be under way.
    runtime.shutdown_background();
    ended
}
