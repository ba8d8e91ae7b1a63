//! The library through its public door.

mod diagnostics;
mod documents;
mod layering;
mod policy;
mod requests;
