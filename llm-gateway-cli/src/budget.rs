//! Tells a person what the tightest cap leaves.

// Indexing a JSON value returns null for a missing key.
#![allow(clippy::indexing_slicing)]

use llm_gateway_core::Failure;
use llm_gateway_core::outcome::Budget;
use serde_json::Value;

use crate::layout::{HANG, harmless};
use crate::terminal::{DOUBTFUL, FAINT, Terminal};

/// Returns what the tightest cap leaves as the next part of a line; empty without a cap.
pub(crate) fn left(budget: Option<&Budget>) -> String {
    budget.map_or_else(String::new, |budget| {
        let words = words(&budget.scope, budget.per, &budget.left_usd.to_string());
        format!(" · {words}")
    })
}

/// Returns what the tightest cap leaves by the `meta` of an envelope as the end of a sentence;
/// empty without a cap. `amount` is the amount that is left, as a person writes it.
pub(crate) fn left_in(meta: &Value, amount: impl Fn(&Value) -> String) -> String {
    let budget = &meta["budget"];
    match (budget["scope"].as_str(), budget["per"].as_str()) {
        (Some(scope), Some(per)) => {
            format!("; {}", words(scope, per, &amount(&budget["left_usd"])))
        }
        _ => String::new(),
    }
}

/// Writes to stderr what the tightest cap leaves after a failure. `is_told` says whether that stands
/// there already: then only the warning is added. A failure by that very cap has said all of it.
pub(crate) fn after_failure(
    failure: &Failure,
    is_told: bool,
    terminal: &mut Terminal,
) -> std::io::Result<()> {
    let Some(budget) = failure.budget() else { return Ok(()) };
    let refusing = failure.error().cap().map(|cap| (cap.scope.as_str(), cap.per));
    if refusing == Some((budget.scope.as_str(), budget.per)) {
        return Ok(());
    }
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

fn words(scope: &str, per: &str, left: &str) -> String {
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
    use serde_json::json;

    use super::*;

    #[test]
    fn each_cap_is_told_in_words() {
        for (scope, per, told) in [
            ("total", "session", "; $1.00 left in this session"),
            ("total", "day", "; $1.00 left today"),
            ("openai", "month", "; $1.00 left this month for openai"),
            ("class:coding", "day", "; $1.00 left today for class:coding"),
        ] {
            let meta = json!({"budget": {"scope": scope, "per": per, "left_usd": 1.0}});
            assert_eq!(left_in(&meta, |_| "$1.00".to_owned()), told);
        }
        assert_eq!(left_in(&json!({}), |_| "$1.00".to_owned()), "");
        assert_eq!(left(None), "");
    }
}
