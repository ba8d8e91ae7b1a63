//! Tells a person what the tightest cap leaves.

use llm_gateway_core::Failure;
use llm_gateway_core::outcome::Budget;

use crate::layout::{HANG, harmless};
use crate::terminal::{DOUBTFUL, FAINT, Terminal};

/// Returns what the tightest cap leaves as the next part of a line; empty without a cap.
pub(crate) fn left(budget: Option<&Budget>) -> String {
    budget.map_or_else(String::new, |budget| {
        let words = words(&budget.scope, budget.per, &budget.left_usd.to_string());
        format!(" · {words}")
    })
}

/// Writes to stderr what the tightest cap leaves after a failure. A failure by that very cap has
/// said all of it.
pub(crate) fn after_failure(failure: &Failure, terminal: &mut Terminal) -> std::io::Result<()> {
    let Some(budget) = failure.budget() else { return Ok(()) };
    let refusing = failure.error().cap().map(|cap| (cap.scope.as_str(), cap.per));
    if refusing == Some((budget.scope.as_str(), budget.per)) {
        return Ok(());
    }
    // The summary of a panel has what is left; that of a cascade's gate has not.
    let is_told = failure.panel().is_some_and(|panel| panel.budget.is_some());
    if budget.warning.is_none() && !is_told {
        let words = words(&budget.scope, budget.per, &budget.left_usd.to_string());
        terminal.note(&format!("{FAINT}{words}{FAINT:#}"))?;
    }
    warn(Some(budget), terminal)
}

/// Writes the warning of a cap that is nearly used to stderr, if there is one.
pub(crate) fn warn(budget: Option<&Budget>, terminal: &mut Terminal) -> std::io::Result<()> {
    match budget.and_then(|budget| budget.warning.as_deref()) {
        Some(warning) => {
            terminal.note(&format!("{DOUBTFUL}warning:{DOUBTFUL:#} {HANG}{}", harmless(warning)))
        }
        None => Ok(()),
    }
}

/// Returns the amount that is left of a cap in words: when, and for whose calls.
pub(crate) fn words(scope: &str, per: &str, left: &str) -> String {
    let when = match per {
        "session" => "in this session",
        "day" => "today",
        _ => "this month",
    };
    match scope {
        "total" => format!("{left} left {when}"),
        scope => format!("{left} left {when} for {}", harmless(scope)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cap_is_told_in_words() {
        for (scope, per, told) in [
            ("total", "session", "$1.00 left in this session"),
            ("total", "day", "$1.00 left today"),
            ("openai", "month", "$1.00 left this month for openai"),
            ("class:coding", "day", "$1.00 left today for class:coding"),
        ] {
            assert_eq!(words(scope, per, "$1.00"), told);
        }
        assert_eq!(left(None), "");
    }
}
