//! Decides which of the known keys count as secrets.

use crate::credential::{CredentialSource, Secret};
use crate::environment::Environment;
use crate::network::Network;
use crate::policy::Policy;
use crate::transport::Scrubber;

/// Returns the scrubber of the known keys and of the network's passwords. It leaves out keys used
/// only by providers that need no secret, such as a mere word for a server on this machine.
pub(super) fn scrubber(
    credentials: &dyn CredentialSource,
    network: Option<&Network>,
    policy: Option<&Policy>,
    environment: &Environment,
) -> Scrubber {
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
    Scrubber::new(known.filter(is_secret).collect())
}
