//! Logs on stderr: one line an event, filtered by level and target.
//!
//! Logging never waits for stderr: a line is put into a bounded [`Queue`], and a separate thread
//! writes it. If nobody reads stderr, only log lines are lost.

mod queue;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::Environment;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use queue::{LineWriter, Queue};

/// The time that the last log lines may take to be written when the process ends. It is short,
/// because clients kill a server that takes two seconds to end, and a stderr that nobody reads
/// takes for ever.
const LAST_LINES: Duration = Duration::from_millis(50);

/// The logs of a process. Dropping the value waits a moment for the last lines to be written.
#[must_use = "the last log lines are lost unless this is kept until the process ends"]
#[derive(Debug)]
pub struct Logs(Arc<Queue>);

impl Drop for Logs {
    fn drop(&mut self) {
        self.0.wait_until_written(LAST_LINES);
    }
}

/// Sends the process's logs to stderr, because stdout belongs to the result.
///
/// The first of `filter`, the variable `RUST_LOG` and `default` decides what is logged. A filter is
/// a level, or levels by target such as `warn,llm_gateway=debug`. A `filter` or `RUST_LOG` that
/// cannot be parsed counts as absent, and `default` applies.
///
/// Logging never waits: while stderr cannot be written, at most a mebibyte of lines waits, later
/// lines are left out, and their number is logged once stderr can be written again. The message of
/// a panic goes the same way.
///
/// Only the first call in a process has an effect.
pub fn log_to_stderr(filter: Option<&str>, environment: &Environment, default: &str) -> Logs {
    let parsed = |filter: &str| filter.parse::<Targets>().ok();
    let filter = filter
        .or_else(|| environment.get("RUST_LOG"))
        .and_then(parsed)
        .or_else(|| parsed(default))
        .unwrap_or_default();
    let queue = Arc::new(Queue::default());
    let writer = Arc::clone(&queue);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(move || LineWriter(Arc::clone(&writer)))
        .with_ansi(std::io::stderr().is_terminal())
        .without_time();
    // An error says that a subscriber is set already, as in tests that call this twice.
    if tracing_subscriber::registry().with(lines).with(filter).try_init().is_ok() {
        begin_writing(&queue);
    }
    Logs(queue)
}

/// Starts the thread that writes the queue's lines to stderr, and sends the messages of panics into
/// the queue. The standard hook would write them to stderr itself, and wait.
fn begin_writing(queue: &Arc<Queue>) {
    let lines = Arc::clone(queue);
    let named = std::thread::Builder::new().name("log".to_owned());
    // Without a thread the queue fills up and loses lines, as with a stderr that nobody reads.
    let _ = named.spawn(move || lines.write_to(&mut std::io::stderr()));
    let lines = Arc::clone(queue);
    std::panic::set_hook(Box::new(move |panic| {
        let backtrace = Backtrace::capture();
        let shown = match backtrace.status() {
            BacktraceStatus::Captured => format!("{panic}\nstack backtrace:\n{backtrace}"),
            _ => panic.to_string(),
        };
        lines.push(format!("{shown}\n").into_bytes());
    }));
}
