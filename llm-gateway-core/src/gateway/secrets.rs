//! Decides which of the keys in force count as secrets.

use crate::credential::{CredentialSource, Secret};
use crate::environment::Environment;
use crate::network::Network;
use crate::policy::Policy;

use super::Gateway;

/// Returns the policy that says which variables hold keys: the one in force, or beside a broken one
/// that of the gateway before.
pub(super) fn reader<'p>(
    used: Option<&'p Policy>,
    before: Option<&'p Gateway>,
) -> Option<&'p Policy> {
    used.or_else(|| before?.policy().ok())
}

/// Returns the known keys and the network's passwords. It leaves out keys used only by providers
/// that need no secret, such as a mere word for a server on this machine.
pub(super) fn secrets(
    credentials: &dyn CredentialSource,
    network: Option<&Network>,
    policy: Option<&Policy>,
    environment: &Environment,
) -> Vec<Secret> {
    let specs = || policy.into_iter().flat_map(|policy| policy.providers().values());
    let is_secret = |secret: &Secret| {
        let key = secret.expose();
        let mut users = specs().map(|spec| &spec.endpoint).filter(|endpoint| {
            let variables = endpoint.variables();
            variables.iter().any(|variable| environment.get(variable) == Some(key))
        });
        users.clone().next().is_none() || users.any(|endpoint| endpoint.guards(key))
    };
    let passwords = network.map(Network::secrets).unwrap_or_default();
    let known = credentials.known().into_iter().chain(passwords);
    known.filter(is_secret).collect()
}
