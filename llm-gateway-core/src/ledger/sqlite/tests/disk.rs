//! Tests of ledgers on disks that are full or may not be written, and of what a call costs on a
//! disk that works.

use rusqlite::Connection;

use crate::ledger::{Hold, HoldRequest, Ledger, Problem, ReserveError, SpendBy, SqliteLedger};
use crate::model::{CostBasis, ModelId, NanoUsd};

use super::super::books::{Books, OF_A_CALL};
use super::super::jobs::Need;
use super::{Place, call, last_day, november, problem};

/// A ledger whose file cannot grow. SQLite then fails as on a full disk.
struct Full {
    place: Place,
    ledger: SqliteLedger,
}

impl Full {
    /// Creates the ledger with holds for `calls` in it.
    async fn with(calls: &[HoldRequest]) -> (Self, Vec<Hold>) {
        let place = Place::new();
        let ledger = SqliteLedger::at(&place.path);
        let holds = ledger.reserve(last_day(), calls, &[]).await.unwrap().holds;
        let full = Self { place, ledger };
        full.run("CREATE TABLE filling AS SELECT zeroblob(200000)");
        // A limit below the current size means the current size.
        let limit = |books: &Books<'_>| {
            books.connection().query_row("PRAGMA max_page_count = 1", [], |_| Ok(()))
        };
        full.ledger.ask(Need::Writing, limit).await.unwrap();
        (full, holds)
    }

    fn make_room(&self) {
        self.run("DROP TABLE filling");
    }

    fn run(&self, sql: &str) {
        Connection::open(&self.place.path).unwrap().execute_batch(sql).unwrap();
    }
}

/// Returns the settled and the held money of the month, and the number of spend rows.
async fn sums(ledger: &SqliteLedger) -> (u64, u64, usize) {
    let spent = ledger.spent(november().into(), SpendBy::Model).await.unwrap();
    (spent.settled.as_nanos(), spent.held.as_nanos(), spent.rows.len())
}

#[tokio::test]
async fn a_full_disk_gives_no_hold_and_works_again_when_there_is_room() {
    let (full, mut held) = Full::with(&[call(10)]).await;
    // These calls need more room than the last page has: all of them are held, or none.
    let many = vec![call(1); 200];
    let unusable = match full.ledger.reserve(last_day(), &many, &[]).await {
        Err(ReserveError::Unusable(unusable)) => unusable,
        other => panic!("{other:?}"),
    };
    assert_eq!(unusable.problem, Problem::DiskFull);
    insta::assert_snapshot!(
        unusable.to_string().replace(&unusable.place, "ledger.db"),
        @"the spend ledger ledger.db has no room to grow: database or disk is full"
    );
    assert!(unusable.hint().contains("make room"), "{}", unusable.hint());
    assert_eq!(sums(&full.ledger).await, (0, 10, 0));
    full.make_room();
    let holds = full.ledger.reserve(last_day(), &many, &[]).await.unwrap().holds;
    assert_eq!(sums(&full.ledger).await, (0, 210, 0));
    drop(holds);
    held.remove(0).settle(NanoUsd::from_nanos(4), CostBasis::Exact).await.unwrap();
    assert_eq!(sums(&full.ledger).await, (4, 0, 1));
}

#[tokio::test]
async fn what_a_full_disk_could_not_book_is_booked_when_there_is_room() {
    // Each call becomes a row of its own when it is settled, so these need another page. Few of the
    // holds end, so their pages stay in use.
    let of_a_model = |index| {
        let mut call = call(10);
        call.target.model = ModelId::new(&format!("{index:0>100}")).unwrap();
        call
    };
    let calls: Vec<_> = (0..480).map(of_a_model).collect();
    let (full, mut holds) = Full::with(&calls).await;
    let mut failed = Vec::new();
    for index in (0..60).rev() {
        let hold = holds.swap_remove(index * 8);
        failed.extend(hold.settle(NanoUsd::from_nanos(4), CostBasis::Exact).await.err());
    }
    assert!(!failed.is_empty() && failed.len() < 60, "{failed:?}");
    assert!(failed.iter().all(|it| it.problem == Problem::DiskFull), "{failed:?}");
    // Until it is written, it counts as held.
    let (other, booked) = (SqliteLedger::at(&full.place.path), 60 - failed.len());
    assert_eq!(sums(&other).await, (4 * booked as u64, 10 * (480 - booked) as u64, booked));
    full.make_room();
    full.ledger.drain().await.unwrap();
    assert_eq!(sums(&full.ledger).await, (240, 4_200, 60));
}

/// Sets the permissions of a folder in which nothing is open, and of what is in it.
#[cfg(unix)]
fn set_modes(state: &std::path::Path, folder: u32, file: u32) {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    set_permissions(state, Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(state).unwrap().map(Result::unwrap) {
        if entry.path().is_file() {
            set_permissions(entry.path(), Permissions::from_mode(file)).unwrap();
        }
    }
    set_permissions(state, Permissions::from_mode(folder)).unwrap();
}

/// Returns whether file permissions have an effect. Root may write whatever they say.
#[cfg(unix)]
fn modes_count(state: &std::path::Path) -> bool {
    set_modes(state, 0o500, 0o400);
    let counts = std::fs::write(state.join("probe"), "").is_err();
    if !counts {
        println!("skipped: this user may write in a folder of mode 0500");
    }
    set_modes(state, 0o700, 0o600);
    counts
}

#[cfg(unix)]
#[tokio::test]
async fn a_ledger_that_may_not_be_written_says_so_and_works_when_it_may() {
    for (folder, file) in [(0o700, 0o400), (0o500, 0o600), (0o500, 0o400)] {
        let place = Place::new();
        let state = place.path.parent().unwrap();
        let before = SqliteLedger::at(&place.path);
        let hold = before.reserve_one(last_day(), call(10), &[]).await.unwrap();
        hold.settle(NanoUsd::from_nanos(4), CostBasis::Exact).await.unwrap();
        // Closing the ledger removes log and index, which could still be written.
        before.crash().await;
        if !modes_count(state) {
            return;
        }
        set_modes(state, folder, file);
        let ledger = SqliteLedger::at(&place.path);
        let unusable = problem(&ledger).await;
        assert_eq!(unusable.problem, Problem::ReadOnly, "{folder:o} {file:o} {unusable}");
        assert!(unusable.hint().contains("writable"), "{}", unusable.hint());
        set_modes(state, 0o700, 0o600);
        assert_eq!(sums(&ledger).await, (4, 0, 1));
    }
}

#[tokio::test]
async fn a_call_finds_its_rows_by_keys_however_many_there_are() {
    let place = Place::new();
    SqliteLedger::at(&place.path).drain().await.unwrap();
    let connection = Connection::open(&place.path).unwrap();
    let mut searches = 0;
    for sql in OF_A_CALL {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nothing = vec![None::<i64>; explain.parameter_count()];
        let steps =
            explain.query_map(rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3));
        for step in steps.unwrap().map(Result::unwrap) {
            assert!(step.starts_with("SEARCH ") && step.contains("PRIMARY KEY"), "{sql}: {step}");
            searches += 1;
        }
    }
    assert_eq!(searches, 2, "the totals and the hold");
}
