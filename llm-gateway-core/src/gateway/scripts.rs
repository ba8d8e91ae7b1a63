//! Checks a script against the policy whose models it answers for.

use std::collections::BTreeSet;

use crate::config::Diagnostic;
use crate::model::{ProviderName, StepRole, did_you_mean};
use crate::policy::Policy;
use crate::transport::Scripted;

/// Returns the problems of what in a script can never be played under `policy`, in a gateway whose
/// `own` providers are the program's.
pub(super) fn script_problems<'a>(
    script: &Scripted,
    policy: Option<&Policy>,
    own: impl IntoIterator<Item = &'a ProviderName>,
) -> Vec<Diagnostic> {
    let own: BTreeSet<_> = own.into_iter().map(ProviderName::as_str).collect();
    let faults = script.faults().into_iter().map(|fault| {
        Diagnostic::of_build(fault, "give each target one script, of steps that a test needs")
    });
    let unknown = policy.into_iter().flat_map(|policy| {
        let known = targets(policy);
        let waiting = script.waiting_targets().into_iter();
        waiting.filter_map(|target| unknown_target(&target, &known, &own)).collect::<Vec<_>>()
    });
    faults.chain(unknown).collect()
}

/// Returns the problem of a target that has steps and is never asked through the script.
fn unknown_target(
    target: &str,
    known: &BTreeSet<String>,
    own: &BTreeSet<&str>,
) -> Option<Diagnostic> {
    if own.contains(target.split('/').next().unwrap_or_default()) {
        let message = format!("the script has steps for {target}, of an own provider");
        let hint = "a script answers the policy's providers; let your provider answer itself";
        return Some(Diagnostic::of_build(message, hint));
    }
    let hint = || {
        did_you_mean(target, known.iter().map(String::as_str), || {
            "name a target as `provider/model`, as the policy does".to_owned()
        })
    };
    let message = format!("the script has steps for `{target}`, which the policy does not have");
    (!known.contains(target)).then(|| Diagnostic::of_build(message, hint()))
}

/// Returns every target that a policy may ask, as `provider/model`: those of its task classes and
/// roles, and every model that it knows, which a caller may ask for instead.
fn targets(policy: &Policy) -> BTreeSet<String> {
    let of_routes = policy.routes().iter().flat_map(|route| route.targets());
    let roles = [StepRole::Planner, StepRole::Worker, StepRole::Verifier];
    let of_roles = policy.orchestration().into_iter().flat_map(|orchestration| {
        roles.into_iter().filter_map(|role| Some(&orchestration.role(role)?.target))
    });
    let of_rows = policy.providers().iter().flat_map(|(provider, spec)| {
        spec.rows().map(move |(model, _)| format!("{provider}/{model}"))
    });
    of_routes.chain(of_roles).map(ToString::to_string).chain(of_rows).collect()
}
