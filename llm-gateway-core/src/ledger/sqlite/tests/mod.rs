//! Tests of what can only happen to a ledger file: it is locked, damaged, another program's, or
//! readable by others.

mod disk;
mod edges;
mod kill;
#[cfg(unix)]
mod moved;
mod versions;

use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::error::{Category, Error};
use crate::ledger::{
    Day, HoldRequest, Ledger, Month, Problem, ReserveError, SpendBy, SqliteLedger, UnusableLedger,
};
use crate::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};

use super::books::Books;
use super::jobs::Job;

/// The job that ends the ledger's thread in the middle of a transaction, as `kill -9` would.
struct Crash;

impl Job for Crash {
    fn run(&mut self, _: &Books<'_>) -> rusqlite::Result<()> {
        std::panic::resume_unwind(Box::new("crash"))
    }

    fn answer(self: Box<Self>, _: Result<(), UnusableLedger>) -> Option<Box<dyn Job>> {
        None
    }
}

impl SqliteLedger {
    /// Ends the ledger as `kill -9` would, and waits until its lock is free.
    pub(in crate::ledger) async fn crash(self) {
        while self.queue().jobs.send(Box::new(Crash)).is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

struct Place {
    folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/ledger.db");
        Self { folder, path }
    }

    /// Creates the ledger's folder with a database in it that `sql` made.
    fn with(sql: &str) -> Self {
        let place = Self::new();
        std::fs::create_dir(place.folder.path().join("state")).unwrap();
        Connection::open(&place.path).unwrap().execute_batch(sql).unwrap();
        place
    }

    fn ledger(&self) -> SqliteLedger {
        SqliteLedger::with_patience(&self.path, 3)
    }

    fn locks(&self) -> PathBuf {
        self.folder.path().join("state/ledger.db-locks")
    }
}

/// Returns the last day of [`november`], on which the tests make their holds.
fn last_day() -> Day {
    Day::parse("2026-11-30").unwrap()
}

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn call(nanos: u64) -> HoldRequest {
    let target = Target::new(ProviderName::new("openai").unwrap(), ModelId::new("m").unwrap());
    HoldRequest::new(target, TaskClass::new("c").unwrap(), NanoUsd::from_nanos(nanos))
}

/// Asks the ledger for money, and returns the problem that it must have.
async fn problem(ledger: &SqliteLedger) -> UnusableLedger {
    match ledger.reserve_one(last_day(), call(1), &[]).await {
        Err(ReserveError::Unusable(unusable)) => unusable,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ledger_of_a_newer_version_is_left_alone() {
    let place = Place::with("PRAGMA application_id = 0x6c6c6777; PRAGMA user_version = 99");
    let unusable = problem(&place.ledger()).await;
    assert_eq!(unusable.problem, Problem::Newer);
    assert!(unusable.to_string().contains(&unusable.place), "{unusable}");
    assert!(unusable.detail.contains("version 99"), "{unusable}");
    let error = Error::from(unusable);
    assert_eq!((error.category(), error.hint().is_some()), (Category::Ledger, true));
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    let place = Place::with("CREATE TABLE bookmarks (url TEXT)");
    let before = std::fs::read(&place.path).unwrap();
    assert_eq!(problem(&place.ledger()).await.problem, Problem::Foreign);
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_ledger_says_so() {
    let place = Place::with("");
    std::fs::write(&place.path, "no database at all, but long enough to look at").unwrap();
    assert_eq!(problem(&place.ledger()).await.problem, Problem::Corrupt);
    let place = Place::with("PRAGMA application_id = 0x6c6c6777; PRAGMA user_version = 1");
    assert_eq!(problem(&place.ledger()).await.problem, Problem::Corrupt);
}

#[tokio::test]
async fn a_place_that_cannot_hold_a_file_says_so() {
    let place = Place::new();
    std::fs::create_dir_all(&place.path).unwrap();
    assert_eq!(problem(&place.ledger()).await.problem, Problem::Unreachable);
    let below_a_file = place.folder.path().join("file");
    std::fs::write(&below_a_file, "").unwrap();
    let ledger = SqliteLedger::at(below_a_file.join("ledger.db"));
    assert_eq!(problem(&ledger).await.problem, Problem::Unreachable);
}

#[tokio::test]
async fn a_locked_ledger_says_so_and_works_when_it_is_free() {
    let place = Place::new();
    let ledger = place.ledger();
    let mut hold = ledger.reserve_one(last_day(), call(10), &[]).await.unwrap();
    hold.sent();
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(problem(&ledger).await.problem, Problem::Locked);
    let settled = hold.settle(NanoUsd::from_nanos(4), CostBasis::Exact).await;
    assert_eq!(settled.unwrap_err().problem, Problem::Locked);
    assert_eq!(ledger.drain().await.unwrap_err().problem, Problem::Locked);
    assert_eq!(problem(&place.ledger()).await.problem, Problem::Locked);
    other.execute_batch("ROLLBACK").unwrap();
    // What could not be written before is written now.
    let spent = ledger.spent(november().into(), SpendBy::Model).await.unwrap();
    assert_eq!((spent.settled.as_nanos(), spent.held.as_nanos()), (4, 0));
}

#[tokio::test]
async fn a_ledger_that_was_mended_works_without_a_restart() {
    let place = Place::with("CREATE TABLE bookmarks (url TEXT)");
    let ledger = place.ledger();
    problem(&ledger).await;
    std::fs::remove_file(&place.path).unwrap();
    assert!(ledger.reserve_one(last_day(), call(1), &[]).await.is_ok());
}

#[tokio::test]
async fn a_ledger_that_others_create_at_the_same_time_is_no_stranger() {
    for _ in 0..20 {
        let place = Place::new();
        let ledgers: Vec<_> = (0..8).map(|_| SqliteLedger::at(&place.path)).collect();
        for opened in futures_util::future::join_all(ledgers.iter().map(|it| it.drain())).await {
            opened.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_spent_outlives_the_process_and_its_name_does_not() {
    let place = Place::new();
    let ledger = SqliteLedger::at(&place.path);
    let hold = ledger.reserve_one(last_day(), call(10), &[]).await.unwrap();
    hold.settle(NanoUsd::from_nanos(4), CostBasis::Exact).await.unwrap();
    drop(ledger);
    // The ledger waits for the one that is closing, however slow the disk is.
    let next = SqliteLedger::at(&place.path);
    assert_eq!(next.spent(november().into(), SpendBy::Model).await.unwrap().settled.as_nanos(), 4);
    let count = || {
        Connection::open(&place.path)
            .unwrap()
            .query_row("SELECT count(*) FROM processes", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    // Whoever only reads registers under no name.
    while count() > 0 {
        tokio::task::yield_now().await;
    }
    let locks = std::fs::read_dir(place.locks()).unwrap();
    assert_eq!(locks.count(), 0);
}

#[tokio::test]
async fn a_process_that_holds_nothing_leaves_no_trace_when_it_dies() {
    let place = Place::new();
    let ledger = place.ledger();
    ledger.drain().await.unwrap();
    ledger.crash().await;
    place.ledger().drain().await.unwrap();
    let locks = std::fs::read_dir(place.locks()).unwrap();
    assert!(locks.count() <= 1);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let ledger = place.ledger();
    ledger.drain().await.unwrap();
    let mut open = vec![place.folder.path().join("state")];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", path.display());
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        seen += 1;
    }
    assert!(seen >= 6, "folder, file, wal, shm, locks, lock");
}

#[cfg(unix)]
#[tokio::test]
async fn two_ways_to_one_file_lead_to_the_same_locks() {
    let place = Place::new();
    let ledger = place.ledger();
    let _hold = ledger.reserve_one(last_day(), call(10), &[]).await.unwrap();
    let link = place.folder.path().join("link.db");
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    let other = SqliteLedger::at(&link);
    assert_eq!(other.drop_unsettled(november()).await.unwrap().holds, 0);
    assert_eq!(other.spent(november().into(), SpendBy::Model).await.unwrap().held.as_nanos(), 10);
}
