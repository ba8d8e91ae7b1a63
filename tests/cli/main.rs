//! `llm-gateway` from outside: the program as a person or a script meets it.
//!
//! Every test starts the built binary in a home of its own with an environment of its own,
//! so neither the keys nor the policy of whoever runs the tests can reach it, and nothing
//! leaves the machine: providers are mock servers on the loopback interface.

// Helpers outside of `#[test]` functions are tests too: they may fail loudly.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod cascades;
mod check;
mod client_config;
mod discovery;
mod documents;
mod hanging;
mod info;
mod json;
mod keys;
mod orchestrate;
mod output;
mod panels;
mod policies;
mod program;
mod route;
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
