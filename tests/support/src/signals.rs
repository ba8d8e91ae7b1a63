//! Makes sure that the programs under test receive signals.

/// Makes programs that are started from now on receive the signals that this process ignores.
///
/// A process started with `nohup`, or with `&` in a script, ignores signals, and its children
/// inherit that. They do not inherit what it catches, so this function catches them. It does
/// nothing except on Linux, where it is known which signals are ignored.
pub fn heed_signals() {
    #[cfg(target_os = "linux")]
    linux::heed_signals();
}

#[cfg(target_os = "linux")]
pub use linux::is_signal_in;

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt::Display;
    use std::sync::Once;

    use tokio::signal::unix::{SignalKind, signal};

    pub(super) fn heed_signals() {
        static HEEDED: Once = Once::new();
        // It needs a thread of its own, because a runtime cannot be dropped inside another.
        HEEDED.call_once(|| std::thread::spawn(catch_what_is_ignored).join().unwrap());
    }

    fn catch_what_is_ignored() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            // A signal that is not ignored still ends the tests, as Ctrl-C should.
            if is_signal_in("SigIgn", "self", kind.as_raw_value()) {
                // The signal stays caught after the listener is dropped.
                drop(signal(kind).unwrap());
            }
        }
    }

    /// Returns whether a process (its id, or `self`) has a signal in its set `SigCgt` (caught) or
    /// `SigIgn` (ignored). See proc_pid_status(5).
    ///
    /// # Panics
    /// Panics if there is no such process.
    pub fn is_signal_in(set: &str, process: impl Display, signal: i32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix(set)).expect("the set");
        let mask = u64::from_str_radix(mask.trim_start_matches(':').trim(), 16).unwrap();
        mask >> (signal - 1) & 1 == 1
    }
}
