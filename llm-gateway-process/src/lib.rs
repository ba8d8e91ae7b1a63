//! The parts that a program needs around a [`Gateway`](llm_gateway_core::Gateway): the flags that
//! choose it, logs on stderr, the signals that end the program, and a clean end of the ledger.
//!
//! Every front (the MCP server, the command line, and any later one) uses this crate, so that a
//! flag, a log line and a signal mean the same in each of them. It decides nothing about a
//! request and holds no policy: the front speaks to its callers, the gateway does the rest. It
//! writes nothing to stdout.
//!
//! In the order in which a front calls them:
//!
//! 1. [`GatewayFlags`], flattened into the front's own clap options;
//! 2. [`log_to_stderr`], before anything can fail; what it returns is kept until the end;
//! 3. [`GatewayFlags::gateway`], which always returns a gateway, or [`GatewayFlags::watched_gateway`]
//!    for a front that runs for long: its policy is read anew when it changes;
//! 4. [`stopped_by_signal`] and [`client_left`], before the first request;
//! 5. [`write_last_bookings`], after the last one.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use clap::Parser;
//! use llm_gateway_core::Environment;
//! use llm_gateway_process::{
//!     GatewayFlags, log_to_stderr, stopped_by_signal, write_last_bookings,
//! };
//!
//! #[derive(Parser)]
//! struct Options {
//!     #[command(flatten)]
//!     flags: GatewayFlags,
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let flags = Options::parse().flags;
//!     let environment = Environment::from_process();
//!     let _logs = log_to_stderr(flags.log.as_deref(), &environment, "warn");
//!     let gateway = flags.gateway(environment);
//!     let stopped = stopped_by_signal();
//!     // Serve requests here, until `stopped` resolves.
//!     stopped.await;
//!     write_last_bookings(&gateway, Duration::from_millis(300)).await;
//! }
//! ```

mod client;
mod flags;
mod log;
mod reload;
mod shutdown;
mod signal;

pub use client::client_left;
pub use flags::GatewayFlags;
pub use log::{Logs, log_to_stderr};
pub use reload::{LiveGateway, PolicyWatch};
pub use shutdown::write_last_bookings;
pub use signal::{Signal, stopped_by_signal};
