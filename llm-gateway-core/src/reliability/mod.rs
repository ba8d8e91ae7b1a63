//! Keeps requests alive: the table of what each category of failure leads to, and the machines that
//! obey the table.
//!
//! [`taxonomy`] decides what a failure leads to, [`backoff`] when the same target is asked again,
//! [`budget`] how often in all, and [`breaker`] when it is not asked for a while. These are pure,
//! with time and randomness as arguments. [`Targets`] and [`Limiter`] keep the little that outlives
//! a request. The order in which they are used is decided in `dispatch`.

mod backoff;
mod breaker;
mod budget;
mod deadline;
mod limiter;
mod targets;
mod taxonomy;
mod timeline;

pub(crate) use backoff::{FailedAttempt, RetryRules};
pub(crate) use breaker::{Breaker, BreakerRules};
pub(crate) use deadline::Deadline;
pub(crate) use limiter::{Limiter, LimiterPermit, Overload};
pub(crate) use targets::{BreakerPermit, Targets};
pub(crate) use taxonomy::Meaning;
