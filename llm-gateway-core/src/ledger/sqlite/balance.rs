//! Checks whether the totals that caps are checked against still match the rows that they sum up.
//! Totals and rows are written together, so a difference means that another program changed the
//! file, and a cap would guard nothing.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::model::NanoUsd;

use super::super::month::Month;
use super::super::rule::{LARGEST, Totals};

/// The scope in which every call counts, as the tables write it.
const TOTAL: &str = "total";

/// Describes the first mismatch in `month`, in words for a person. Returns `None` if everything
/// matches.
///
/// It looks at the kept sums and at the open holds, so its cost does not grow with the calls of the
/// month.
pub(super) fn mismatch(connection: &Connection, month: Month) -> rusqlite::Result<Option<String>> {
    for (scope, counted) in counted(connection, month)? {
        let written = written(connection, month, &scope)?;
        let pairs =
            [("settled", written.settled, counted.settled), ("held", written.held, counted.held)];
        for (what, total, rows) in pairs {
            if total != rows {
                return Ok(Some(format!(
                    "in {month} the total of `{scope}` says {total} {what}, and its rows come to {rows}"
                )));
            }
        }
    }
    Ok(None)
}

/// Returns the sums of a month's rows, by the scopes in which they count.
fn counted(connection: &Connection, month: Month) -> rusqlite::Result<BTreeMap<String, Totals>> {
    let mut scopes = BTreeMap::from([(TOTAL.to_owned(), Totals::default())]);
    let month = month.to_string();
    let mut sums = connection
        .prepare_cached("SELECT key, cost FROM sums WHERE month = ?1 AND kind = 'provider'")?;
    let mut sums = sums.query(params![month])?;
    while let Some(row) = sums.next()? {
        let (provider, cost): (String, i64) = (row.get(0)?, row.get(1)?);
        for scope in [TOTAL.to_owned(), format!("provider:{provider}")] {
            scopes.entry(scope).or_default().settle(nanos(cost));
        }
    }
    let mut holds =
        connection.prepare_cached("SELECT amount, scopes FROM holds WHERE month = ?1")?;
    let mut holds = holds.query(params![month])?;
    while let Some(row) = holds.next()? {
        let (amount, counts_in): (i64, String) = (row.get(0)?, row.get(1)?);
        for scope in counts_in.split(' ') {
            scopes.entry(scope.to_owned()).or_default().hold(nanos(amount));
        }
    }
    Ok(scopes)
}

/// Returns the totals of a scope as the table holds them.
fn written(connection: &Connection, month: Month, scope: &str) -> rusqlite::Result<Totals> {
    let mut select = connection
        .prepare_cached("SELECT settled, held FROM totals WHERE month = ?1 AND scope = ?2")?;
    let mut rows = select.query(params![month.to_string(), scope])?;
    match rows.next()? {
        Some(row) => Ok(Totals { settled: nanos(row.get(0)?), held: nanos(row.get(1)?) }),
        None => Ok(Totals::default()),
    }
}

/// Converts a stored total into an amount.
fn nanos(written: i64) -> NanoUsd {
    NanoUsd::from_nanos(u64::try_from(written).unwrap_or(0)).min(LARGEST)
}
