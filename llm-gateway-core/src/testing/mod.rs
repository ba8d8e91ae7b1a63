//! What a program's own tests can use.
//!
//! Nothing here needs a Cargo feature or a crate of its own, and nothing here reads the clock, the
//! environment or the network. A program that calls none of it links none of it.
//!
//! [`ledger`] checks a [`Ledger`](crate::ledger::Ledger) that a program brings.

pub mod ledger;
