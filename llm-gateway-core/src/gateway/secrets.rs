//! Decides which of the known keys count as secrets.

use crate::credential::Secret;
use crate::environment::Environment;
use crate::policy::Policy;
use crate::transport::Scrubber;

/// Returns the scrubber of the known keys. It leaves out a key that only providers use which need
/// no secret, such as a mere word for a server on this machine.
pub(super) fn scrubber(
    known: Vec<Secret>,
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
    Scrubber::new(known.into_iter().filter(is_secret).collect())
}
