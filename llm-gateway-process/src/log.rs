//! Logs on stderr: one line an event, filtered by level and target.

use std::io::IsTerminal;

use llm_gateway_core::Environment;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sends the process's logs to stderr, because stdout belongs to the result.
///
/// The first of `filter`, the variable `RUST_LOG` and `default` decides what is logged. A filter is
/// a level, or levels by target such as `warn,llm_gateway=debug`. A `filter` or `RUST_LOG` that
/// cannot be parsed counts as absent, and `default` applies.
///
/// Only the first call in a process has an effect.
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
    // An error says that a subscriber is set already, as in tests that call this twice.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}
