//! What keeps a request alive, and the table it works by.
//!
//! [`taxonomy`] says what a failure leads to, [`backoff`] when the same target is tried again,
//! [`budget`] how often in all, [`breaker`] when it is not asked for a while: pure, with time
//! and randomness as arguments. [`Targets`] and [`Limiter`] keep the little that outlives a
//! request. The order in which they are asked is dispatch's.

mod backoff;
mod breaker;
mod budget;
mod deadline;
mod limiter;
mod targets;
mod taxonomy;

pub(crate) use backoff::{Failed, RetryRules};
pub(crate) use breaker::{Breaker, BreakerRules};
pub(crate) use deadline::Deadline;
pub(crate) use limiter::{Limiter, LimiterPermit, Overload};
pub(crate) use targets::{BreakerPermit, Targets};
pub(crate) use taxonomy::Meaning;
