//! Warns of keys that are not scrubbed from what providers send.

use std::collections::BTreeMap;

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::Environment;
use crate::model::{Endpoint, KeyKind, ProviderName};
use crate::policy::ProviderSpec;

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
