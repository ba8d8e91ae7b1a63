//! The certificate of an orchestration, over bytes that the real adapters wrote.

mod cases;
mod leaks;
mod random;
mod receipts;
mod run;
mod shown;
