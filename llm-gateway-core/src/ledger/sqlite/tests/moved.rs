//! Tests of ledger files that somebody moves, removes or replaces while gateways have them open,
//! which Windows does not allow.

use std::path::Path;

use crate::ledger::{
    Cap, DroppedHolds, Hold, Ledger, Per, PeriodSpend, ReserveError, Scope, SpendBy, SqliteLedger,
};
use crate::model::{CostBasis, NanoUsd};

use super::{Place, call, last_day, november};

const CAP: u64 = 100;

/// Returns a ledger that waits for the disk as long as necessary.
fn ledger(place: &Place) -> SqliteLedger {
    SqliteLedger::at(&place.path)
}

async fn ask(ledger: &SqliteLedger, nanos: u64) -> Result<Hold, ReserveError> {
    let caps = [Cap::new(Scope::Total, Per::Month, NanoUsd::from_nanos(CAP))];
    ledger.reserve_one(last_day(), call(nanos), &caps).await
}

async fn settle(hold: Hold, nanos: u64) {
    hold.settle(NanoUsd::from_nanos(nanos), CostBasis::Exact).await.unwrap();
}

async fn spent(ledger: &SqliteLedger) -> PeriodSpend {
    ledger.spent(november().into(), SpendBy::Model).await.unwrap()
}

/// Returns the settled, held and unsettled money of the month.
async fn sums(ledger: &SqliteLedger) -> [u64; 3] {
    let spent = spent(ledger).await;
    [spent.settled, spent.held, spent.unsettled].map(NanoUsd::as_nanos)
}

async fn drop_unsettled(ledger: &SqliteLedger) -> DroppedHolds {
    ledger.drop_unsettled(november()).await.unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_lock_file_that_was_removed_does_not_end_its_process() {
    let place = Place::new();
    let (owner, other) = (ledger(&place), ledger(&place));
    let hold = ask(&owner, 60).await.unwrap();
    std::fs::remove_dir_all(place.locks()).unwrap();
    assert_eq!(drop_unsettled(&other).await.holds, 0);
    assert_eq!(sums(&other).await, [0, 60, 0]);
    assert!(ask(&other, 41).await.is_err());
    settle(hold, 60).await;
    assert_eq!(sums(&other).await, [60, 0, 0]);
}

#[tokio::test]
async fn a_lock_file_that_was_removed_is_put_back_with_the_next_thing_asked() {
    let place = Place::new();
    let owner = ledger(&place);
    let mut hold = ask(&owner, 60).await.unwrap();
    let before = names(&place.locks());
    std::fs::remove_dir_all(place.locks()).unwrap();
    owner.drain().await.unwrap();
    assert_eq!(names(&place.locks()), before);
    // The lock is taken again, and becomes free only when the process dies.
    let other = ledger(&place);
    assert_eq!(sums(&other).await, [0, 60, 0]);
    hold.sent();
    owner.crash().await;
    assert_eq!(sums(&other).await, [0, 0, 60]);
    assert_eq!(drop_unsettled(&other).await.holds, 1);
    assert_eq!(sums(&other).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_process_that_was_forgotten_while_it_held_nothing_is_entered_again() {
    let place = Place::new();
    let owner = ledger(&place);
    owner.drain().await.unwrap();
    std::fs::remove_dir_all(place.locks()).unwrap();
    // A process that opens the file removes the one that has ended.
    let other = ledger(&place);
    other.drain().await.unwrap();
    assert_eq!(names(&place.locks()), ["2.lock"]);
    let hold = ask(&owner, 60).await.unwrap();
    assert_eq!(names(&place.locks()), ["1.lock", "2.lock"]);
    assert_eq!(drop_unsettled(&other).await.holds, 0);
    hold.release().await.unwrap();
    // It leaves no trace when it ends, like any other process.
    owner.crash().await;
    drop_unsettled(&other).await;
    assert_eq!(names(&place.locks()), ["2.lock"]);
}

/// Moves the files whose names begin with `prefix` into the folder `to`, as `mv` does.
fn move_away(place: &Place, prefix: &str, to: &str) {
    let state = place.path.parent().unwrap();
    let to = place.folder.path().join(to);
    std::fs::create_dir_all(&to).unwrap();
    for name in names(state).iter().filter(|name| name.starts_with(prefix)) {
        std::fs::rename(state.join(name), to.join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_ledger_that_was_moved_away_does_not_double_the_cap() {
    let place = Place::new();
    let (one, idle) = (ledger(&place), ledger(&place));
    settle(ask(&one, 50).await.unwrap(), 50).await;
    idle.drain().await.unwrap();
    move_away(&place, "ledger.db", "away");
    let other = ledger(&place);
    settle(ask(&other, 80).await.unwrap(), 80).await;
    for process in [&one, &idle, &other] {
        assert!(ask(process, 21).await.is_err());
        assert_eq!(sums(process).await, [80, 0, 0]);
    }
    let old = SqliteLedger::at(place.folder.path().join("away/ledger.db"));
    assert_eq!(sums(&old).await, [50, 0, 0]);
}

#[tokio::test]
async fn a_ledger_that_was_removed_begins_anew_for_all() {
    let place = Place::new();
    let (one, other) = (ledger(&place), ledger(&place));
    other.drain().await.unwrap();
    settle(ask(&one, 50).await.unwrap(), 50).await;
    std::fs::remove_dir_all(place.path.parent().unwrap()).unwrap();
    settle(ask(&one, 80).await.unwrap(), 80).await;
    assert!(ask(&other, 21).await.is_err());
    assert_eq!(sums(&other).await, [80, 0, 0]);
}

#[tokio::test]
async fn a_backup_that_is_put_in_its_place_is_what_counts() {
    let place = Place::new();
    let one = ledger(&place);
    settle(ask(&one, 50).await.unwrap(), 50).await;
    move_away(&place, "ledger.db", "away");
    settle(ask(&one, 30).await.unwrap(), 30).await;
    move_away(&place, "ledger.db", "later");
    std::fs::rename(place.folder.path().join("away/ledger.db"), &place.path).unwrap();
    let log = place.folder.path().join("away/ledger.db-wal");
    std::fs::rename(log, place.path.with_file_name("ledger.db-wal")).unwrap();
    assert_eq!(sums(&one).await, [50, 0, 0]);
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_followed() {
    let place = Place::new();
    let link = place.folder.path().join("link.db");
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    ledger(&place).drain().await.unwrap();
    let one = SqliteLedger::at(&link);
    settle(ask(&one, 50).await.unwrap(), 50).await;
    let next = SqliteLedger::at(place.folder.path().join("next.db"));
    settle(ask(&next, 80).await.unwrap(), 80).await;
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(place.folder.path().join("next.db"), &link).unwrap();
    assert!(ask(&one, 21).await.is_err());
    assert_eq!(sums(&one).await, [80, 0, 0]);
}

#[tokio::test]
async fn what_was_held_in_a_vanished_file_is_settled_in_the_new_one_and_once() {
    let place = Place::new();
    let one = ledger(&place);
    let (settled, released) = (ask(&one, 40).await.unwrap(), ask(&one, 20).await.unwrap());
    let mut dropped = ask(&one, 10).await.unwrap();
    dropped.sent();
    move_away(&place, "ledger.db", "away");
    // These rows have the ids of the old holds, whose ends must leave them alone.
    let other = ledger(&place);
    let held = [ask(&other, 1).await.unwrap(), ask(&other, 2).await.unwrap()];
    let own = ask(&one, 4).await.unwrap();
    released.release().await.unwrap();
    assert_eq!(sums(&other).await, [0, 7, 0]);
    settle(settled, 30).await;
    drop(dropped);
    one.drain().await.unwrap();
    assert_eq!(sums(&other).await, [40, 7, 0]);
    own.release().await.unwrap();
    for hold in held {
        hold.release().await.unwrap();
    }
    assert_eq!(sums(&other).await, [40, 0, 0]);
    // The holds stay in the old file, where the process has nothing more to do.
    let old = SqliteLedger::at(place.folder.path().join("away/ledger.db"));
    assert_eq!(sums(&old).await, [0, 0, 70]);
}

#[tokio::test]
async fn what_a_living_process_holds_in_a_file_that_was_moved_is_no_dead_ones() {
    let place = Place::new();
    let one = ledger(&place);
    let hold = ask(&one, 40).await.unwrap();
    move_away(&place, "ledger.db", "away");
    assert_eq!(sums(&one).await, [0, 0, 0]);
    let old = SqliteLedger::at(place.folder.path().join("away/ledger.db"));
    assert_eq!(drop_unsettled(&old).await.holds, 0);
    assert_eq!(sums(&old).await, [0, 40, 0]);
    settle(hold, 40).await;
    one.drain().await.unwrap();
    assert_eq!(sums(&old).await, [0, 0, 40]);
    assert_eq!(sums(&one).await, [40, 0, 0]);
}

#[tokio::test]
async fn nobody_counts_for_himself_where_only_some_of_the_files_were_moved() {
    for part in ["ledger.db-wal", "ledger.db-shm", "ledger.db-locks", "ledger.db"] {
        let place = Place::new();
        let (one, other) = (ledger(&place), ledger(&place));
        other.drain().await.unwrap();
        settle(ask(&one, 50).await.unwrap(), 50).await;
        let (from, to) = (place.path.with_file_name(part), place.folder.path().join(part));
        std::fs::rename(from, to).unwrap();
        // The first process may find that the ledger cannot be used, while others hold the rest.
        for process in [&one, &other, &one, &other] {
            match ask(process, 1).await {
                Ok(hold) => settle(hold, 1).await,
                Err(refused) => assert!(matches!(refused, ReserveError::Unusable(_)), "{part}"),
            }
        }
        let all = [sums(&one).await, sums(&other).await, sums(&ledger(&place)).await];
        assert_eq!(all, [all[0]; 3], "{part}");
        let hold = ask(&other, CAP - all[0][0]).await.unwrap();
        assert!(ask(&one, 1).await.is_err(), "{part}");
        hold.release().await.unwrap();
    }
}
