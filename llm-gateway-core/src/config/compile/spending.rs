//! Compiles the variables of the spend ledger: where it is kept, and the monthly caps.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::{Environment, HOME, user_directory};
use crate::model::{NanoUsd, ProviderName, StandIn};
use crate::policy::{ProviderSpec, Spending};

use super::variables::{CAP_PREFIX, CAP_SUFFIX, cap_variable, is_cap, is_on, variable_part};

const PATH: &str = "LLM_GATEWAY_LEDGER_PATH";

/// Compiles the ledger's variables. A cap that cannot be enforced is an error, so that money which
/// should be guarded is never left unguarded.
pub(super) fn spending(
    environment: &Environment,
    providers: &BTreeMap<ProviderName, ProviderSpec>,
    problems: &mut Collector<'_>,
) -> Spending {
    let mut spending = Spending::default();
    for name in environment.names().filter(|name| is_cap(name)) {
        let Some(value) = environment.written(name) else { continue };
        let is_unfilled = matches!(environment.unusable(name), Some(StandIn::Unfilled));
        let value = (!is_unfilled).then_some(value);
        match cap(name, value, providers) {
            Ok((_, NanoUsd::ZERO)) => {}
            Ok((CapSubject::Total, cap)) => spending.total_cap = Some(cap),
            Ok((CapSubject::Providers(named), cap)) => {
                spending.provider_caps.extend(named.into_iter().map(|provider| (provider, cap)));
            }
            Err((message, hint)) => problems.variable(Severity::Error, message, hint),
        }
    }
    let counts = is_on(environment, "LLM_GATEWAY_LEDGER", problems) || spending.is_capped();
    match ledger_path(environment) {
        Ok(path) if counts => spending.ledger = Some(path),
        Err((message, hint)) if counts => problems.variable(Severity::Error, message, hint),
        _ if environment.written(PATH).is_some() => {
            let message = format!("{PATH} is set, and the ledger is off");
            let hint = "set LLM_GATEWAY_LEDGER=1, or a cap, to count what is spent";
            problems.variable(Severity::Warning, message, hint);
        }
        _ => {}
    }
    spending
}

/// The spending that a cap limits.
enum CapSubject {
    /// The spending at all providers together.
    Total,
    /// The spending at each of these providers, one by one. Several are capped if their names are
    /// spelled alike in a variable.
    Providers(Vec<ProviderName>),
}

/// Reads one cap. Its value is `None` if nobody filled it in.
///
/// # Errors
/// Fails with what is wrong and what would be right.
fn cap(
    name: &str,
    value: Option<&str>,
    providers: &BTreeMap<ProviderName, ProviderSpec>,
) -> Result<(CapSubject, NanoUsd), (String, String)> {
    let scope = name.strip_prefix(CAP_PREFIX).and_then(|rest| rest.strip_suffix(CAP_SUFFIX));
    let Some(scope) = scope else {
        let hint = format!("write {} or {}", cap_variable("TOTAL"), cap_variable("<PROVIDER>"));
        return Err((format!("{name} names no cap"), hint));
    };
    let named = providers.keys().filter(|provider| variable_part(provider) == scope);
    let capped = match scope {
        "TOTAL" => CapSubject::Total,
        _ => CapSubject::Providers(named.cloned().collect()),
    };
    if matches!(&capped, CapSubject::Providers(named) if named.is_empty()) {
        let known: Vec<_> = providers.keys().map(variable_part).collect();
        let hint = format!("use TOTAL or one of: {}", known.join(", "));
        return Err((format!("{name} names no provider"), hint));
    }
    let Some(value) = value else {
        let hint = "expand it where it is set, or write a number such as 25; empty = no cap";
        return Err((format!("{name} {}", StandIn::Unfilled.what()), hint.into()));
    };
    let amount = NanoUsd::parse_usd(value).map_err(|_| {
        let hint = "write a number such as 25 or 12.50; 0 = no cap";
        (format!("{name} is not an amount in US dollars"), hint.to_owned())
    })?;
    Ok((capped, amount))
}

/// Returns the path of the ledger, which is one file for all processes of the user.
///
/// # Errors
/// Fails with what is wrong and what would be right. A relative path is refused, because caps would
/// then hold per directory only.
fn ledger_path(environment: &Environment) -> Result<PathBuf, (String, String)> {
    if let Some(written) = environment.written(PATH) {
        let path = PathBuf::from(written);
        // A value that was not UTF-8 holds a replacement character, and would lead elsewhere.
        if path.is_absolute() && !written.contains(char::REPLACEMENT_CHARACTER) {
            return Ok(path);
        }
        let hint = "write the whole of it, such as /home/you/ledger.db: `~` and `$HOME` are not \
                    expanded here, and a relative one would be another ledger in each directory";
        let what = match environment.unusable(PATH) {
            Some(StandIn::Unfilled) => "holds what somebody was to fill in, and ",
            Some(StandIn::Quoted) => "is still in quotes, and ",
            None => "",
        };
        return Err((format!("{PATH} {what}is not an absolute path in UTF-8"), hint.to_owned()));
    }
    let state = user_directory(environment, "XDG_STATE_HOME", &[".local", "state"]);
    state.map(|state| state.join("llm-gateway").join("ledger.db")).ok_or_else(|| {
        let message = format!("{HOME} is not an absolute path, so the spend ledger has no place");
        (message, format!("set {PATH} to an absolute path, or {HOME}"))
    })
}
