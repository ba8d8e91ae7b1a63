//! Compiles the switches of the environment, and warns of names that only look like the gateway's
//! variables.
//!
//! A switch that cannot be read is an error, because somebody meant to stop or to count something.

use std::collections::BTreeMap;

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::{Environment, is_own};
use crate::model::ProviderName;
use crate::policy::{Caps, ProviderSpec, Switches};

use super::variables::{GUARDS, cap_variables, closest_known, is_cap, is_on};

/// The variable that names the policy file.
const ROUTING: &str = "LLM_GATEWAY_ROUTING";

/// Reads the switches that stop calls. Those of the program are in `caps`.
pub(super) fn switches(
    environment: &Environment,
    caps: &Caps,
    problems: &mut Collector<'_>,
) -> Switches {
    let all = is_on(environment, "LLM_GATEWAY_DISABLED", problems);
    let expensive = is_on(environment, "LLM_GATEWAY_EXPENSIVE_DISABLED", problems);
    let disabled = all || caps.refuses_all();
    Switches {
        disabled,
        expensive_disabled: expensive || caps.refuses_expensive(),
        is_of_program: if disabled { !all } else { !expensive && caps.refuses_expensive() },
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
    let caps = cap_variables(providers.keys()).into_iter();
    let others = GUARDS.into_iter().chain([ROUTING]);
    let known: Vec<String> = caps.chain(others.map(str::to_owned)).collect();
    let is_known = |name: &str| {
        let is_other = GUARDS.contains(&name) || name == ROUTING;
        is_cap(name) || is_other || keys.iter().any(|key| key == name)
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
    let (words, endings) = (["CAP", "BUDGET"], ["DISABLED", "_MONTHLY", "_DAILY", "_SESSION"]);
    words.iter().any(|word| name.contains(word)) || endings.iter().any(|end| name.ends_with(end))
}
