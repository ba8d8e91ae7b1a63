//! The source of keys as the gateway asks it: what it lends is known to the scrubber from that
//! moment on.

use std::sync::Arc;

use async_trait::async_trait;

use crate::credential::{CredentialSource, Lease, LeaseEnd, Secret};
use crate::model::{ProviderName, Target};
use crate::policy::Policy;
use crate::transport::KnownSecrets;

/// A source of keys whose keys are known to the scrubber before anybody has them.
pub(super) struct ScrubbedCredentials {
    source: Arc<dyn CredentialSource>,
    secrets: Arc<KnownSecrets>,
    /// The policy that says which keys are mere words; `None` if every key counts as a secret.
    policy: Option<Arc<Policy>>,
}

impl ScrubbedCredentials {
    /// Creates the source of the keys that `source` lends.
    pub(super) fn new(
        source: Arc<dyn CredentialSource>,
        secrets: Arc<KnownSecrets>,
        policy: Option<Arc<Policy>>,
    ) -> Self {
        Self { source, secrets, policy }
    }

    /// Returns the lease that the source lent, with a key that is known from now on.
    fn known_lease(&self, provider: &ProviderName, lent: Option<Lease>) -> Option<Lease> {
        let lease = lent?;
        if !self.guards(provider, lease.secret.expose()) {
            return Some(lease);
        }
        let keeper = self.secrets.lend(&lease.secret);
        Some(lease.kept_by(keeper))
    }

    /// Returns whether a key of `provider` is a secret.
    fn guards(&self, provider: &ProviderName, key: &str) -> bool {
        let policy = self.policy.as_deref();
        let spec = policy.and_then(|policy| policy.providers().get(provider));
        spec.is_none_or(|spec| spec.endpoint.guards(key))
    }
}

#[async_trait]
impl CredentialSource for ScrubbedCredentials {
    async fn lease(&self, provider: &ProviderName, variable: &str) -> Option<Lease> {
        self.known_lease(provider, self.source.lease(provider, variable).await)
    }

    async fn lease_key(&self, provider: &ProviderName, variable: &str, id: &str) -> Option<Lease> {
        self.known_lease(provider, self.source.lease_key(provider, variable, id).await)
    }

    async fn lease_for(&self, target: &Target, variable: &str, id: Option<&str>) -> Option<Lease> {
        self.known_lease(&target.provider, self.source.lease_for(target, variable, id).await)
    }

    fn has(&self, provider: &ProviderName, variable: &str) -> bool {
        self.source.has(provider, variable)
    }

    fn known(&self) -> Vec<Secret> {
        self.source.known()
    }

    fn why_missing(&self, provider: &ProviderName, variable: &str) -> Option<&'static str> {
        self.source.why_missing(provider, variable)
    }

    fn keys(&self, provider: &ProviderName, variable: &str) -> Vec<String> {
        self.source.keys(provider, variable)
    }

    fn report(&self, lease: &Lease, target: &Target, end: LeaseEnd<'_>) {
        self.source.report(lease, target, end);
    }
}
