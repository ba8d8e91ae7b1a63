//! The keys of a call's attempts: what is leased for the next attempt, and whether the same target
//! may be asked with another key.

use crate::credential::AttemptLeases;
use crate::error::Error;
use crate::model::{Endpoint, Target};
use crate::provider::SendContext;
use crate::reliability::Meaning;

use super::Context;
use super::listening::Outlets;

/// The keys with which one call has asked its target.
#[derive(Debug, Default)]
pub(super) struct TriedKeys {
    /// The id of the key that is leased next; `None` if its source chooses.
    chosen: Option<String>,
    /// The ids of the keys that have failed. None of them is asked again in the call.
    failed: Vec<String>,
}

impl TriedKeys {
    /// Chooses the key of the next attempt, after the one that was `used` has failed.
    pub(super) fn choose(&mut self, id: String, used: Option<String>) {
        self.failed.extend(used);
        self.failed.extend(self.chosen.replace(id));
    }

    /// Leases what an attempt at `target` needs, and returns the context of the attempt. Without
    /// `leases`, answers are scripted and need no key.
    pub(super) async fn lease<'o>(
        &self,
        context: &Context<'_>,
        target: &Target,
        outlets: &'o Outlets<'_>,
        leases: Option<&mut AttemptLeases<'_>>,
    ) -> SendContext<'o> {
        let Some(leases) = leases else { return outlets.begin(&[]) };
        // Nothing can have left while keys are leased.
        outlets.progress.begin_attempt();
        let variables = context.endpoint(target).map(Endpoint::variables);
        for variable in variables.unwrap_or_default() {
            let is_key = context.key_variable(target) == Some(variable);
            leases.take(variable, self.chosen.as_deref().filter(|_| is_key)).await;
        }
        outlets.begin(leases.taken())
    }

    /// Returns the id of another key with which `target` may be asked after an attempt failed with
    /// `error` and the key that was `used`.
    pub(super) fn other(
        &self,
        context: &Context<'_>,
        target: &Target,
        error: &Error,
        used: Option<&str>,
    ) -> Option<String> {
        if !Meaning::of_error(error).other_key {
            return None;
        }
        let (source, variable) = (context.credentials?, context.key_variable(target)?);
        let chosen = self.chosen.as_deref();
        let has_failed = |id: &str| {
            Some(id) == used || Some(id) == chosen || self.failed.iter().any(|it| it == id)
        };
        let keys = source.keys(&target.provider, variable);
        keys.into_iter().find(|id| !has_failed(id))
    }
}

impl Context<'_> {
    /// Returns where `target` is asked, if the policy says it.
    fn endpoint(&self, target: &Target) -> Option<&Endpoint> {
        Some(&self.policy.providers().get(&target.provider)?.endpoint)
    }

    /// Returns the variable for which the key of `target` is leased, if it needs one.
    pub(super) fn key_variable(&self, target: &Target) -> Option<&str> {
        self.endpoint(target)?.api_key_env.as_deref()
    }
}
