//! Decides what follows a failed attempt: the same target again, the same target with another key,
//! or the next target.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::Target;
use crate::reliability::{FailedAttempt, Meaning};

use super::Context;
use super::attempt_failure::AttemptFailure;
use super::time_share::TimeShare;

/// The step that follows a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NextStep {
    /// The same target is asked again with the same key, after a wait.
    SameAgain {
        /// Length of the wait.
        wait: Duration,
    },
    /// The same target is asked again at once, with the key of this id.
    OtherKey {
        /// Id of the key, as its source named it.
        id: String,
    },
    /// The target is given up. The next target of the chain is asked, if there is one that may be.
    NextTarget,
}

/// Returns what follows the failure of an attempt at `target`, after so many `retries`. Another key
/// comes before a wait for the same one, because it may be used at once.
pub(super) fn next_step(
    context: &Context<'_>,
    target: &Target,
    share: TimeShare,
    failure: &AttemptFailure,
    retries: u32,
) -> NextStep {
    if let Some(id) = other_key(context, target, share, failure, retries) {
        return NextStep::OtherKey { id };
    }
    match wait_before_retry(context, target, share, failure, retries) {
        Some(wait) => NextStep::SameAgain { wait },
        None => NextStep::NextTarget,
    }
}

/// Returns the id of the other key with which the same target is asked again, if it is. Such an
/// attempt counts among the retries, and needs neither a wait nor a place in the retry budget,
/// which is there to spare a provider the same request.
fn other_key(
    context: &Context<'_>,
    target: &Target,
    share: TimeShare,
    failure: &AttemptFailure,
    retries: u32,
) -> Option<String> {
    let now = Instant::now();
    let id = failure.other_key.as_ref().filter(|_| failure.was_asked)?;
    let may_go_on = retries < context.retry_rules().max_retries
        && share.for_retries(context.deadline).allows(Duration::ZERO, now)
        && context.targets.refusal(target, now).is_none();
    may_go_on.then(|| id.clone())
}

/// Returns the wait before the same target is asked again, or `None` if it is not asked again. No
/// wait begins that does not fit the target's share of the time, or after which the breaker would
/// still be open.
fn wait_before_retry(
    context: &Context<'_>,
    target: &Target,
    share: TimeShare,
    failure: &AttemptFailure,
    retries: u32,
) -> Option<Duration> {
    if !failure.was_asked {
        return None;
    }
    let (meaning, retry_after) = (Meaning::of_error(&failure.error), failure.error.retry_after());
    let failed = FailedAttempt { meaning, retry_after, retries };
    let wait = context.retry_rules().wait_after(failed, context.random.unit())?;
    let now = Instant::now();
    let then = share.for_retries(context.deadline).allows(wait, now).then(|| now + wait)?;
    let is_let_in = context.targets.refusal(target, then).is_none();
    (is_let_in && context.targets.take_retry(target, now)).then_some(wait)
}
