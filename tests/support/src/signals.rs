//! Signals that the programs under test are to heed.

/// Has programs that are started from now on heed the signals that this process was started
/// to ignore, as everything is behind `nohup`, or behind `&` in a script. A program inherits
/// what its parent ignores, not what it catches.
#[cfg(unix)]
pub fn heed_signals() {
    static HEEDED: std::sync::Once = std::sync::Once::new();
    // A thread of its own: a runtime cannot be dropped inside of another.
    HEEDED.call_once(|| std::thread::spawn(catch_what_is_ignored).join().unwrap());
}

#[cfg(not(unix))]
pub fn heed_signals() {}

#[cfg(unix)]
fn catch_what_is_ignored() {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        // One that is not ignored goes on to end the tests, as Ctrl-C should.
        if ignored() >> (kind.as_raw_value() - 1) & 1 == 1 {
            // Stays caught when this ear is dropped.
            drop(signal(kind).unwrap());
        }
    }
}

/// What this process ignores, a bit each from 1; nothing where that cannot be known. See
/// proc_pid_status(5).
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap())
}
