//! Decides which of the keys in force count as secrets.

use std::sync::Arc;

use crate::credential::{CredentialSource, Secret};
use crate::environment::Environment;
use crate::policy::Policy;
use crate::transport::KnownSecrets;

use super::Gateway;

/// Returns the policy that says which variables hold keys: the one in force, or beside a broken one
/// that of the gateway before.
pub(super) fn reader(used: Option<&Arc<Policy>>, before: Option<&Gateway>) -> Option<Arc<Policy>> {
    used.or_else(|| before?.state.policy.as_ref().ok()).cloned()
}

/// The rule by which a key counts as a secret. It leaves out keys used only by providers that need
/// no secret, such as a mere word for a server on this machine.
#[derive(Clone)]
pub(super) struct SecretRule {
    policy: Option<Arc<Policy>>,
    environment: Environment,
}

impl SecretRule {
    /// Creates the rule of a policy and of the variables that hold its keys.
    pub(super) fn new(policy: Option<Arc<Policy>>, environment: Environment) -> Self {
        Self { policy, environment }
    }

    /// Returns the keys that a source knows now and that count as secrets.
    pub(super) fn known(&self, credentials: &dyn CredentialSource) -> Vec<Secret> {
        let known = credentials.known().into_iter();
        known.filter(|secret| self.applies(secret.expose())).collect()
    }

    fn applies(&self, key: &str) -> bool {
        let specs = self.policy.iter().flat_map(|policy| policy.providers().values());
        let mut users = specs.map(|spec| &spec.endpoint).filter(|endpoint| {
            let variables = endpoint.variables();
            variables.iter().any(|variable| self.environment.get(variable) == Some(key))
        });
        users.clone().next().is_none() || users.any(|endpoint| endpoint.guards(key))
    }
}

/// Lets `secrets` ask a program's own source, whenever a text is read, for the keys in force.
pub(super) fn ask_whenever_read(
    secrets: &KnownSecrets,
    rule: SecretRule,
    source: &Arc<dyn CredentialSource>,
) {
    let source = Arc::clone(source);
    secrets.ask(move || rule.known(&*source));
}
