//! Fakes that the test suites share: a client of the MCP server, providers that answer over real
//! HTTP or misbehave on a bare socket, a temporary place with a policy file, and exact amounts.
//!
//! Nothing here knows the crates under test. What a test expects is written down from the contract
//! and not taken from the code that must fulfil it.

// A fake may fail loudly, like the tests that use it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answer;
mod blocking;
mod money;
mod place;
mod policy;
mod provider;
mod session;
mod signals;
mod socket;
mod stream;
mod verdict;
mod wire;

use std::time::Duration;

pub use blocking::BlockingProvider;
pub use money::nanos;
pub use place::Place;
pub use policy::VERSION_1_0_0;
pub use provider::FakeProvider;
pub use session::{Conversation, Ending, Launch, Session};
pub use signals::heed_signals;
#[cfg(target_os = "linux")]
pub use signals::is_signal_in;
pub use socket::FakeSocket;
pub use verdict::{ACCEPTS, REFUSES};
pub use wire::Wire;

/// The longest time of any operation before it counts as hung. It ends a failing test, and is no
/// expectation of speed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for `work`, and fails with `what` if it hangs.
///
/// # Panics
/// Panics if `work` is not done within [`PATIENCE`].
pub async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("hung: {what}"),
    }
}
