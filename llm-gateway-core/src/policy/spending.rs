//! The rules for spending: where money is counted, and the caps on what calls may cost in a
//! session, a day or a month. They come from the environment and from the budgets of the policy.

use std::cmp::Reverse;
use std::path::PathBuf;

use crate::ledger::{Cap, Per, Scope};
use crate::model::{NanoUsd, ProviderName, TaskClass};

/// The task class under which the money of orchestrations is counted.
pub const ORCHESTRATE: &str = "orchestrate";

/// The beginning of the name of a variable that sets a cap.
pub(crate) const CAP_PREFIX: &str = "LLM_GATEWAY_CAP_";

/// The spending rules: where money is counted, and how much may be spent in which time. Nothing is
/// counted by default; a cap per day or month turns the ledger on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Spending {
    /// Whether money is counted.
    pub(crate) counts: bool,
    /// The file of the ledger; `None` = money is not counted, or has no file to be counted in,
    /// because the program brings a ledger or is offline.
    pub ledger: Option<PathBuf>,
    /// The caps, longest first, then by scope; each pair occurs once.
    pub caps: Vec<Cap>,
    /// What was set: every cap with the name of the variable, the policy's key or the words that
    /// set it.
    settings: Vec<(Cap, String)>,
}

impl Spending {
    /// Creates the rules with these caps and without a ledger. Of several caps on one scope in one
    /// length of time the lowest is kept, because only it can refuse anything.
    ///
    /// `caps` are those of variables, and `others` have the words that name what sets them: a key
    /// of the policy, or the program.
    pub(crate) fn of(caps: Vec<Cap>, others: Vec<(Cap, String)>) -> Self {
        let variables = caps.into_iter().map(|cap| {
            let name = setting_of(&cap.scope, cap.per);
            (cap, name)
        });
        let settings: Vec<(Cap, String)> = variables.chain(others).collect();
        let mut caps: Vec<Cap> = settings.iter().map(|(cap, _)| cap.clone()).collect();
        let place = |cap: &Cap| (Reverse(cap.per), cap.scope.clone());
        caps.sort_by_key(|cap| (place(cap), cap.limit));
        caps.dedup_by_key(|cap| place(cap));
        Self { counts: false, ledger: None, caps, settings }
    }

    /// Returns whether any cap is set.
    pub fn is_capped(&self) -> bool {
        !self.caps.is_empty()
    }

    /// Returns whether any cap adds up over a day or a month, which takes a ledger.
    pub fn needs_ledger(&self) -> bool {
        !self.ledger_caps().is_empty()
    }

    /// Returns the caps per day and per month, which a ledger keeps.
    pub fn ledger_caps(&self) -> &[Cap] {
        self.by_keeper().0
    }

    /// Returns the caps per session, which the gateway itself keeps.
    pub fn session_caps(&self) -> &[Cap] {
        self.by_keeper().1
    }

    /// Returns the caps that a ledger keeps, and those that the gateway itself keeps. The latter
    /// are the shortest, so they are the last.
    fn by_keeper(&self) -> (&[Cap], &[Cap]) {
        self.caps.split_at(self.caps.partition_point(|cap| cap.per != Per::Session))
    }

    /// Returns the caps that limit a call to `provider` for the task class `class`.
    pub fn caps_on(
        &self,
        provider: &ProviderName,
        class: &TaskClass,
    ) -> impl Iterator<Item = &Cap> {
        self.caps.iter().filter(move |cap| cap.scope.counts(provider, class))
    }

    /// Returns the name of what sets `cap`, for the hints of refusals: a variable, a key of the
    /// policy, or the program. If several set the same limit, all are named, each once. A cap that
    /// none of them sets is one of a ledger of the program's own.
    pub(crate) fn setting_of(&self, cap: &Cap) -> String {
        let mut named: Vec<&str> = Vec::new();
        for (_, name) in self.settings.iter().filter(|(set, _)| set == cap) {
            if !named.contains(&name.as_str()) {
                named.push(name);
            }
        }
        match named.is_empty() {
            true => "of the ledger".to_owned(),
            false => named.join(" and "),
        }
    }

    /// Returns the limit on the calls of `scope` in each time of the length `per`, if there is one.
    pub fn limit(&self, scope: &Scope, per: Per) -> Option<NanoUsd> {
        let cap = self.caps.iter().find(|cap| cap.scope == *scope && cap.per == per)?;
        Some(cap.limit)
    }
}

/// Returns the name of the variable that sets a cap on `scope`, or of the policy's key where the
/// cap is on a task class.
fn setting_of(scope: &Scope, per: Per) -> String {
    match scope {
        Scope::Class(class) => format!("defaults.{class}.budget"),
        Scope::Total => cap_variable("TOTAL", per),
        Scope::Provider(name) => cap_variable(&variable_part(name), per),
    }
}

/// Returns the advice for a model of `provider` whose price is unknown: where to write its price.
pub(crate) fn price_hint(provider: &ProviderName) -> String {
    format!("add a row with `in` and `out` under providers.{provider}.models")
}

/// Returns the variable that sets a cap on `part`, which is `TOTAL` or a provider's name as
/// [`variable_part`] spells it. A session has one variable, for everything.
pub(crate) fn cap_variable(part: &str, per: Per) -> String {
    match per {
        Per::Session => format!("{CAP_PREFIX}SESSION"),
        Per::Day => format!("{CAP_PREFIX}{part}_DAILY"),
        Per::Month => format!("{CAP_PREFIX}{part}_MONTHLY"),
    }
}

/// Returns a provider's name as it is spelled in a variable: in upper case, with `_` for all but
/// letters and digits.
pub(crate) fn variable_part(provider: &ProviderName) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    provider.as_str().chars().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str) -> Scope {
        Scope::Class(TaskClass::new(name).unwrap())
    }

    fn provider(name: &str) -> Scope {
        Scope::Provider(ProviderName::new(name).unwrap())
    }

    #[test]
    fn every_cap_is_named_by_what_sets_it() {
        for (scope, per, setting, key) in [
            (Scope::Total, Per::Month, "LLM_GATEWAY_CAP_TOTAL_MONTHLY", "total/month"),
            (Scope::Total, Per::Day, "LLM_GATEWAY_CAP_TOTAL_DAILY", "total/day"),
            (Scope::Total, Per::Session, "LLM_GATEWAY_CAP_SESSION", "session"),
            (provider("my.ollama"), Per::Day, "LLM_GATEWAY_CAP_MY_OLLAMA_DAILY", "my.ollama/day"),
            (provider("session"), Per::Day, "LLM_GATEWAY_CAP_SESSION_DAILY", "session/day"),
            (class("coding"), Per::Day, "defaults.coding.budget", "class:coding/day"),
            (class("coding"), Per::Session, "defaults.coding.budget", "class:coding/session"),
        ] {
            let cap = Cap::new(scope, per, NanoUsd::ZERO);
            let spending = Spending::of(vec![cap.clone()], Vec::new());
            assert_eq!((spending.setting_of(&cap), cap.key()), (setting.into(), key.into()));
        }
    }

    #[test]
    fn a_budget_is_named_by_the_key_that_sets_the_cap() {
        let of = |limit| Cap::new(class(ORCHESTRATE), Per::Day, NanoUsd::from_nanos(limit));
        let budget = |limit, key: &str| (of(limit), key.to_owned());
        let (named, tasks) = ("defaults.orchestrate.budget", "orchestration.budget");
        for (budgets, setting) in [
            (vec![budget(2, named)], named),
            (vec![budget(2, tasks)], tasks),
            (vec![budget(2, named), budget(3, tasks)], named),
            (vec![budget(3, named), budget(2, tasks)], tasks),
            (
                vec![budget(2, named), budget(2, tasks)],
                "defaults.orchestrate.budget and orchestration.budget",
            ),
        ] {
            let spending = Spending::of(Vec::new(), budgets);
            assert_eq!(spending.caps, [of(2)]);
            assert_eq!(spending.setting_of(&spending.caps[0]), setting);
        }
    }

    #[test]
    fn of_two_caps_on_the_same_the_lowest_is_kept() {
        let cap =
            |scope: &Scope, per, limit| Cap::new(scope.clone(), per, NanoUsd::from_nanos(limit));
        let (total, coding) = (Scope::Total, class("coding"));
        let spending = Spending::of(
            vec![
                cap(&total, Per::Session, 3),
                cap(&coding, Per::Day, 9),
                cap(&total, Per::Day, 8),
                cap(&coding, Per::Day, 7),
                cap(&coding, Per::Month, 90),
            ],
            Vec::new(),
        );
        let keys: Vec<String> = spending.caps.iter().map(Cap::key).collect();
        assert_eq!(keys, ["class:coding/month", "total/day", "class:coding/day", "session"]);
        assert_eq!(spending.limit(&coding, Per::Day), Some(NanoUsd::from_nanos(7)));
        assert_eq!(spending.limit(&total, Per::Month), None);
        assert!(spending.needs_ledger() && spending.session_caps().len() == 1);
        assert!(!Spending::of(vec![cap(&coding, Per::Session, 1)], Vec::new()).needs_ledger());
    }

    #[test]
    fn a_call_is_limited_by_the_caps_of_its_own_scopes_only() {
        let all = [Scope::Total, provider("openai"), provider("gemini"), class("a"), class("b")];
        let caps = all.map(|scope| Cap::new(scope, Per::Day, NanoUsd::ZERO)).to_vec();
        let spending = Spending::of(caps, Vec::new());
        let (openai, a) = (ProviderName::new("openai").unwrap(), TaskClass::new("a").unwrap());
        let keys: Vec<String> = spending.caps_on(&openai, &a).map(Cap::key).collect();
        assert_eq!(keys, ["total/day", "openai/day", "class:a/day"]);
    }
}
