//! A ledger in memory: for tests, and for caps without a file. Its contents end with the process.
//!
//! This ledger answers at once and without a thread, so that a test with a paused clock can use it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::model::{NanoUsd, Target, TaskClass};

use super::Ledger;
use super::cap::Cap;
use super::day::Day;
use super::error::{ReserveError, UnusableLedger};
use super::hold::{Hold, HoldEnd, HoldSlot, WriteConfirmation};
use super::hold_request::{HoldRequest, asked};
use super::month::Month;
use super::period::Period;
use super::period_spend::{DroppedHolds, PeriodSpend, SpendBy, SpentRow};
use super::reserved::Reserved;
use super::rule::{Asked, Rule, Totals};
use super::scope::Scope;

/// A ledger in memory. Its clones share what they count.
#[derive(Clone, Default)]
pub struct MemoryLedger {
    books: Arc<Mutex<Books>>,
    /// Number of the process that this ledger stands for; see
    /// [`another_process`](Self::another_process).
    process: u64,
}

/// The contents of a ledger in memory, as an SQLite file would hold them.
#[derive(Default)]
struct Books {
    totals: BTreeMap<(Period, Scope), Totals>,
    spending: BTreeMap<(Day, Target, TaskClass), SpentRow>,
    holds: BTreeMap<u64, MemoryHold>,
    last_hold: u64,
    last_process: u64,
    dead: BTreeSet<u64>,
}

/// A hold in a ledger in memory that has not ended.
struct MemoryHold {
    process: u64,
    day: Day,
    attempt: HoldRequest,
}

impl MemoryLedger {
    /// Creates an empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a ledger that shares the contents of this one as another process would. It is meant
    /// for tests of what happens when one of several processes dies.
    #[must_use]
    pub fn another_process(&self) -> Self {
        let mut books = lock(&self.books);
        books.last_process += 1;
        Self { books: Arc::clone(&self.books), process: books.last_process }
    }

    /// Ends the process that this ledger stands for as `kill -9` would: its holds stay, and nothing
    /// that they report from now on is booked.
    pub fn crash(&self) {
        lock(&self.books).dead.insert(self.process);
    }
}

/// Locks the contents of a ledger in memory. A panic cannot leave them half-written: nothing
/// between two changes can panic.
fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for MemoryLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLedger").field("process", &self.process).finish_non_exhaustive()
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let mut books = lock(&self.books);
        let (rule, asked) = (Rule { place: "in memory", day, caps }, books.asked(day, attempts));
        rule.check(&asked).map_err(|refused| books.explained(refused))?;
        let hold = |attempt: &HoldRequest| {
            let id = books.hold(self.process, day, attempt);
            let (shared, process) = (Arc::clone(&self.books), self.process);
            let slot = MemorySlot { books: shared, process, id, day, attempt: attempt.clone() };
            Hold::new(attempt.amount, Box::new(slot))
        };
        let holds = attempts.iter().map(hold).collect();
        Ok(Reserved::new(holds).with_totals(rule.totals(&asked)))
    }

    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        Ok(lock(&self.books).spent(period, by))
    }

    async fn drop_unsettled(&self, month: Month) -> Result<DroppedHolds, UnusableLedger> {
        Ok(lock(&self.books).drop_unsettled(month))
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        Ok(())
    }

    fn needs_isolation(&self) -> bool {
        false
    }
}

impl Books {
    /// Returns what `attempts` ask for in each scope, beside the totals of the day and its month.
    fn asked(&self, day: Day, attempts: &[HoldRequest]) -> Vec<Asked> {
        let asked = asked(attempts).into_iter().flat_map(|(scope, amount)| {
            Period::all_of(day).map(|period| {
                let totals = self.totals.get(&(period, scope.clone())).copied().unwrap_or_default();
                Asked { period, scope: scope.clone(), totals, amount }
            })
        });
        asked.collect()
    }

    fn hold(&mut self, process: u64, day: Day, attempt: &HoldRequest) -> u64 {
        self.each_total(day, attempt, |total| total.hold(attempt.amount));
        self.last_hold += 1;
        self.holds.insert(self.last_hold, MemoryHold { process, day, attempt: attempt.clone() });
        self.last_hold
    }

    /// Adds to a refusal the money that dead processes hold in its scope and its period.
    fn explained(&self, error: ReserveError) -> ReserveError {
        let ReserveError::Refused(refused) = error else { return error };
        let Some(period) = refused.period else { return refused.into() };
        let unsettled = self.unsettled(period, &refused.cap.scope);
        refused.with_unsettled(unsettled).into()
    }

    /// Returns what dead processes hold in a scope and a period.
    fn unsettled(&self, period: Period, scope: &Scope) -> NanoUsd {
        let dead = self.holds.values().filter(|held| {
            period.contains(held.day)
                && self.dead.contains(&held.process)
                && held.attempt.scopes().contains(scope)
        });
        dead.fold(NanoUsd::ZERO, |sum, held| sum.saturating_add(held.attempt.amount))
    }

    fn close(&mut self, slot: &MemorySlot, end: HoldEnd) {
        let MemorySlot { process, id, day, ref attempt, .. } = *slot;
        if self.dead.contains(&process) {
            return;
        }
        if self.holds.remove(&id).is_some() {
            self.each_total(day, attempt, |total| total.release(attempt.amount));
        }
        if let HoldEnd::Settled { cost, basis } = end {
            self.each_total(day, attempt, |total| total.settle(cost));
            let key = (day, attempt.target.clone(), attempt.task_class.clone());
            self.spending.entry(key).or_default().add(&SpentRow::of_call("", cost, basis));
        }
    }

    fn each_total(&mut self, day: Day, attempt: &HoldRequest, change: impl Fn(&mut Totals)) {
        for scope in attempt.scopes() {
            for period in Period::all_of(day) {
                change(self.totals.entry((period, scope.clone())).or_default());
            }
        }
    }

    fn spent(&self, period: Period, by: SpendBy) -> PeriodSpend {
        let calls = self.spending.iter().filter(|((day, ..), _)| period.contains(*day));
        let mut spent =
            PeriodSpend::new(period).with_calls(calls.map(|((_, target, class), row)| {
                let key = match by {
                    SpendBy::Provider => target.provider.to_string(),
                    SpendBy::Model => target.model.to_string(),
                    SpendBy::TaskClass => class.to_string(),
                };
                SpentRow { key, ..row.clone() }
            }));
        for held in self.holds.values().filter(|held| period.contains(held.day)) {
            let dead = self.dead.contains(&held.process);
            let sum = if dead { &mut spent.unsettled } else { &mut spent.held };
            *sum = sum.saturating_add(held.attempt.amount);
        }
        let covered = PeriodSpend::covered(period);
        let totals = self.totals.iter().filter(|((of, _), _)| covered.contains(of));
        let total = |((of, scope), totals): (&(Period, Scope), &Totals)| {
            totals.of(*of, scope).with_unsettled(self.unsettled(*of, scope))
        };
        spent.scopes = totals.map(total).collect();
        spent
    }

    fn drop_unsettled(&mut self, month: Month) -> DroppedHolds {
        let is_unsettled =
            |held: &MemoryHold| held.day.month() == month && self.dead.contains(&held.process);
        let (unsettled, others) = std::mem::take(&mut self.holds)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, held)| is_unsettled(held));
        self.holds = others;
        let mut dropped = DroppedHolds::default();
        for held in unsettled.into_values() {
            self.each_total(held.day, &held.attempt, |total| total.release(held.attempt.amount));
            dropped.add(held.attempt.amount);
        }
        dropped
    }
}

/// The slot of one hold in a ledger in memory.
struct MemorySlot {
    books: Arc<Mutex<Books>>,
    process: u64,
    id: u64,
    day: Day,
    attempt: HoldRequest,
}

impl HoldSlot for MemorySlot {
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
        lock(&self.books).close(&self, end);
        confirmation.send(Ok(()));
    }
}
