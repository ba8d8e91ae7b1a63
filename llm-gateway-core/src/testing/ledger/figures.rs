//! The words in which promises are written: days, calls, caps, and what is compared.

use std::fmt::Debug;

use crate::ledger::{
    Cap, CapRefusal, Day, Hold, HoldRequest, Ledger, Per, Period, PeriodSpend, ReserveError, Scope,
    SpendBy,
};
use crate::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};

/// The result of checking one promise: what was found in place of what was promised.
pub(super) type Kept = Result<(), String>;

/// Returns an amount of this many nano-dollars.
pub(super) fn nanos(nanos: u64) -> NanoUsd {
    NanoUsd::from_nanos(nanos)
}

/// Reads a date such as `2026-11-30`.
pub(super) fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).map_err(|error| error.to_string())
}

/// Returns the scope of a provider.
pub(super) fn provider(name: &str) -> Result<Scope, String> {
    ProviderName::new(name).map(Scope::Provider).map_err(|error| error.to_string())
}

/// Returns the scope of a task class.
pub(super) fn class(name: &str) -> Result<Scope, String> {
    TaskClass::new(name).map(Scope::Class).map_err(|error| error.to_string())
}

/// Returns the request for a call to the model `m` of a provider for a task class.
pub(super) fn call(name: &str, class: &str, amount: u64) -> Result<HoldRequest, String> {
    call_of(name, "m", class, amount)
}

/// Returns the request for a call to a model of a provider for a task class.
pub(super) fn call_of(
    name: &str,
    model: &str,
    class: &str,
    amount: u64,
) -> Result<HoldRequest, String> {
    let name = ProviderName::new(name).map_err(|error| error.to_string())?;
    let model = ModelId::new(model).map_err(|error| error.to_string())?;
    let class = TaskClass::new(class).map_err(|error| error.to_string())?;
    Ok(HoldRequest::new(Target::new(name, model), class, nanos(amount)))
}

/// Returns a monthly cap on everything.
pub(super) fn monthly(limit: u64) -> Cap {
    Cap::new(Scope::Total, Per::Month, nanos(limit))
}

/// Sets money aside for one attempt, which must be allowed.
pub(super) async fn held(
    ledger: &dyn Ledger,
    on: Day,
    attempt: HoldRequest,
    caps: &[Cap],
) -> Result<Hold, String> {
    let asked = told([&attempt]);
    let hold = ledger.reserve_one(on, attempt, caps).await;
    hold.map_err(|error| format!("{asked} is refused: {error}"))
}

/// Returns the refusal of attempts, which must not be allowed.
pub(super) async fn refused(
    ledger: &dyn Ledger,
    on: Day,
    attempts: &[HoldRequest],
    caps: &[Cap],
) -> Result<CapRefusal, String> {
    match ledger.reserve(on, attempts, caps).await {
        Err(ReserveError::Refused(refused)) => Ok(refused),
        Err(other) => Err(format!("`ReserveError::Refused` was expected: {other}")),
        Ok(_) => {
            let caps: Vec<_> = caps.iter().map(|cap| format!("the {cap}")).collect();
            Err(format!("{} passes {}", told(attempts), caps.join(" and ")))
        }
    }
}

/// Returns attempts in words.
fn told<'a>(attempts: impl IntoIterator<Item = &'a HoldRequest>) -> String {
    let told = |attempt: &HoldRequest| {
        let HoldRequest { target, task_class, amount } = attempt;
        format!("a call to {target} for `{task_class}` that may cost {amount}")
    };
    attempts.into_iter().map(told).collect::<Vec<_>>().join(" and ")
}

/// Settles a hold at a cost that is exact.
pub(super) async fn settle(hold: Hold, cost: u64) -> Kept {
    let settled = hold.settle(nanos(cost), CostBasis::Exact).await;
    settled.map_err(|error| format!("a settlement fails: {error}"))
}

/// Makes a call that costs `cost` and is not capped.
pub(super) async fn spend(ledger: &dyn Ledger, on: Day, attempt: HoldRequest, cost: u64) -> Kept {
    let mut hold = held(ledger, on, attempt, &[]).await?;
    hold.sent();
    settle(hold, cost).await
}

/// Returns the report of a period by provider, once everything is written.
pub(super) async fn report(
    ledger: &dyn Ledger,
    period: impl Into<Period>,
) -> Result<PeriodSpend, String> {
    ledger.drain().await.map_err(|error| format!("`drain` fails: {error}"))?;
    let spent = ledger.spent(period.into(), SpendBy::Provider).await;
    spent.map_err(|error| format!("`spent` fails: {error}"))
}

/// Checks the settled and the held sum of a period.
pub(super) async fn has_sums(
    ledger: &dyn Ledger,
    period: impl Into<Period>,
    [settled, held]: [u64; 2],
) -> Kept {
    let spent = report(ledger, period).await?;
    same(&format!("the settled sum of {}", spent.period), spent.settled, nanos(settled))?;
    same(&format!("the held sum of {}", spent.period), spent.held, nanos(held))
}

/// Checks that two values are the same.
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, promised: T) -> Kept {
    match found == promised {
        true => Ok(()),
        false => Err(format!("{what} is {found:?}, not {promised:?}")),
    }
}
