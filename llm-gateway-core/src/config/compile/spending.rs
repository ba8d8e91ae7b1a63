//! The ledger's variables: where it is, and the monthly caps.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::{Environment, is_on, user_directory};
use crate::model::{NanoUsd, ProviderName};
use crate::policy::{ProviderSpec, Spending};

const PREFIX: &str = "LLM_GATEWAY_CAP_";
const SUFFIX: &str = "_MONTHLY";

/// Compiles the ledger's variables. A cap that cannot be obeyed is an error: money that was to
/// be guarded is never left unguarded.
pub(super) fn spending(
    environment: &Environment,
    providers: &BTreeMap<ProviderName, ProviderSpec>,
    problems: &mut Collector<'_>,
) -> Spending {
    let mut spending = Spending::default();
    for name in environment.names().filter(|name| name.starts_with(PREFIX)) {
        let Some(value) = environment.get(name) else { continue };
        let Some(scope) = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX))
        else {
            let hint = format!("write {PREFIX}TOTAL{SUFFIX} or {PREFIX}<PROVIDER>{SUFFIX}");
            problems.variable(Severity::Error, format!("{name} names no cap"), hint);
            continue;
        };
        let Ok(cap) = NanoUsd::parse_usd(value) else {
            let message = format!("{name} is not an amount in US dollars");
            problems.variable(
                Severity::Error,
                message,
                "write a number such as 25 or 12.50; 0 = no cap",
            );
            continue;
        };
        let named: Vec<_> =
            providers.keys().filter(|provider| variable_part(provider) == scope).collect();
        match (scope, named.is_empty()) {
            _ if cap == NanoUsd::ZERO => {}
            ("TOTAL", _) => spending.total_cap = Some(cap),
            (_, true) => {
                let known: Vec<_> = providers.keys().map(variable_part).collect();
                let hint = format!("use TOTAL or one of: {}", known.join(", "));
                problems.variable(Severity::Error, format!("{name} names no provider"), hint);
            }
            // Two names that read alike are both capped.
            (_, false) => {
                spending.provider_caps.extend(named.into_iter().map(|p| (p.clone(), cap)))
            }
        }
    }
    if spending.is_capped() || is_on(environment, "LLM_GATEWAY_LEDGER") {
        spending.ledger = ledger_path(environment);
        if spending.ledger.is_none() {
            let message = "there is no directory to keep the spend ledger in";
            problems.variable(Severity::Error, message, "set LLM_GATEWAY_LEDGER_PATH to a file");
        }
    }
    spending
}

/// A provider's name as a variable has it: upper case, other characters as `_`.
fn variable_part(provider: &ProviderName) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    provider.as_str().chars().map(part).collect()
}

/// One ledger for every process of the user, or caps would hold per directory only.
fn ledger_path(environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = environment.get("LLM_GATEWAY_LEDGER_PATH") {
        return std::path::absolute(path).ok();
    }
    let state = user_directory(environment, "XDG_STATE_HOME", &[".local", "state"])?;
    Some(state.join("llm-gateway").join("ledger.db"))
}
