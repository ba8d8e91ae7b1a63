//! Names and reads the gateway's own variables, for `spending` and `switches`.

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::Environment;
use crate::model::{ProviderName, StandIn};

/// The beginning of the name of a cap.
pub(super) const CAP_PREFIX: &str = "LLM_GATEWAY_CAP_";

/// The end of the name of a cap.
pub(super) const CAP_SUFFIX: &str = "_MONTHLY";

/// Returns whether a switch is on: `1`, `true`, `yes` or `on`, in any case. A value that is neither
/// on nor off is reported.
pub(super) fn is_on(environment: &Environment, name: &str, problems: &mut Collector<'_>) -> bool {
    let value = environment.written(name).map(str::to_ascii_lowercase);
    match value.as_deref() {
        Some("1" | "true" | "yes" | "on") => true,
        None | Some("0" | "false" | "no" | "off") => false,
        Some(_) => {
            let what = match environment.unusable(name) {
                Some(StandIn::Unfilled) => StandIn::Unfilled.what(),
                Some(StandIn::Quoted) | None => "is neither on nor off",
            };
            let message = format!("{name} {what}: it takes 1, true, yes, on, 0, false, no, off");
            let hint = "write 1 to switch it on; 0 or nothing for off";
            problems.variable(Severity::Error, message, hint);
            false
        }
    }
}

/// Returns whether a name begins like the name of a cap.
pub(super) fn is_cap(name: &str) -> bool {
    name.starts_with(CAP_PREFIX)
}

/// Returns the variable that holds the cap of a scope.
pub(super) fn cap_variable(scope: &str) -> String {
    format!("{CAP_PREFIX}{scope}{CAP_SUFFIX}")
}

/// Returns a provider's name as it is spelled in a variable: in upper case, with `_` for all but
/// letters and digits.
pub(super) fn variable_part(provider: &ProviderName) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    provider.as_str().chars().map(part).collect()
}
