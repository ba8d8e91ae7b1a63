//! Signals that the programs under test are to heed.

/// Has programs that are started from now on heed the signals that this process was started
/// to ignore, as everything is behind `nohup`, or behind `&` in a script. A program inherits
/// what its parent ignores, not what it catches. Elsewhere than on Linux nobody knows.
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
        // A thread of its own: a runtime cannot be dropped inside of another.
        HEEDED.call_once(|| std::thread::spawn(catch_what_is_ignored).join().unwrap());
    }

    fn catch_what_is_ignored() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            // One that is not ignored goes on to end the tests, as Ctrl-C should.
            if is_signal_in("SigIgn", "self", kind.as_raw_value()) {
                // Stays caught when this ear is dropped.
                drop(signal(kind).unwrap());
            }
        }
    }

    /// Whether a process (its id, or `self`) has the signal in its set `SigCgt` (caught) or
    /// `SigIgn` (ignored). See proc_pid_status(5).
    ///
    /// # Panics
    /// When there is no such process.
    pub fn is_signal_in(set: &str, process: impl Display, signal: i32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix(set)).expect("the set");
        let mask = u64::from_str_radix(mask.trim_start_matches(':').trim(), 16).unwrap();
        mask >> (signal - 1) & 1 == 1
    }
}
