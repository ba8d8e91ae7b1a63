//! The program `llm-gateway`, used as a person or a script uses it.
//!
//! Every test starts the built binary in a home and an environment of its own, so neither the keys
//! nor the policy of whoever runs the tests can reach it. Nothing leaves the machine: providers are
//! mock servers on the loopback interface.

// Helpers outside `#[test]` functions may fail loudly, too.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod budgets;
mod cascades;
mod check;
mod client_config;
mod discovery;
mod documents;
mod hanging;
mod info;
mod json;
mod keys;
mod network;
mod orchestrate;
mod output;
mod panels;
#[cfg(unix)]
mod piped;
mod policies;
mod program;
mod receipt_files;
mod route;
mod same_bytes;
mod schema;
#[cfg(unix)]
mod signals;
mod spend;
#[cfg(unix)]
mod stopping;
#[cfg(target_os = "linux")]
mod terminal;
mod tour;
mod usage;
mod verify;
#[cfg(target_os = "linux")]
mod widths;
