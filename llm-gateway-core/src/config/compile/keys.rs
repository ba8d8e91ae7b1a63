//! Warns of keys that are not scrubbed from what providers send, and of variables that hold no
//! value.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::Environment;
use crate::model::{Endpoint, KeyKind, ProviderName, StandIn};
use crate::policy::ProviderSpec;

use super::built_in::base_url_variables;

/// Warns of each variable that is set and counts as missing, by the variable's name alone. `keys`
/// are the key variables that the policy names.
pub(super) fn warn_of_unusable(
    environment: &Environment,
    keys: &[String],
    problems: &mut Collector<'_>,
) {
    let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let places: BTreeSet<&str> = base_url_variables().chain(["LLM_GATEWAY_ROUTING"]).collect();
    for name in keys.union(&places) {
        // A place that is still in quotes is an error where it is read, and not passed over.
        let counts = |why: &StandIn| *why == StandIn::Unfilled || keys.contains(name);
        if let Some(why) = environment.unusable(name).filter(counts) {
            let message = format!("{name} {}", why.why_missing());
            problems.variable(Severity::Warning, message, why.advice());
        }
    }
}

/// Warns of each variable whose key is no secret, by the variable's name alone.
pub(super) fn warn_of_unguarded(
    environment: &Environment,
    providers: &BTreeMap<ProviderName, ProviderSpec>,
    problems: &mut Collector<'_>,
) {
    let mut warned = Vec::new();
    let endpoints = providers.values().map(|spec| &spec.endpoint);
    let of_endpoint = |it| Endpoint::variables(it).into_iter().map(move |name| (it, name));
    for (endpoint, variable) in endpoints.flat_map(of_endpoint) {
        let Some(key) = environment.get(variable).filter(|key| !endpoint.guards(key)) else {
            continue;
        };
        let (what, hint) = match KeyKind::of(key) {
            KeyKind::TooShort => ("a key of fewer than 7 characters", "use a longer key"),
            KeyKind::Placeholder => (
                "a placeholder that documents name",
                "that is right for a server that asks for no key; else set the key",
            ),
            KeyKind::Word | KeyKind::Secret => (
                "a short word, for a server on this machine",
                "that is right for a server that takes any word; else use a longer key",
            ),
        };
        if !warned.contains(&variable) {
            warned.push(variable);
            let message = format!("{variable} holds {what}: it is not scrubbed from answers");
            problems.variable(Severity::Warning, message, hint);
        }
    }
}
