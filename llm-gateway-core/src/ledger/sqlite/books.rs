//! The tables of the ledger, read and written within one transaction. Sums are computed in Rust,
//! because sums in SQLite become floats when they overflow.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, Params, Row, params};

use crate::model::NanoUsd;

use super::super::day::Day;
use super::super::error::{Problem, ReserveError, UnusableLedger};
use super::super::hold::HoldEnd;
use super::super::hold_request::{HoldRequest, asked};
use super::super::month::Month;
use super::super::period::Period;
use super::super::period_spend::{DroppedHolds, PeriodSpend, SpendBy, SpentRow};
use super::super::rule::{Asked, LARGEST, Rule, Totals};
use super::super::scope::{Scope, ScopeTotal};
use super::balance;
use super::processes::{Locks, ProcessName};

// The statements that run for each call. Each finds its rows by a key, so that a call costs the
// same after ten calls and after ten million. A test checks SQLite's query plans for that.

const TOTALS: &str = "SELECT settled, held FROM totals WHERE period = ?1 AND scope = ?2";
const PUT_TOTALS: &str = "INSERT OR REPLACE INTO totals VALUES (?1, ?2, ?3, ?4)";
const HOLD: &str =
    "INSERT INTO holds (process, month, day, provider, model, task_class, amount, scopes)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const END_HOLD: &str = "DELETE FROM holds WHERE id = ?1 AND process = ?2";
/// The statement that adds a settled call to the spending of a period. `min()` keeps the sum within
/// 63 bits; above them it would become a float.
const BOOK: &str = "INSERT INTO spending VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT DO UPDATE SET
        cost = cost + min(excluded.cost, 9223372036854775807 - cost),
        calls = calls + excluded.calls,
        estimated = estimated + excluded.estimated,
        unknown = unknown + excluded.unknown";

/// The SQL statements that a hold and its end run.
#[cfg(test)]
pub(super) const OF_A_CALL: [&str; 5] = [TOTALS, PUT_TOTALS, HOLD, END_HOLD, BOOK];

/// The tables of the ledger, open for one write transaction.
pub(super) struct Books<'a> {
    connection: &'a Connection,
    locks: &'a Locks,
    name: &'a Arc<ProcessName>,
    /// The periods whose totals were found to match in this transaction.
    sound: RefCell<BTreeSet<Period>>,
}

/// The id of a hold in its ledger file.
pub(super) struct HoldId {
    row: i64,
    name: Arc<ProcessName>,
}

/// The ids of the holds that a reservation wrote, and the totals that it left.
pub(super) struct Booked {
    pub(super) ids: Vec<HoldId>,
    /// The totals that the caps limit, with the holds in them.
    pub(super) totals: Vec<ScopeTotal>,
}

impl<'a> Books<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        locks: &'a Locks,
        name: &'a Arc<ProcessName>,
    ) -> Self {
        Self { connection, locks, name, sound: RefCell::default() }
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        self.connection
    }

    /// Checks `attempts` against `rule`, and sets money aside for all of them or for none.
    pub(super) fn reserve(
        &self,
        rule: &Rule<'_>,
        attempts: &[HoldRequest],
    ) -> rusqlite::Result<Result<Booked, ReserveError>> {
        let day = rule.day;
        for period in Period::all_of(day) {
            if let Err(unbalanced) = self.check_balance(rule.place, period)? {
                return Ok(Err(unbalanced.into()));
            }
        }
        let asked = self.asked(day, attempts)?;
        if let Err(refused) = rule.check(&asked) {
            return self.with_unsettled(refused).map(Err);
        }
        let after = rule.totals(&asked);
        for Asked { period, scope, mut totals, amount } in asked {
            totals.hold(amount);
            self.put(period, &scope.to_string(), totals)?;
        }
        let ids = attempts.iter().map(|attempt| self.insert(day, attempt));
        Ok(Ok(Booked { ids: ids.collect::<Result<_, _>>()?, totals: after }))
    }

    /// Returns what `attempts` ask for in each scope, beside the totals of the day and its month.
    fn asked(&self, day: Day, attempts: &[HoldRequest]) -> rusqlite::Result<Vec<Asked>> {
        let mut beside = Vec::new();
        for (scope, amount) in asked(attempts) {
            for period in Period::all_of(day) {
                let totals = self.totals(period, &scope.to_string())?;
                beside.push(Asked { period, scope: scope.clone(), totals, amount });
            }
        }
        Ok(beside)
    }

    /// Adds to a refusal the money that dead processes hold in its scope and its period.
    fn with_unsettled(&self, error: ReserveError) -> rusqlite::Result<ReserveError> {
        let ReserveError::Refused(refused) = error else { return Ok(error) };
        let Some(period) = refused.period else { return Ok(refused.into()) };
        let unsettled = unsettled(&self.holds(period)?, period, &refused.cap.scope);
        Ok(refused.with_unsettled(unsettled).into())
    }

    fn insert(&self, day: Day, attempt: &HoldRequest) -> rusqlite::Result<HoldId> {
        let scopes: Vec<String> = attempt.scopes().iter().map(Scope::to_string).collect();
        let (provider, model) = (attempt.target.provider.as_str(), attempt.target.model.as_str());
        let row = self.connection.prepare_cached(HOLD)?.insert(params![
            self.name.id,
            day.month().to_string(),
            day.to_string(),
            provider,
            model,
            attempt.task_class.as_str(),
            nanos(attempt.amount),
            scopes.join(" "),
        ])?;
        Ok(HoldId { row, name: Arc::clone(self.name) })
    }

    /// Ends a hold. A cost is booked even if the hold no longer exists, or exists in another file,
    /// which is no longer at the path.
    pub(super) fn close(
        &self,
        id: &HoldId,
        day: Day,
        attempt: &HoldRequest,
        end: HoldEnd,
    ) -> rusqlite::Result<()> {
        let mut delete = self.connection.prepare_cached(END_HOLD)?;
        let is_here = Arc::ptr_eq(&id.name, self.name);
        let was_held = is_here && delete.execute([id.row, id.name.id])? > 0;
        for scope in attempt.scopes() {
            self.change(day, &scope.to_string(), |totals| {
                if was_held {
                    totals.release(attempt.amount);
                }
                if let HoldEnd::Settled { cost, .. } = end {
                    totals.settle(cost);
                }
            })?;
        }
        match end {
            HoldEnd::Settled { cost, basis } => {
                self.book(day, attempt, &SpentRow::of_call("", cost.min(LARGEST), basis))
            }
            HoldEnd::Released => Ok(()),
        }
    }

    fn book(&self, day: Day, attempt: &HoldRequest, row: &SpentRow) -> rusqlite::Result<()> {
        let mut add = self.connection.prepare_cached(BOOK)?;
        let (provider, model) = (attempt.target.provider.as_str(), attempt.target.model.as_str());
        let class = attempt.task_class.as_str();
        let (cost, counts) = (nanos(row.cost), [row.calls, row.estimated, row.unknown]);
        let [calls, estimated, unknown] = counts.map(|count| i64::try_from(count).unwrap_or(0));
        for period in Period::all_of(day) {
            let period = period.to_string();
            add.execute(params![period, provider, model, class, cost, calls, estimated, unknown])?;
        }
        Ok(())
    }

    /// Checks that the totals of a period match its rows, once in a transaction.
    fn check_balance(
        &self,
        place: &str,
        period: Period,
    ) -> rusqlite::Result<Result<(), UnusableLedger>> {
        if self.sound.borrow().contains(&period) {
            return Ok(Ok(()));
        }
        if let Some(detail) = balance::mismatch(self.connection, period)? {
            return Ok(Err(UnusableLedger::new(Problem::Unbalanced, place, detail)));
        }
        self.sound.borrow_mut().insert(period);
        Ok(Ok(()))
    }

    /// Returns what a period has cost, and what is held in it.
    pub(super) fn spent(
        &self,
        place: &str,
        period: Period,
        by: SpendBy,
    ) -> rusqlite::Result<Result<PeriodSpend, UnusableLedger>> {
        for covered in PeriodSpend::covered(period) {
            if let Err(unbalanced) = self.check_balance(place, covered)? {
                return Ok(Err(unbalanced));
            }
        }
        self.period_spend(period, by).map(Ok)
    }

    fn period_spend(&self, period: Period, by: SpendBy) -> rusqlite::Result<PeriodSpend> {
        let sql = "SELECT key, cost, calls, estimated, unknown FROM sums
                   WHERE period = ?1 AND kind = ?2";
        let mut select = self.connection.prepare_cached(sql)?;
        let calls = select.query_map(params![period.to_string(), by.as_str()], |row| {
            let count = |index| row.get(index).map(|count: i64| u64::try_from(count).unwrap_or(0));
            Ok(SpentRow {
                key: row.get(0)?,
                cost: amount(row, 1)?,
                calls: count(2)?,
                estimated: count(3)?,
                unknown: count(4)?,
            })
        })?;
        let calls = calls.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut spent = PeriodSpend::new(period).with_calls(calls);
        let holds = self.holds(period.month().into())?;
        for held in holds.iter().filter(|held| held.periods().contains(&period)) {
            let sum = if held.is_unsettled { &mut spent.unsettled } else { &mut spent.held };
            *sum = sum.saturating_add(held.amount);
        }
        for covered in PeriodSpend::covered(period) {
            let totals = self.scope_totals(covered)?.into_iter().map(|total| {
                let unsettled = unsettled(&holds, covered, &total.scope);
                total.with_unsettled(unsettled)
            });
            spent.scopes.extend(totals);
        }
        Ok(spent)
    }

    /// Returns the totals of a period, in the order of their scopes.
    fn scope_totals(&self, period: Period) -> rusqlite::Result<Vec<ScopeTotal>> {
        let sql = "SELECT scope, settled, held FROM totals WHERE period = ?1";
        let totals = self.rows(sql, [period.to_string()], |row| {
            let scope = Scope::read(&row.get::<_, String>(0)?);
            let totals = Totals { settled: amount(row, 1)?, held: amount(row, 2)? };
            Ok(scope.map(|scope| totals.of(period, &scope)))
        })?;
        let mut totals: Vec<_> = totals.into_iter().flatten().collect();
        totals.sort_by(|one, other| one.scope.cmp(&other.scope));
        Ok(totals)
    }

    /// Releases the holds of dead processes in `month`, and in its days.
    pub(super) fn drop_unsettled(
        &self,
        place: &str,
        month: Month,
    ) -> rusqlite::Result<Result<DroppedHolds, UnusableLedger>> {
        let unsettled = self.holds(month.into())?.into_iter().filter(|held| held.is_unsettled);
        let unsettled: Vec<_> = unsettled.collect();
        let days = unsettled.iter().flat_map(HoldRow::periods);
        for period in days.chain([month.into()]).collect::<BTreeSet<_>>() {
            if let Err(unbalanced) = self.check_balance(place, period)? {
                return Ok(Err(unbalanced));
            }
        }
        let mut dropped = DroppedHolds::default();
        for held in unsettled {
            self.connection.execute("DELETE FROM holds WHERE id = ?1", [held.id])?;
            for scope in held.scopes.split(' ') {
                for period in held.periods() {
                    self.change_in(period, scope, |totals| totals.release(held.amount))?;
                }
            }
            dropped.add(held.amount);
        }
        self.locks.remove_ended(self.connection)?;
        Ok(Ok(dropped))
    }

    /// Returns the open holds that count in a period.
    fn holds(&self, period: Period) -> rusqlite::Result<Vec<HoldRow>> {
        let mut ended: BTreeMap<i64, bool> = BTreeMap::new();
        let month = period.month();
        let sql = "SELECT id, process, amount, scopes, day FROM holds
                   WHERE month = ?1 AND (?2 = '' OR day = ?2)";
        self.rows(sql, balance::month_and_day(period), |row| {
            let process = row.get(1)?;
            let is_unsettled = *ended
                .entry(process)
                .or_insert_with(|| self.locks.has_ended(self.connection, process));
            Ok(HoldRow {
                id: row.get(0)?,
                month,
                day: Day::parse(&row.get::<_, String>(4)?).ok(),
                amount: amount(row, 2)?,
                scopes: row.get(3)?,
                is_unsettled,
            })
        })
    }

    fn totals(&self, period: Period, scope: &str) -> rusqlite::Result<Totals> {
        let mut select = self.connection.prepare_cached(TOTALS)?;
        let mut rows = select.query(params![period.to_string(), scope])?;
        match rows.next()? {
            Some(row) => Ok(Totals { settled: amount(row, 0)?, held: amount(row, 1)? }),
            None => Ok(Totals::default()),
        }
    }

    /// Changes the totals of a scope in a day and in its month.
    fn change(&self, day: Day, scope: &str, change: impl Fn(&mut Totals)) -> rusqlite::Result<()> {
        Period::all_of(day)
            .into_iter()
            .try_for_each(|period| self.change_in(period, scope, &change))
    }

    fn change_in(
        &self,
        period: Period,
        scope: &str,
        change: impl Fn(&mut Totals),
    ) -> rusqlite::Result<()> {
        let mut totals = self.totals(period, scope)?;
        change(&mut totals);
        self.put(period, scope, totals)
    }

    fn put(&self, period: Period, scope: &str, totals: Totals) -> rusqlite::Result<()> {
        let mut put = self.connection.prepare_cached(PUT_TOTALS)?;
        let (settled, held) = (nanos(totals.settled), nanos(totals.held));
        put.execute(params![period.to_string(), scope, settled, held]).map(drop)
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map(values, read)?.collect()
    }
}

/// A row of the ledger's table of holds.
struct HoldRow {
    id: i64,
    month: Month,
    /// Day in which the hold was made; `None` if a version that knew no days made it.
    day: Option<Day>,
    amount: NanoUsd,
    scopes: String,
    is_unsettled: bool,
}

impl HoldRow {
    /// Returns the periods in which the hold counts: its month, and its day where that is known.
    fn periods(&self) -> Vec<Period> {
        self.day.map(Period::Day).into_iter().chain([Period::Month(self.month)]).collect()
    }
}

/// Returns what dead processes hold in a scope and a period, of these open holds.
fn unsettled(holds: &[HoldRow], period: Period, scope: &Scope) -> NanoUsd {
    let scope = scope.to_string();
    let dead = holds.iter().filter(|held| held.is_unsettled && held.periods().contains(&period));
    let dead = dead.filter(|held| held.scopes.split(' ').any(|it| it == scope));
    dead.fold(NanoUsd::ZERO, |sum, held| sum.saturating_add(held.amount))
}

/// Returns an amount as SQLite stores it: in signed 64 bits, which no checked sum exceeds.
fn nanos(amount: NanoUsd) -> i64 {
    i64::try_from(amount.as_nanos()).unwrap_or(i64::MAX)
}

/// Reads an amount from a column.
fn amount(row: &Row<'_>, column: usize) -> rusqlite::Result<NanoUsd> {
    let nanos: i64 = row.get(column)?;
    let nanos = u64::try_from(nanos);
    nanos.map(NanoUsd::from_nanos).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, 0))
}
