//! What a runtime must have before anything is waited for on it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use crate::error::{Category, Error};

/// Advice for a program without a runtime.
const NO_RUNTIME_HINT: &str = "await it within a tokio runtime: `#[tokio::main]`, or \
    `tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(..)`";

/// Advice for a program whose runtime lacks a driver.
pub(crate) const NO_DRIVER_HINT: &str =
    "build the runtime with `tokio::runtime::Builder::enable_all`";

/// Returns the id of the runtime on which the caller is polled; `None` outside of any.
pub(crate) fn current() -> Option<Id> {
    Handle::try_current().ok().map(|handle| handle.id())
}

/// Returns the id of the runtime on which the caller is polled, which has timers.
///
/// # Errors
/// [`Category::Internal`] if there is no runtime, or one without timers.
pub(crate) fn with_timers() -> Result<Id, Error> {
    let Some(id) = current() else {
        return Err(refused("the gateway was called outside of a tokio runtime", NO_RUNTIME_HINT));
    };
    // Tokio has no question for this: it answers a timer without a driver by a panic.
    match catch_unwind(AssertUnwindSafe(|| drop(tokio::time::sleep(Duration::ZERO)))) {
        Ok(()) => Ok(id),
        Err(_) => {
            Err(refused("this tokio runtime has no timers (`enable_time` is off)", NO_DRIVER_HINT))
        }
    }
}

/// Returns the id of the runtime on which the caller is polled, which has timers and sockets.
///
/// # Errors
/// [`Category::Internal`] if there is no runtime, or one without timers or sockets.
#[cfg(feature = "reqwest")]
pub(crate) fn with_sockets() -> Result<Id, Error> {
    let id = with_timers()?;
    // A socket that cannot be had for another reason shows nothing about the runtime.
    let Ok(socket) = std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0)) else {
        return Ok(id);
    };
    let _ = socket.set_nonblocking(true);
    match catch_unwind(AssertUnwindSafe(|| drop(tokio::net::UdpSocket::from_std(socket)))) {
        Ok(()) => Ok(id),
        Err(_) => {
            Err(refused("this tokio runtime has no sockets (`enable_io` is off)", NO_DRIVER_HINT))
        }
    }
}

fn refused(message: &str, hint: &'static str) -> Error {
    Error::new(Category::Internal, message).with_hint(hint).with_nothing_sent()
}
