//! Puts an edit of the policy file or of `.env` in force while the program runs.
//!
//! Twice a second the metadata of these files is looked at (`footprint`), one call of the system for
//! each. A file is read once its metadata has changed and then stayed the same for one look
//! (`settling`), so that a file that is being written is not read half. What a new policy changes is
//! decided in core, by [`Gateway::with_policy`](llm_gateway_core::Gateway::with_policy);
//! [`PolicyWatch`] reads it and tells of it on stderr, and a front asks its
//! [`LiveGateway`] which gateway is in force.
//!
//! Looking is preferred to a watch by the system: it sees a file that is renamed, linked elsewhere,
//! mounted or on another machine, on every system and without a dependency, and it bounds how often
//! a file is read.

mod footprint;
mod live;
mod report;
mod settling;
mod watch;

pub use live::LiveGateway;
pub(crate) use report::report_start;
pub use watch::PolicyWatch;
