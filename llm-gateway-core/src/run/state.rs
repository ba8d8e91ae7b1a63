//! What outlives a request.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::certificate::Kinship;
use crate::clock::Clock;
use crate::config::{Diagnostic, PolicyProblems};
use crate::credential::CredentialSource;
use crate::ledger::Ledger;
use crate::model::ProviderName;
use crate::policy::Policy;
use crate::provider::Provider;
use crate::random::Random;
use crate::reliability::{Limiter, Targets};

use super::escalation_counts::EscalationCounts;
use super::recent_answers::RecentAnswers;

/// What outlives a request.
pub(crate) struct SharedState {
    /// Without a policy every request is answered by what is wrong with it.
    pub(crate) policy: Result<Arc<Policy>, PolicyProblems>,
    pub(crate) problems: Vec<Diagnostic>,
    pub(crate) providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
    pub(crate) credentials: Arc<dyn CredentialSource>,
    pub(crate) ledger: Option<Arc<dyn Ledger>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
    pub(crate) targets: Targets,
    pub(crate) limiters: BTreeMap<ProviderName, Limiter>,
    /// What is known of models' kinship; made when the first panel is certified.
    pub(crate) kinship: OnceLock<Kinship>,
    pub(crate) recent_answers: RecentAnswers,
    /// How often the gates of cascades have escalated.
    pub(crate) escalation_counts: EscalationCounts,
    pub(crate) offline: bool,
}

impl SharedState {
    /// What the policy knows of models' kinship.
    pub(super) fn kinship(&self, policy: &Policy) -> &Kinship {
        self.kinship.get_or_init(|| {
            let rows = policy.providers().iter().flat_map(|(provider, spec)| {
                spec.rows().map(move |(id, facts)| (provider.as_str(), id, facts))
            });
            Kinship::from_facts(rows)
        })
    }
}
