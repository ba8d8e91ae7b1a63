//! The signals that ask a process to end.

#[cfg(unix)]
use std::future::poll_fn;
#[cfg(unix)]
use std::task::Poll;

/// A signal that asks a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// SIGINT, which Ctrl-C sends.
    Interrupt,
    /// SIGTERM, which `kill` sends.
    Terminate,
    /// SIGHUP, sent when the terminal has closed.
    Hangup,
}

impl Signal {
    /// Returns the exit code of a process that the signal ended: 128 plus the signal's number, as
    /// shells report it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Hangup => 128 + 1,
            Self::Interrupt => 128 + 2,
            Self::Terminate => 128 + 15,
        }
    }
}

/// Listens for signals that ask the process to end, and resolves to the first one that arrives.
///
/// From the call on, none of these signals ends the process by itself. A signal that the process
/// was started to ignore, as `nohup` ignores SIGHUP, stays ignored; this is known on Linux only.
///
/// # Panics
/// Panics when it is called outside a tokio runtime.
#[cfg(unix)]
pub fn stopped_by_signal() -> impl Future<Output = Signal> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        (Signal::Interrupt, SignalKind::interrupt()),
        (Signal::Terminate, SignalKind::terminate()),
        (Signal::Hangup, SignalKind::hangup()),
    ];
    let ignored = ignored();
    let wanted =
        kinds.into_iter().filter(|(_, kind)| ignored >> (kind.as_raw_value() - 1) & 1 == 0);
    let listen = |(name, kind)| match signal(kind) {
        Ok(ear) => Some((name, ear)),
        Err(error) => {
            tracing::warn!(%error, ?name, "a signal cannot be heard");
            None
        }
    };
    let mut ears: Vec<_> = wanted.filter_map(listen).collect();
    poll_fn(move |context| {
        let mut ready = ears.iter_mut().filter_map(|(name, ear)| {
            let heard = ear.poll_recv(context).is_ready();
            heard.then_some(*name)
        });
        ready.next().map_or(Poll::Pending, Poll::Ready)
    })
}

/// Listens for Ctrl-C, the only signal that exists on this platform.
#[cfg(not(unix))]
pub async fn stopped_by_signal() -> Signal {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Signal::Interrupt,
        Err(_) => std::future::pending().await,
    }
}

/// Returns the signals that the process was started to ignore: signal `n` is bit `n - 1`.
///
/// Returns 0 where that cannot be known without unsafe code. See proc_pid_status(5).
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
