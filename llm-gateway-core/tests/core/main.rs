//! The library through its public door.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod diagnostics;
mod documents;
mod layering;
mod money;
mod policy;
mod requests;
