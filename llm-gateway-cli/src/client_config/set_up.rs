//! The variables of a user's set-up: those that the server reads, and where they come from.

use std::collections::BTreeSet;

use llm_gateway_core::Environment;
use llm_gateway_core::config::{base_url_variables, guard_variables};
use llm_gateway_core::describe::{Description, KeyState, ProviderDescription};

/// The variables that say where the server looks for its policy and its ledger.
const PLACES: [&str; 3] = ["LLM_GATEWAY_ROUTING", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];

/// The variables of a user's set-up, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct SetUp {
    /// The variables of keys and headers of the providers that the policy's task classes and roles
    /// use, set or not.
    pub(crate) keys: BTreeSet<String>,
    /// The keys of the task classes that can run now, without those that the server reads from its
    /// `.env` file. If no task class can run, all keys.
    pub(crate) wanted_keys: BTreeSet<String>,
    /// The base URLs, caps, switches and variables of the ledger that are set.
    pub(crate) guards: BTreeSet<String>,
    /// The variables in force that name proxies, certificates, and the places of the policy and the
    /// ledger.
    pub(crate) surroundings: BTreeSet<String>,
    /// The keys that are set in the environment.
    pub(crate) set_keys: BTreeSet<String>,
}

impl SetUp {
    pub(crate) fn of(description: &Description, environment: &Environment) -> Self {
        let is_set = |name: &str| environment.get(name).is_some();
        let keys = keys(description, |_| true);
        // With the keys alone, a client would send them to another host. Without its caps, the
        // server of a client would spend what its user meant to guard.
        let urls = base_url_variables().filter(|name| is_set(name)).map(str::to_owned);
        let places = PLACES.iter().filter(|name| is_set(name)).map(|name| (*name).to_owned());
        Self {
            wanted_keys: wanted_keys(description, environment).unwrap_or_else(|| keys.clone()),
            guards: urls.chain(guard_variables(environment)).collect(),
            surroundings: network(description).map(str::to_owned).chain(places).collect(),
            set_keys: keys.iter().filter(|name| is_set(name)).cloned().collect(),
            keys,
        }
    }

    /// Returns every variable that is set in the environment and that the server reads.
    pub(crate) fn in_force(&self) -> BTreeSet<String> {
        [&self.set_keys, &self.guards, &self.surroundings].into_iter().flatten().cloned().collect()
    }
}

/// Returns the keys of the task classes that can run, without those that come from the server's
/// `.env` file. Returns `None` if no task class can run.
fn wanted_keys(description: &Description, environment: &Environment) -> Option<BTreeSet<String>> {
    let can_run = description.task_classes.iter().any(|class| class.available);
    let is_set = |provider: &ProviderDescription| provider.key == KeyState::Set;
    let of_file = |name: &String| environment.get(name).is_none();
    can_run.then(|| keys(description, is_set).into_iter().filter(|key| !of_file(key)).collect())
}

/// Returns the variables of keys and headers of the providers that the policy uses and that
/// `is_meant` selects.
fn keys(
    description: &Description,
    is_meant: impl Fn(&ProviderDescription) -> bool,
) -> BTreeSet<String> {
    let targets = || description.task_classes.iter().flat_map(|class| &class.targets);
    let roles = || description.orchestration.iter().flat_map(|it| it.roles.played());
    let is_used = |provider: &&ProviderDescription| {
        let is_asked = targets().any(|target| target.provider == provider.name)
            || roles().any(|(_, who)| who.provider == provider.name);
        provider.key != KeyState::NotNeeded && is_asked && is_meant(provider)
    };
    let used = description.providers.iter().filter(is_used);
    used.flat_map(|it| it.key_variable.iter().chain(&it.header_variables).cloned()).collect()
}

/// Returns the variables in force that name proxies and certificates.
fn network(description: &Description) -> impl Iterator<Item = &str> {
    let proxies = description.proxy.iter().flat_map(|proxy| {
        let of_schemes = [&proxy.https, &proxy.http].into_iter().flatten();
        of_schemes.map(|proxy| proxy.variable).chain(proxy.exceptions)
    });
    proxies.chain(description.certificates.iter().map(|it| it.variable))
}
