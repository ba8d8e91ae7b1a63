//! What a program needs around a [`Gateway`](llm_gateway_core::Gateway): the flags that choose
//! it, logs on stderr, the signals that end the program, and a clean end of the ledger.
//!
//! Every front (the MCP server, the command line, and any later one) uses this crate, so that a
//! flag, a log line and a signal mean the same in each of them. It decides nothing about a
//! request and holds no policy: the front speaks to its callers, the gateway does the rest. It
//! writes nothing to stdout.
//!
//! In the order in which a front calls them:
//!
//! 1. [`GatewayFlags`], flattened into the front's own clap options;
//! 2. [`log_to_stderr`], before anything can fail;
//! 3. [`GatewayFlags::gateway`], which always returns a gateway;
//! 4. [`stopped_by_signal`], before the first request;
//! 5. [`write_last_entries`], after the last one.

mod flags;
mod log;
mod shutdown;
mod signal;

pub use flags::GatewayFlags;
pub use log::log_to_stderr;
pub use shutdown::write_last_entries;
pub use signal::{Signal, stopped_by_signal};
