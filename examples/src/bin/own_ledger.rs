//! Counts money in a ledger of the program's own, and checks that it keeps the promises of a
//! ledger.
//!
//!     cargo run --bin own_ledger
//!
//! The ledger is a list in memory. A real one keeps the same list in the program's database, and
//! does what happens under the lock here in one transaction.
#![allow(clippy::print_stdout)] // an example shows its result

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use llm_gateway_core::ledger::{
    Cap, CapRefusal, Day, DroppedHolds, Hold, HoldEnd, HoldRequest, HoldSlot, Ledger, Month,
    Period, PeriodSpend, ReserveError, Reserved, Scope, ScopeTotal, SpendBy, SpentRow,
    UnusableLedger, WriteConfirmation,
};
use llm_gateway_core::model::{CostBasis, NanoUsd};
use llm_gateway_core::testing::ledger::{LedgerProcess, check_ledger};
use llm_gateway_core::{Environment, Gateway, Request};

/// What became of the money of an attempt.
#[derive(Clone, Copy)]
enum Stage {
    Held,
    Settled { cost: NanoUsd, basis: CostBasis },
    Released,
}

/// One attempt: the row of a table.
#[derive(Clone)]
struct Row {
    day: Day,
    attempt: HoldRequest,
    stage: Stage,
}

/// The ledger of a team. Its clones share the rows.
#[derive(Clone, Default)]
struct TeamLedger(Arc<Mutex<Vec<Row>>>);

impl TeamLedger {
    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the total of a scope in a period.
fn total(rows: &[Row], period: Period, scope: &Scope) -> ScopeTotal {
    let mut total = ScopeTotal::new(period, scope.clone(), NanoUsd::ZERO, NanoUsd::ZERO);
    for row in rows.iter().filter(|row| period.contains(row.day)) {
        if !row.attempt.scopes().contains(scope) {
            continue;
        }
        match row.stage {
            Stage::Held => total.held = total.held.saturating_add(row.attempt.amount),
            Stage::Settled { cost, .. } => total.settled = total.settled.saturating_add(cost),
            Stage::Released => {}
        }
    }
    total
}

/// Returns the totals of every scope in which these rows count, in these periods.
fn totals(rows: &[Row], periods: &[Period]) -> Vec<ScopeTotal> {
    let mut scopes: Vec<Scope> = Vec::new();
    for scope in rows.iter().flat_map(|row| row.attempt.scopes()) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let of = |period: &Period| scopes.iter().map(|it| total(rows, *period, it)).collect::<Vec<_>>();
    periods.iter().flat_map(of).collect()
}

#[async_trait]
impl Ledger for TeamLedger {
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let mut rows = self.rows();
        // Each cap is checked against everything that the attempts together ask of its scope.
        let asked_of = |scope: &Scope| {
            let asked = attempts.iter().filter(|attempt| attempt.scopes().contains(scope));
            asked.fold(None, |sum: Option<NanoUsd>, attempt| {
                Some(sum.unwrap_or_default().saturating_add(attempt.amount))
            })
        };
        let refusals = caps.iter().filter_map(|cap| {
            let asked = asked_of(&cap.scope)?;
            cap.check(&total(&rows, Period::of(cap.per, day)?, &cap.scope), asked).err()
        });
        if let Some(refused) = CapRefusal::longest(refusals) {
            return Err(refused.into());
        }
        let hold = |attempt: &HoldRequest| {
            let row = rows.len();
            rows.push(Row { day, attempt: attempt.clone(), stage: Stage::Held });
            Hold::new(attempt.amount, Box::new(Place { ledger: self.clone(), row }))
        };
        Ok(Reserved::new(attempts.iter().map(hold).collect()))
    }

    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        let rows = self.rows();
        let of_period = || rows.iter().filter(|row| period.contains(row.day));
        let calls = of_period().filter_map(|Row { attempt, stage, .. }| {
            let Stage::Settled { cost, basis } = *stage else { return None };
            let key = match by {
                SpendBy::Provider => attempt.target.provider.to_string(),
                SpendBy::Model => attempt.target.model.to_string(),
                _ => attempt.task_class.to_string(),
            };
            Some(SpentRow::of_call(key, cost, basis))
        });
        let mut spent = PeriodSpend::new(period).with_calls(calls);
        spent.held = total(&rows, period, &Scope::Total).held;
        // The report of a day has the totals of its month too.
        spent.scopes = match period {
            Period::Day(day) => totals(&rows, &Period::all_of(day)),
            _ => totals(&rows, &[period]),
        };
        Ok(spent)
    }

    async fn drop_unsettled(&self, _: Month) -> Result<DroppedHolds, UnusableLedger> {
        // The rows end with this process, so no dead process holds any.
        Ok(DroppedHolds::default())
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        // Every end of a hold is booked at once. A ledger with a queue waits for it here.
        Ok(())
    }
}

/// The row in which the end of a hold is booked.
struct Place {
    ledger: TeamLedger,
    row: usize,
}

impl HoldSlot for Place {
    // This is called when a future is dropped too, so it must not wait: a ledger in a database puts
    // the end into a queue without a bound, and a task of its own writes it.
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
        if let Some(row) = self.ledger.rows().get_mut(self.row) {
            row.stage = match end {
                HoldEnd::Settled { cost, basis, .. } => Stage::Settled { cost, basis },
                _ => Stage::Released,
            };
        }
        confirmation.send(Ok(()));
    }
}

const POLICY: &str = "
defaults:
  quick_answer:
    provider: openai
    model: gpt-6-luna
    max_tokens: 1000
    budget: {usd: 0.01, per: day}
";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // In a test of the program:
    check_ledger(async || {
        let ledger = TeamLedger::default();
        move || LedgerProcess::new(Arc::new(ledger.clone()))
    })
    .await?;
    println!("the ledger keeps its promises");

    let gateway = Gateway::builder()
        .policy_yaml(POLICY)
        .environment(Environment::empty().with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db"))
        .ledger(Arc::new(TeamLedger::default()))
        .offline()
        .build()?;
    let answer = gateway.route(Request::new("quick_answer", "What is a ledger?")).await?;
    let spent = gateway.spent(None, SpendBy::Model).await?;
    println!("one answer cost {}", spent.spent.settled);
    assert_eq!(Some(spent.spent.settled), answer.cost.amount);

    // The longer the prompt, the more is set aside, until the budget of the day refuses.
    let long = "Explain. ".repeat(20_000);
    let failure = gateway.route(Request::new("quick_answer", long)).await.err();
    println!("{}", failure.map(|failure| failure.to_string()).unwrap_or_default());
    Ok(())
}
