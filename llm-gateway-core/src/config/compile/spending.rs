//! Compiles what may be spent: the caps of the environment, the budgets of the policy, and the
//! place of the ledger that counts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::{Environment, HOME, user_directory};
use crate::ledger::{Cap, Per, Scope};
use crate::model::{NanoUsd, ProviderName, StandIn, closest_name};
use crate::policy::{
    CAP_PREFIX, Caps, ORCHESTRATE, ProviderSpec, Route, Spending, cap_variable, variable_part,
};

use super::Counting;
use super::variables::{EVERYTHING, cap_variables, capped_parts, closest_known, is_cap, is_on};

const PATH: &str = "LLM_GATEWAY_LEDGER_PATH";

/// Compiles the caps and the ledger's variables; `others` are the caps of the policy and of the
/// program, each with the words that name what sets it. A cap that cannot be enforced is an error,
/// so that money which should be guarded is never left unguarded. Where money is counted in no
/// file, `counting` says so, and none needs a place.
pub(super) fn spending(
    environment: &Environment,
    counting: Counting,
    others: Vec<(Cap, String)>,
    providers: &BTreeMap<ProviderName, ProviderSpec>,
    problems: &mut Collector<'_>,
) -> Spending {
    let mut caps = Vec::new();
    for name in environment.names().filter(|name| is_cap(name)) {
        let Some(value) = environment.written(name) else { continue };
        let is_unfilled = matches!(environment.unusable(name), Some(StandIn::Unfilled));
        let value = (!is_unfilled).then_some(value);
        match capped(name, providers).and_then(|named| Ok((named, amount(name, value)?))) {
            Ok((_, NanoUsd::ZERO)) => {}
            Ok(((scopes, per), limit)) => {
                caps.extend(scopes.into_iter().map(|scope| Cap::new(scope, per, limit)));
            }
            Err((message, hint)) => problems.variable(Severity::Error, message, hint),
        }
    }
    let mut spending = Spending::of(caps, others);
    let counts = is_on(environment, "LLM_GATEWAY_LEDGER", problems) || spending.needs_ledger();
    spending.counts = counts;
    match (ledger_path(environment), counting) {
        (Ok(path), _) if counts => spending.ledger = Some(path),
        (Err((message, hint)), Counting::InFile) if counts => {
            problems.variable(Severity::Error, message, hint);
        }
        // What nobody wrote cannot be wrong; what was written is, though nothing is lost by it.
        (Err((message, hint)), Counting::Elsewhere)
            if counts && environment.written(PATH).is_some() =>
        {
            problems.variable(Severity::Warning, message, hint);
        }
        _ if counts => {}
        _ if environment.written(PATH).is_some() => {
            let message = format!("{PATH} is set, and the ledger is off");
            let hint =
                "set LLM_GATEWAY_LEDGER=1, or a cap per day or month, to count what is spent";
            problems.variable(Severity::Warning, message, hint);
        }
        _ => {}
    }
    spending
}

/// Checks that the policy has what the program caps. A cap on nothing would leave money unguarded.
pub(super) fn check_scopes(
    caps: &Caps,
    providers: &BTreeMap<ProviderName, ProviderSpec>,
    routes: &[Route],
    problems: &mut Collector<'_>,
) {
    let classes = || routes.iter().map(|route| route.task_class.as_str()).chain([ORCHESTRATE]);
    for cap in caps.caps() {
        let (what, name, known): (_, _, Vec<&str>) = match &cap.scope {
            Scope::Provider(name) => {
                ("provider", name.as_str(), providers.keys().map(ProviderName::as_str).collect())
            }
            Scope::Class(class) => ("task class", class.as_str(), classes().collect()),
            Scope::Total => continue,
        };
        if !known.contains(&name) {
            let message =
                format!("`Caps` limit the {what} `{name}`, which the policy does not have");
            let meant = closest_name(name, known.iter().copied());
            let meant = meant.map(|meant| format!("did you mean `{meant}`? "));
            let hint = format!("{}use one of: {}", meant.unwrap_or_default(), known.join(", "));
            problems.program(message, hint);
        }
    }
}

/// Returns what the variable of a cap limits: scopes, each on its own, and the length of time over
/// which they are added up. Several providers are capped if their names are spelled alike in a
/// variable.
///
/// # Errors
/// Fails with what is wrong and what would be right.
fn capped(
    name: &str,
    providers: &BTreeMap<ProviderName, ProviderSpec>,
) -> Result<(Vec<Scope>, Per), (String, String)> {
    let rest = name.strip_prefix(CAP_PREFIX).unwrap_or_default();
    if name == cap_variable(rest, Per::Session) {
        return Ok((vec![Scope::Total], Per::Session));
    }
    let lengths = [(Per::Month, "_MONTHLY"), (Per::Day, "_DAILY")];
    let split = lengths.iter().find_map(|(per, end)| Some((rest.strip_suffix(end)?, *per)));
    let Some((part, per)) = split else {
        return Err((format!("{name} names no cap"), forms_of_caps(name, providers)));
    };
    if part == EVERYTHING {
        return Ok((vec![Scope::Total], per));
    }
    let named = providers.keys().filter(|provider| variable_part(provider) == part);
    let scopes: Vec<Scope> = named.cloned().map(Scope::Provider).collect();
    match scopes.is_empty() {
        true => Err((format!("{name} names no provider"), known_parts(part, per, providers))),
        false => Ok((scopes, per)),
    }
}

/// Returns the hint for a name that has the form of no cap: the cap that was probably meant, and
/// the forms that there are.
fn forms_of_caps(name: &str, providers: &BTreeMap<ProviderName, ProviderSpec>) -> String {
    let known = cap_variables(providers.keys());
    let meant = closest_known(name, &known);
    let meant = meant.map(|meant| format!("did you mean `{meant}`? "));
    let forms = [(EVERYTHING, Per::Month), ("<PROVIDER>", Per::Month), (EVERYTHING, Per::Day)];
    let forms = forms.map(|(part, per)| cap_variable(part, per)).join(", ");
    let last = [("<PROVIDER>", Per::Day), ("", Per::Session)];
    let last = last.map(|(part, per)| cap_variable(part, per)).join(" or ");
    format!("{}write {forms}, {last}", meant.unwrap_or_default())
}

/// Returns the hint for a cap on a provider that the policy does not have.
fn known_parts(part: &str, per: Per, providers: &BTreeMap<ProviderName, ProviderSpec>) -> String {
    let known = capped_parts(providers.keys());
    let parts = std::iter::once(EVERYTHING).chain(known.iter().map(String::as_str));
    let meant = match part {
        // A session has one cap, whatever is asked.
        "SESSION" => Some(cap_variable(part, Per::Session)),
        _ => closest_name(part, parts).map(|meant| cap_variable(meant, per)),
    };
    let meant = meant.map(|meant| format!("did you mean `{meant}`? "));
    format!("{}use {EVERYTHING} or one of: {}", meant.unwrap_or_default(), known.join(", "))
}

/// Reads the amount of a cap. Its value is `None` if nobody filled it in.
///
/// # Errors
/// Fails with what is wrong and what would be right.
fn amount(name: &str, value: Option<&str>) -> Result<NanoUsd, (String, String)> {
    let Some(value) = value else {
        let hint = "expand it where it is set, or write a number such as 25; empty = no cap";
        return Err((format!("{name} {}", StandIn::Unfilled.what()), hint.into()));
    };
    NanoUsd::parse_usd(value).map_err(|_| {
        let hint = "write a number such as 25 or 12.50; 0 = no cap";
        (format!("{name} is not an amount in US dollars"), hint.to_owned())
    })
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
