//! Tests of the library through its public interface.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bills;
#[cfg(feature = "reqwest")]
mod bytes_in_flight;
#[cfg(feature = "reqwest")]
mod cancellation;
mod caps;
mod cascade;
mod circles;
mod cost;
mod diagnostics;
mod documents;
mod embedders;
mod embedding;
mod env_files;
mod env_quotes;
mod envelopes;
mod face;
mod features;
mod guards;
mod imports;
mod late_bills;
mod layering;
mod leading_on;
mod leases;
mod ledgers;
mod matrix;
mod money;
mod names;
#[cfg(feature = "reqwest")]
mod network_settings;
mod orchestration;
mod own_policies;
#[cfg(feature = "reqwest")]
mod own_servers;
mod panels;
mod partial_text;
mod policy;
mod policy_values;
mod properties;
mod reliability;
mod reload;
mod request_stop;
mod requests;
mod rooms;
mod secrets;
mod size;
#[cfg(feature = "reqwest")]
mod sockets;
mod source;
mod spend;
mod streams;
mod support;
mod time_shares;
mod warnings;
