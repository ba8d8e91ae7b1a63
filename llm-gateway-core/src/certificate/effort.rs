//! Counts the work of a check, for the tests that hold it to be linear in its input.
//!
//! A function that reads bytes or rows adds their number. The work is counted in tests only;
//! otherwise the call does nothing.

/// Adds a number of bytes or rows to the work of this thread.
pub(super) fn add(units: usize) {
    #[cfg(test)]
    tests::add(units);
    #[cfg(not(test))]
    let _ = units;
}

#[cfg(test)]
pub(super) use tests::of;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    thread_local! {
        static DONE: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn add(units: usize) {
        DONE.with(|done| done.set(done.get() + units));
    }

    /// Returns how many bytes and rows a piece of work on this thread reads.
    pub(in crate::certificate) fn of(work: impl FnOnce()) -> usize {
        let before = DONE.with(Cell::get);
        work();
        DONE.with(Cell::get) - before
    }
}
