//! Why a target gave no answer, and which of several reasons says most.

use crate::error::{Category, Error};
use crate::model::Target;
use crate::policy::{Policy, Preflight};
use crate::reliability::Deadline;

/// Why a target gave no answer.
pub(crate) struct Refusal {
    pub(crate) target: Target,
    pub(crate) error: Error,
    pub(crate) preflight: Option<Box<Preflight>>,
    /// No other target may be asked: a kill switch is on.
    pub(super) ends_request: bool,
}

/// The hint of a chain in which no target has its key: any one of them would do.
pub(super) fn any_key_will_do(policy: &Policy, refusals: &[Refusal]) -> Option<String> {
    let no_key = |refusal: &Refusal| refusal.error.category() == Category::MissingKey;
    if refusals.len() < 2 || !refusals.iter().all(no_key) {
        return None;
    }
    let variable = |refusal: &Refusal| {
        policy.providers().get(&refusal.target.provider)?.endpoint.api_key_env.as_deref()
    };
    let variables: Vec<_> = refusals.iter().filter_map(variable).collect();
    Some(format!("one key is enough: set {}", variables.join(" or ")))
}

/// The error that says most about a chain that gave no answer: the last one in which a
/// provider was really asked, else the first. That a fallback has no key says little when
/// the model before it was down.
pub(super) fn most_telling(mut refusals: Vec<Refusal>) -> Refusal {
    let asked = |refusal: &Refusal| {
        !matches!(
            refusal.error.category(),
            Category::MissingKey | Category::PolicyBlocked | Category::BreakerOpen
        )
    };
    let index = refusals.iter().rposition(asked).unwrap_or(0);
    refusals.swap_remove(index)
}

pub(super) fn past_deadline(deadline: Deadline, target: &Target) -> Error {
    let seconds = deadline.given.as_secs_f64();
    Error::new(
        Category::Timeout,
        format!("{target} had not answered at the deadline of {seconds} s"),
    )
    .with_target(target.clone())
    .with_hint("raise `deadline_s` of the task class, or of `reliability`, in the policy")
}
