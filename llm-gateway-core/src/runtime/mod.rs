//! The tokio runtime on which a future is polled: whether it has what a call needs, and how time
//! passes on it.
//!
//! A gateway belongs to no runtime. Each call belongs to the one on which it began: its timers and
//! its connections are that runtime's own. This room decides what a runtime must have, and keeps a
//! paused clock from running ahead of work that takes real time. It knows nothing of requests.

mod drivers;
mod one_runtime;
mod pace;

#[cfg(feature = "reqwest")]
pub(crate) use drivers::{NO_DRIVER_HINT, with_sockets};
pub(crate) use drivers::{current, with_timers};
pub(crate) use one_runtime::on_one_runtime;
#[cfg(feature = "reqwest")]
pub(crate) use pace::Pace;
pub(crate) use pace::in_real_time;
