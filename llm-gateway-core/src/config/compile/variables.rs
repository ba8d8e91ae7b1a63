//! Names and reads the gateway's own variables, for `spending` and `switches`.

use crate::config::diagnostic::{Collector, Severity};
use crate::environment::{Environment, OWN_PREFIX};
use crate::ledger::Per;
use crate::model::{ProviderName, StandIn, closest_name};
use crate::policy::{CAP_PREFIX, cap_variable, variable_part};

/// The variables that switch calls off, and those of the ledger.
pub(super) const GUARDS: [&str; 4] = [
    "LLM_GATEWAY_DISABLED",
    "LLM_GATEWAY_EXPENSIVE_DISABLED",
    "LLM_GATEWAY_LEDGER",
    "LLM_GATEWAY_LEDGER_PATH",
];

/// Returns the names of the caps, the switches and the ledger's variables that are set, in order. A
/// program that starts the server elsewhere hands them down.
pub fn guard_variables(environment: &Environment) -> Vec<String> {
    let is_guard = |name: &&str| is_cap(name) || GUARDS.contains(name);
    let is_set = |name: &&str| environment.written(name).is_some();
    environment.names().filter(is_guard).filter(is_set).map(str::to_owned).collect()
}

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

/// The part of a cap's name that stands for everything.
pub(super) const EVERYTHING: &str = "TOTAL";

/// Returns how providers are spelled in the names of caps, each spelling once. A provider that is
/// spelled as everything is cannot be capped alone.
pub(super) fn capped_parts<'p>(providers: impl Iterator<Item = &'p ProviderName>) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in providers.map(variable_part).filter(|part| part != EVERYTHING) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// Returns the names of all caps that can be set, those per month first.
pub(super) fn cap_variables<'p>(providers: impl Iterator<Item = &'p ProviderName>) -> Vec<String> {
    let parts: Vec<String> =
        std::iter::once(EVERYTHING.to_owned()).chain(capped_parts(providers)).collect();
    let per = |per| parts.iter().map(move |part| cap_variable(part, per));
    let session = std::iter::once(cap_variable("", Per::Session));
    per(Per::Month).chain(per(Per::Day)).chain(session).collect()
}

/// The word in the name of a session's cap.
const SESSION: &str = "SESSION";

/// Returns the known name that was probably meant by `name`: the first that begins with it, else
/// the first of the shortest that have all its words, else the cap of a session if the name has
/// that word, else the closest behind their common prefix, else the one that shares the most words
/// with it. `MONTHLY_CAP` differs from `CAP_TOTAL_MONTHLY` in letters only.
pub(super) fn closest_known<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let tail = name.get(OWN_PREFIX.len()..)?.to_ascii_uppercase();
    let tails = || known.iter().filter_map(|known| known.strip_prefix(OWN_PREFIX));
    let begun = || tails().find(|known| !tail.is_empty() && known.starts_with(&tail));
    let of_all_words = || {
        let all = tails().filter(|known| tail.split('_').all(|word| has_word(known, word)));
        all.min_by_key(|known| known.split('_').count())
    };
    // A provider may be called `session`. Its caps per day and per month are not meant.
    let of_session = || {
        let session = cap_variable("", Per::Session);
        let is_session = |known: &&str| session.strip_prefix(OWN_PREFIX) == Some(*known);
        tails().find(is_session).filter(|_| has_word(&tail, SESSION))
    };
    let of_words = || {
        let shared = |known: &str| known.split('_').filter(|word| has_word(&tail, word)).count();
        // Of several that share as many words, the first counts.
        tails().rev().max_by_key(|known| shared(known)).filter(|known| shared(known) > 0)
    };
    let meant = begun().or_else(of_all_words).or_else(of_session);
    let meant = meant.or_else(|| closest_name(&tail, tails())).or_else(of_words)?;
    known.iter().map(String::as_str).find(|known| known.strip_prefix(OWN_PREFIX) == Some(meant))
}

/// Returns whether `word` is one of the words of `name`, between underscores.
fn has_word(name: &str, word: &str) -> bool {
    name.split('_').any(|other| other == word)
}
