//! Checks whether the totals that caps are checked against still match the rows that they sum up.
//! Totals and rows are written together, so a difference means that another program changed the
//! file, and a cap would guard nothing.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::model::NanoUsd;

use super::super::period::Period;
use super::super::rule::{LARGEST, Totals};

/// The scope in which every call counts, as the tables write it.
const TOTAL_SCOPE: &str = "total";

/// Describes the first mismatch in `period`, in words for a person. Returns `None` if everything
/// matches.
///
/// It looks at the kept sums and at the open holds, so its cost does not grow with the calls of the
/// period.
pub(super) fn mismatch(
    connection: &Connection,
    period: Period,
) -> rusqlite::Result<Option<String>> {
    let written = written(connection, period)?;
    for (scope, counted) in counted(connection, period)? {
        let written = written.get(&scope).copied().unwrap_or_default();
        let pairs =
            [("settled", written.settled, counted.settled), ("held", written.held, counted.held)];
        for (what, total, rows) in pairs {
            if total != rows {
                return Ok(Some(format!(
                    "in {period} the total of `{scope}` says {total} {what}, and its rows come to {rows}"
                )));
            }
        }
    }
    Ok(None)
}

/// Returns the sums of a period's rows, by the scopes in which they count.
fn counted(connection: &Connection, period: Period) -> rusqlite::Result<BTreeMap<String, Totals>> {
    let mut scopes = BTreeMap::from([(TOTAL_SCOPE.to_owned(), Totals::default())]);
    settled(connection, period, &mut scopes)?;
    held(connection, period, &mut scopes)?;
    Ok(scopes)
}

/// Adds the settled calls of a period to the scopes in which they count.
fn settled(
    connection: &Connection,
    period: Period,
    scopes: &mut BTreeMap<String, Totals>,
) -> rusqlite::Result<()> {
    let mut sums = connection.prepare_cached(
        "SELECT kind, key, cost FROM sums WHERE period = ?1 AND kind IN ('provider', 'task_class')",
    )?;
    let mut sums = sums.query(params![period.to_string()])?;
    while let Some(row) = sums.next()? {
        let (kind, key, cost): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut add = |scope| scopes.entry(scope).or_default().settle(nanos(cost));
        match &*kind {
            "provider" => {
                add(format!("provider:{key}"));
                add(TOTAL_SCOPE.to_owned());
            }
            _ => add(format!("class:{key}")),
        }
    }
    Ok(())
}

/// Adds the open holds of a period to the scopes in which they count.
fn held(
    connection: &Connection,
    period: Period,
    scopes: &mut BTreeMap<String, Totals>,
) -> rusqlite::Result<()> {
    let sql = "SELECT amount, scopes FROM holds WHERE month = ?1 AND (?2 = '' OR day = ?2)";
    let mut holds = connection.prepare_cached(sql)?;
    let mut holds = holds.query(month_and_day(period))?;
    while let Some(row) = holds.next()? {
        let (amount, counts_in): (i64, String) = (row.get(0)?, row.get(1)?);
        for scope in counts_in.split(' ') {
            scopes.entry(scope.to_owned()).or_default().hold(nanos(amount));
        }
    }
    Ok(())
}

/// Returns the month and the day by which statements select the holds of a period. The day is empty
/// for a month, whose holds are those of any day.
pub(super) fn month_and_day(period: Period) -> [String; 2] {
    let day = match period {
        Period::Day(day) => day.to_string(),
        Period::Month(_) => String::new(),
    };
    [period.month().to_string(), day]
}

/// Returns the totals of a period as the table holds them, by scope.
fn written(connection: &Connection, period: Period) -> rusqlite::Result<BTreeMap<String, Totals>> {
    let mut select =
        connection.prepare_cached("SELECT scope, settled, held FROM totals WHERE period = ?1")?;
    let totals = select.query_map(params![period.to_string()], |row| {
        Ok((row.get(0)?, Totals { settled: nanos(row.get(1)?), held: nanos(row.get(2)?) }))
    })?;
    totals.collect()
}

/// Converts a stored total into an amount.
fn nanos(written: i64) -> NanoUsd {
    NanoUsd::from_nanos(u64::try_from(written).unwrap_or(0)).min(LARGEST)
}
