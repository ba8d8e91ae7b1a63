//! What of a script was not played, or was asked for beyond it.

use std::fmt;

use super::Scripted;
use super::script::Script;

/// The number of unused steps that a fault names.
const MOST_NAMED: usize = 5;

/// The error of a script that was not played as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnfinishedScript {
    faults: Vec<String>,
}

impl UnfinishedScript {
    /// Checks a script and those of its targets.
    pub(super) fn of(script: &Scripted) -> Result<(), Self> {
        let mut faults = script.faults();
        let targets = script.lock().targets.clone();
        faults.extend(unused("", &script.lock()));
        for (target, script) in &targets {
            faults.extend(unused(target, &script.lock()));
        }
        let refused = script.lock().refused.clone();
        faults.extend(refused.iter().map(|(target, calls)| {
            format!("{} found no step", of_target(&format!("{calls} calls"), target))
        }));
        if faults.is_empty() { Ok(()) } else { Err(Self { faults }) }
    }

    /// Returns what is wrong, one line for each target and kind.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl fmt::Display for UnfinishedScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the script was not played as written: {}", self.faults.join("; "))
    }
}

impl std::error::Error for UnfinishedScript {}

/// Returns the fault of steps that were not used, if there are any.
fn unused(target: &str, script: &Script) -> Option<String> {
    let left = script.steps.len();
    let of = left.saturating_add(script.played);
    let mut names: Vec<_> = script.steps.iter().take(MOST_NAMED).map(|step| step.name()).collect();
    if left > MOST_NAMED {
        names.push("…".to_owned());
    }
    let steps = of_target(&format!("{left} of {of} steps"), target);
    (left > 0).then(|| format!("{steps} were not used ({})", names.join(", ")))
}

/// Adds the target to what is counted, if it is known.
fn of_target(counted: &str, target: &str) -> String {
    match target {
        "" => counted.to_owned(),
        target => format!("{counted} of {target}"),
    }
}
