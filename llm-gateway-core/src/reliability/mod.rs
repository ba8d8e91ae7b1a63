//! Pure machines that keep a request alive, and the table they work by.
//!
//! Today: the taxonomy. Retry, breaker, limits and the deadline's arithmetic move in
//! beside it; each takes time and randomness as arguments.

mod deadline;
mod taxonomy;

pub(crate) use deadline::Deadline;
pub(crate) use taxonomy::Meaning;
