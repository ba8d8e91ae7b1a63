//! The certificate of an orchestration, over bytes that the real adapters wrote.

mod cases;
mod leaks;
mod random;
mod run;
mod shown;
