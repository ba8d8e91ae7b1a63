//! Tests of what people do to a ledger file: they copy it, link it, put its parts back, empty it,
//! edit it, or keep it locked while somebody asks for a report.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use crate::error::{Category, Error};
use crate::ledger::{
    Cap, Hold, Ledger, Per, Period, Problem, ReserveError, Scope, SpendBy, SqliteLedger,
    UnusableLedger,
};
use crate::model::{CostBasis, NanoUsd};

use super::{Place, call, last_day, november, problem};

const CAP: u64 = 100;

async fn ask(ledger: &SqliteLedger, nanos: u64) -> Result<Hold, ReserveError> {
    let caps = [Cap::new(Scope::Total, Per::Month, NanoUsd::from_nanos(CAP))];
    ledger.reserve_one(last_day(), call(nanos), &caps).await
}

async fn spend(ledger: &SqliteLedger, nanos: u64) {
    let hold = ask(ledger, nanos).await.unwrap();
    hold.settle(NanoUsd::from_nanos(nanos), CostBasis::Exact).await.unwrap();
}

/// Returns the settled, held and unsettled money of the month.
async fn sums(ledger: &SqliteLedger) -> Result<[u64; 3], UnusableLedger> {
    let spent = ledger.spent(november().into(), SpendBy::Provider).await?;
    Ok([spent.settled, spent.held, spent.unsettled].map(NanoUsd::as_nanos))
}

/// Copies the file of a ledger alone, as a backup does, and returns the sums in the copy.
async fn copied(place: &Place) -> [u64; 3] {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&place.path, &copy).unwrap();
    sums(&SqliteLedger::at(copy)).await.unwrap()
}

fn run(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_copy_of_the_one_file_is_whole_after_a_clean_end() {
    let place = Place::new();
    let ledger = place.ledger();
    for cost in [30, 20, 10] {
        spend(&ledger, cost).await;
    }
    ledger.drain().await.unwrap();
    // The process ends here, without time for anything more.
    assert_eq!(copied(&place).await, [60, 0, 0]);
    ledger.crash().await;
    assert_eq!(copied(&place).await, [60, 0, 0]);
}

#[tokio::test]
async fn a_copy_is_whole_once_nobody_has_asked_for_a_while() {
    let place = Place::new();
    let ledger = place.ledger();
    let _open = ask(&ledger, 5).await.unwrap();
    spend(&ledger, 30).await;
    let begun = Instant::now();
    loop {
        let [settled, held, unsettled] = copied(&place).await;
        // Of a copy without its locks nobody knows whether the process lives.
        if [settled, held + unsettled] == [30, 5] {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_process_that_was_killed_left_a_log_that_the_next_one_folds_in() {
    for reads_only in [false, true] {
        let place = Place::new();
        let dead = place.ledger();
        spend(&dead, 30).await;
        // Its connection stays open, as no end of `kill -9` would fold it in.
        let next = place.ledger();
        match reads_only {
            true => drop(sums(&next).await.unwrap()),
            false => next.drain().await.unwrap(),
        }
        next.drain().await.unwrap();
        assert_eq!(copied(&place).await, [30, 0, 0]);
        drop(dead);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_with_two_names_is_refused_under_each_until_one_is_gone() {
    let place = Place::new();
    let (ledger, other) = (place.ledger(), place.folder.path().join("other.db"));
    spend(&ledger, 10).await;
    std::fs::hard_link(&place.path, &other).unwrap();
    for refused in [&ledger, &place.ledger(), &SqliteLedger::at(&other)] {
        let unusable = problem(refused).await;
        assert_eq!(unusable.problem, Problem::SeveralNames);
        assert!(unusable.hint().contains("other name"), "{}", unusable.hint());
        assert_eq!(Error::from(unusable).category(), Category::Ledger);
        assert_eq!(sums(refused).await.unwrap_err().problem, Problem::SeveralNames);
    }
    std::fs::remove_file(&other).unwrap();
    spend(&ledger, 10).await;
    assert_eq!(sums(&ledger).await.unwrap(), [20, 0, 0]);
}

/// Changes lock files in a way in which people and their tools do. No such change ends a process.
fn replace_locks(place: &Place, how: &str) {
    let locks = place.locks();
    let aside = place.folder.path().join("aside");
    let names = || std::fs::read_dir(&locks).unwrap().map(|entry| entry.unwrap().path());
    match how {
        "copied and moved" => names().for_each(|lock| {
            std::fs::copy(&lock, &aside).unwrap();
            std::fs::rename(&aside, &lock).unwrap();
        }),
        "removed and made anew" => names().for_each(|lock| {
            std::fs::remove_file(&lock).unwrap();
            std::fs::write(&lock, "").unwrap();
        }),
        "overwritten" => names().for_each(|lock| std::fs::write(&lock, "restored").unwrap()),
        "a folder put back" => {
            std::fs::rename(&locks, &aside).unwrap();
            std::fs::create_dir(&locks).unwrap();
            for entry in std::fs::read_dir(&aside).unwrap() {
                let entry = entry.unwrap();
                std::fs::copy(entry.path(), locks.join(entry.file_name())).unwrap();
            }
        }
        "a link to another file" => names().for_each(|lock| {
            std::fs::write(&aside, "").unwrap();
            std::fs::remove_file(&lock).unwrap();
            std::os::unix::fs::symlink(&aside, &lock).unwrap();
        }),
        "a folder in its place" => names().for_each(|lock| {
            std::fs::remove_file(&lock).unwrap();
            std::fs::create_dir(&lock).unwrap();
        }),
        "removed" => names().for_each(|lock| std::fs::remove_file(lock).unwrap()),
        other => panic!("{other}"),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_lock_file_that_was_replaced_never_frees_the_living() {
    for how in [
        "copied and moved",
        "removed and made anew",
        "overwritten",
        "a folder put back",
        "a link to another file",
        "a folder in its place",
        "removed",
    ] {
        let place = Place::new();
        let (owner, other) = (place.ledger(), place.ledger());
        let hold = ask(&owner, 60).await.unwrap();
        replace_locks(&place, how);
        for _ in 0..2 {
            assert_eq!(other.drop_unsettled(november()).await.unwrap().holds, 0, "{how}");
            assert_eq!(sums(&other).await.unwrap(), [0, 60, 0], "{how}");
            assert!(ask(&other, 41).await.is_err(), "{how}");
        }
        hold.settle(NanoUsd::from_nanos(60), CostBasis::Exact).await.ok();
        assert_eq!(sums(&other).await.unwrap()[0] % 60, 0, "{how}");
    }
}

#[tokio::test]
async fn a_dead_process_is_still_found_after_the_living_put_its_lock_back() {
    let place = Place::new();
    let (owner, other) = (place.ledger(), place.ledger());
    let mut hold = ask(&owner, 60).await.unwrap();
    replace_locks(&place, "copied and moved");
    owner.drain().await.unwrap();
    hold.sent();
    owner.crash().await;
    assert_eq!(sums(&other).await.unwrap(), [0, 0, 60]);
    assert_eq!(other.drop_unsettled(november()).await.unwrap().holds, 1);
    drop(hold);
}

/// Checks that a first start that fails leaves no empty file, which would look like an emptied
/// ledger beside the locks of an earlier one.
#[tokio::test]
async fn a_first_start_that_failed_can_be_tried_again() {
    let place = Place::new();
    std::fs::create_dir_all(place.locks()).unwrap();
    let log = place.path.with_file_name("ledger.db-wal");
    std::fs::create_dir(&log).unwrap();
    assert!(ask(&place.ledger(), 10).await.is_err());
    std::fs::remove_dir(log).unwrap();
    let ledger = place.ledger();
    spend(&ledger, 10).await;
    assert_eq!(sums(&ledger).await.unwrap(), [10, 0, 0]);
}

#[tokio::test]
async fn an_emptied_file_is_no_new_ledger() {
    for is_open in [false, true] {
        let place = Place::new();
        let mut ledger = place.ledger();
        spend(&ledger, 60).await;
        ledger.drain().await.unwrap();
        let before = std::fs::read(&place.path).unwrap();
        if !is_open {
            ledger.crash().await;
            ledger = place.ledger();
        }
        std::fs::write(&place.path, "").unwrap();
        for _ in 0..2 {
            let unusable = problem(&ledger).await;
            assert_eq!(unusable.problem, Problem::Emptied, "{is_open}");
            assert!(unusable.hint().contains("put a copy back"), "{}", unusable.hint());
            assert_eq!(sums(&ledger).await.unwrap_err().problem, Problem::Emptied);
        }
        // A copy from before is moved into its place.
        let copy = place.folder.path().join("copy.db");
        std::fs::write(&copy, before).unwrap();
        std::fs::rename(copy, &place.path).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(place.path.with_file_name(format!("ledger.db{suffix}")));
        }
        assert_eq!(sums(&ledger).await.unwrap(), [60, 0, 0]);
        assert!(ask(&ledger, 41).await.is_err());
    }
}

#[tokio::test]
async fn totals_that_do_not_match_the_rows_guard_nothing() {
    for edit in [
        "UPDATE totals SET settled = 0",
        "UPDATE totals SET settled = settled - 1 WHERE scope = 'total'",
        "UPDATE totals SET settled = settled + 1 WHERE scope = 'total'",
        "UPDATE totals SET settled = 0 WHERE scope <> 'total'",
        "UPDATE totals SET held = 0",
        "DELETE FROM totals",
        "DELETE FROM totals WHERE scope = 'total'",
        "DELETE FROM holds",
        "UPDATE holds SET amount = 1",
        "UPDATE holds SET scopes = 'total'",
        "DELETE FROM spending",
        "UPDATE spending SET cost = 1",
        "DELETE FROM sums",
        "UPDATE sums SET cost = 0 WHERE kind = 'provider'",
        "UPDATE sums SET cost = 0 WHERE kind = 'task_class'",
        "DELETE FROM totals WHERE scope = 'class:c'",
        "UPDATE totals SET held = 0 WHERE scope = 'class:c'",
        "UPDATE holds SET scopes = 'total provider:openai'",
        "UPDATE holds SET day = ''",
        "UPDATE holds SET day = '2026-11-29'",
        "UPDATE holds SET month = '2026-10'",
        "UPDATE totals SET settled = 0 WHERE period = '2026-11-30'",
        "UPDATE totals SET settled = 0 WHERE period = '2026-11-30' AND scope = 'class:c'",
        "UPDATE totals SET settled = 0 WHERE period = '2026-11-30' AND scope = 'provider:openai'",
        "UPDATE totals SET settled = settled + 1 WHERE period = '2026-11-30'",
        "UPDATE totals SET held = held - 1 WHERE period = '2026-11-30'",
        "DELETE FROM totals WHERE period = '2026-11-30'",
        "DELETE FROM totals WHERE period = '2026-11'",
        "UPDATE totals SET period = '2026-11-29' WHERE period = '2026-11-30'",
        "DELETE FROM spending WHERE period = '2026-11-30'",
        "UPDATE spending SET cost = 1 WHERE period = '2026-11-30'",
        "UPDATE spending SET task_class = 'd' WHERE period = '2026-11-30'",
        "DELETE FROM sums WHERE period = '2026-11-30'",
        "DELETE FROM sums WHERE period = '2026-11-30' AND kind = 'task_class'",
    ] {
        for is_open in [false, true] {
            let place = Place::new();
            let mut ledger = place.ledger();
            spend(&ledger, 50).await;
            let hold = ask(&ledger, 10).await.unwrap();
            if !is_open {
                ledger = place.ledger();
            }
            run(&place.path, edit);
            let unusable = problem(&ledger).await;
            assert_eq!(unusable.problem, Problem::Unbalanced, "{edit}");
            assert!(unusable.hint().contains("stop every gateway"), "{}", unusable.hint());
            let of_day = ledger.spent(last_day().into(), SpendBy::Model).await;
            assert_eq!(of_day.unwrap_err().problem, Problem::Unbalanced, "{edit}");
            drop(hold);
        }
    }
}

#[tokio::test]
async fn a_report_waits_for_nobody_who_writes() {
    let place = Place::new();
    let (ledger, fresh) = (SqliteLedger::at(&place.path), SqliteLedger::at(&place.path));
    spend(&ledger, 50).await;
    let hold = ask(&ledger, 10).await.unwrap();
    let writer = Connection::open(&place.path).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE; UPDATE totals SET settled = 1").unwrap();
    // One that has the file open, one that has not, and one with an end of a hold before it.
    let begun = Instant::now();
    assert_eq!(sums(&fresh).await.unwrap(), [50, 10, 0]);
    assert_eq!(sums(&ledger).await.unwrap(), [50, 10, 0]);
    drop(hold);
    assert_eq!(sums(&ledger).await.unwrap(), [50, 10, 0]);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    writer.execute_batch("ROLLBACK").unwrap();
    ledger.drain().await.unwrap();
    assert_eq!(sums(&ledger).await.unwrap(), [50, 0, 0]);
}

#[tokio::test]
async fn a_report_reads_sums_and_no_rows() {
    let place = Place::new();
    place.ledger().drain().await.unwrap();
    let connection = Connection::open(&place.path).unwrap();
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
        INSERT INTO spending SELECT 'PERIOD', 'p' || i % 9, 'm' || i, 'c', 1, 1, 0, 0 FROM n;
        INSERT INTO totals SELECT period, 'provider:' || key, cost, 0 FROM sums
            WHERE kind = 'provider' AND period = 'PERIOD';
        INSERT INTO totals VALUES ('PERIOD', 'total', 50000, 0), ('PERIOD', 'class:c', 50000, 0)";
    for period in Period::all_of(last_day()) {
        connection.execute_batch(&fill.replace("PERIOD", &period.to_string())).unwrap();
    }
    for period in Period::all_of(last_day()) {
        let (ledger, mut least) = (place.ledger(), Duration::MAX);
        for _ in 0..20 {
            let begun = Instant::now();
            let spent = ledger.spent(period, SpendBy::Provider).await.unwrap();
            assert_eq!((spent.settled.as_nanos(), spent.held.as_nanos()), (50_000, 0));
            least = least.min(begun.elapsed());
        }
        assert!(least < Duration::from_millis(20), "{period}: {least:?}");
    }
}
