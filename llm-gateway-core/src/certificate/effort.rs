//! Counts the work of a check, for the tests that hold it to be linear in its input.
//!
//! What goes over bytes or rows says here over how many. Outside of tests nothing is counted.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static DONE: Cell<usize> = const { Cell::new(0) };
}

/// Notes that a number of bytes or rows is gone over.
#[cfg(test)]
pub(super) fn add(units: usize) {
    DONE.with(|done| done.set(done.get() + units));
}

/// Notes nothing.
#[cfg(not(test))]
pub(super) fn add(_units: usize) {}

/// Returns how many bytes and rows a piece of work on this thread goes over.
#[cfg(test)]
pub(super) fn of(work: impl FnOnce()) -> usize {
    let before = DONE.with(Cell::get);
    work();
    DONE.with(Cell::get) - before
}
