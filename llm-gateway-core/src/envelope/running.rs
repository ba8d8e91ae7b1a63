//! The envelope of a run that is not done: its id, by which its result can be had later.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::RunId;

use super::{Envelope, Status, object};

/// The `meta` of a run that is not done.
#[derive(Serialize, JsonSchema)]
pub(super) struct RunningMeta<'a> {
    /// The task class that the caller asked for.
    task_class: &'a str,
    /// The time since the start of the run, in whole seconds.
    age_s: u64,
    /// The advice on how to get the result of the run.
    hint: &'a str,
    /// The id of the run.
    run_id: RunId,
}

/// Returns the envelope of a run that is not done.
pub(super) fn running(run_id: RunId, task_class: &str, age: Duration, hint: &str) -> Envelope {
    let meta = RunningMeta { task_class, age_s: age.as_secs(), hint, run_id };
    Envelope { status: Status::Running, error: None, data: None, meta: object(&meta) }
}
