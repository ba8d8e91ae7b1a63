//! The room's tests: what flips which claim, over bytes that the real adapters wrote.

mod cases;
mod panel;
mod random;
mod receipts;
mod streams;
