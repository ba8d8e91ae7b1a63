//! Compiles the switches of the environment, and warns of names that only look like the gateway's
//! variables.
//!
//! A switch that cannot be read is an error, because somebody meant to stop or to count something.

use std::collections::BTreeMap;

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::{Environment, OWN_PREFIX, is_own};
use crate::model::{ProviderName, closest_name};
use crate::policy::{ProviderSpec, Switches};

use super::variables::{cap_variable, is_cap, is_on, variable_part};

/// The gateway's variables, without the caps.
const VARIABLES: [&str; 5] = [
    "LLM_GATEWAY_DISABLED",
    "LLM_GATEWAY_EXPENSIVE_DISABLED",
    "LLM_GATEWAY_LEDGER",
    "LLM_GATEWAY_LEDGER_PATH",
    "LLM_GATEWAY_ROUTING",
];

/// Reads the switches that stop calls.
pub(super) fn switches(environment: &Environment, problems: &mut Collector<'_>) -> Switches {
    Switches {
        disabled: is_on(environment, "LLM_GATEWAY_DISABLED", problems),
        expensive_disabled: is_on(environment, "LLM_GATEWAY_EXPENSIVE_DISABLED", problems),
    }
}

/// Warns of variables that are named like the gateway's but are unknown. `keys` are the key
/// variables that the policy names, which may have any name.
pub(super) fn unknown_names(
    environment: &Environment,
    keys: &[String],
    providers: &BTreeMap<ProviderName, ProviderSpec>,
    problems: &mut Collector<'_>,
) {
    let scopes = ["TOTAL".to_owned()].into_iter().chain(providers.keys().map(variable_part));
    let caps = scopes.map(|scope| cap_variable(&scope));
    let known: Vec<String> = caps.chain(VARIABLES.map(str::to_owned)).collect();
    let is_known = |name: &str| {
        is_cap(name) || VARIABLES.contains(&name) || keys.iter().any(|key| key == name)
    };
    let is_set = |name: &str| environment.written(name).is_some();
    for name in environment.names().filter(|name| is_own(name) && !is_known(name) && is_set(name)) {
        let hint = match closest_known(name, &known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        let (severity, message) = match means_a_limit(name) {
            true => (Severity::Error, format!("{name} looks like a limit and is none")),
            false => {
                let message = format!("{name} is no variable of the gateway, and changes nothing");
                (Severity::Warning, message)
            }
        };
        problems.variable(severity, message, hint);
    }
}

/// Returns whether an unknown variable was meant to stop calls or to limit their cost, so that no
/// call may be made until its name is corrected.
fn means_a_limit(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let endings = ["DISABLED", "_MONTHLY", "_DAILY"];
    name.contains("CAP") || endings.iter().any(|ending| name.ends_with(ending))
}

/// Returns the known name that is closest to `name` behind their common prefix, else a known name
/// that shares a word with `name`: `MONTHLY_CAP` differs from `CAP_TOTAL_MONTHLY` in letters only.
fn closest_known<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let tail = name.get(OWN_PREFIX.len()..)?.to_ascii_uppercase();
    let tails = || known.iter().filter_map(|known| known.strip_prefix(OWN_PREFIX));
    let shares_word =
        |known: &&str| known.split('_').any(|word| tail.split('_').any(|w| w == word));
    let closest = closest_name(&tail, tails()).or_else(|| tails().find(shares_word))?;
    known.iter().map(String::as_str).find(|known| known.strip_prefix(OWN_PREFIX) == Some(closest))
}
