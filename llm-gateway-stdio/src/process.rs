//! What a process needs around the library: logs on stderr, and an ear for signals.

use std::io::IsTerminal;

use llm_gateway_core::Environment;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The server's logs: quiet, and never rmcp's debug lines, which hold whole prompts.
pub const SERVER_LOG: &str = "warn,llm_gateway=info,rmcp=warn";

/// Sends logs to stderr: by `filter`, else by `RUST_LOG`, else by `default`. stdout belongs
/// to the result. A filter is a level, or levels by target such as `warn,llm_gateway=debug`;
/// one that cannot be read counts as none.
pub fn log_to_stderr(filter: Option<&str>, environment: &Environment, default: &str) {
    let parsed = |filter: &str| filter.parse::<Targets>().ok();
    let filter = filter
        .or_else(|| environment.get("RUST_LOG"))
        .and_then(parsed)
        .or_else(|| parsed(default))
        .unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time();
    // A second call, as in tests, changes nothing.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}

/// Cancels `stop` at the first SIGTERM or SIGINT.
pub async fn stop_on_signal(stop: CancellationToken) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return tracing::warn!(
                "signals cannot be heard; the end of stdin still ends the server"
            );
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    stop.cancel();
}
