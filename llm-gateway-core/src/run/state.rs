//! The state that outlives a request: the policy, the ports, and what is remembered between
//! requests. What also outlives the policy is in [`LastingState`].

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::cache::AnswerCache;
use crate::certificate::Kinship;
use crate::clock::Clock;
use crate::config::{Diagnostic, PolicyProblems};
use crate::credential::CredentialSource;
use crate::ledger::Ledger;
use crate::model::ProviderName;
use crate::observe::Observer;
use crate::policy::Policy;
use crate::provider::Provider;
use crate::reliability::Limiter;
use crate::transport::Scrubber;

use super::lasting::LastingState;

/// The state that all runs of a gateway share.
pub(crate) struct SharedState {
    /// The policy, or its problems. Without a policy every request fails with those problems.
    pub(crate) policy: Result<Arc<Policy>, PolicyProblems>,
    /// Every problem of the policy, warnings included.
    pub(crate) problems: Vec<Diagnostic>,
    /// One provider for each name that a target can have.
    pub(crate) providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
    pub(crate) credentials: Arc<dyn CredentialSource>,
    /// Removes the keys that are known at the time from what is shown or kept.
    pub(crate) scrubber: Scrubber,
    /// The ledger; `None` if money is not counted.
    pub(crate) ledger: Option<Arc<dyn Ledger>>,
    /// The cache of answers; `None` if nothing is kept. There is no adapter yet.
    pub(crate) cache: Option<Arc<dyn AnswerCache>>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The observer of all runs, if the program has one.
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// What outlives the policy.
    pub(crate) lasting: Arc<LastingState>,
    /// One rate limiter for each provider. It outlives the policy too.
    pub(crate) limiters: BTreeMap<ProviderName, Arc<Limiter>>,
    /// The kinship of the policy's models. It is built when the first panel is certified.
    pub(crate) kinship: OnceLock<Kinship>,
    /// Whether answers are scripted.
    pub(crate) offline: bool,
    /// Whether nothing may depend on the machine: no receipt is written, and no time is told.
    pub(crate) is_hermetic: bool,
}

impl SharedState {
    /// Returns the kinship of the policy's models: which of them are related.
    pub(super) fn kinship(&self, policy: &Policy) -> &Kinship {
        self.kinship.get_or_init(|| {
            let rows = policy.providers().iter().flat_map(|(provider, spec)| {
                spec.rows().map(move |(id, facts)| (provider.as_str(), id, facts))
            });
            Kinship::from_facts(rows)
        })
    }
}
