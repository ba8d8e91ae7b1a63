//! How the gateway's own variables are named and read.

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::Environment;
use crate::model::ProviderName;

pub(super) const PREFIX: &str = "LLM_GATEWAY_CAP_";
pub(super) const SUFFIX: &str = "_MONTHLY";

/// Whether a switch is on: `1`, `true` or `yes` in any case.
pub(super) fn is_on(environment: &Environment, name: &str, problems: &mut Collector<'_>) -> bool {
    let value = environment.written(name).map(str::to_ascii_lowercase);
    match value.as_deref() {
        Some("1" | "true" | "yes") => true,
        None | Some("0" | "false" | "no") => false,
        Some(_) => {
            let message = format!("{name} is neither on nor off");
            let hint = "write 1, true or yes to switch it on; 0, false, no or nothing for off";
            problems.variable(Severity::Error, message, hint);
            false
        }
    }
}

/// Whether a name is that of a cap, or was to be.
pub(super) fn is_cap(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// The variable of a scope's cap.
pub(super) fn cap_variable(scope: &str) -> String {
    format!("{PREFIX}{scope}{SUFFIX}")
}

/// A provider's name as a variable has it: upper case, other characters as `_`.
pub(super) fn variable_part(provider: &ProviderName) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    provider.as_str().chars().map(part).collect()
}
