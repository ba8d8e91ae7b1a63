//! Files that somebody moves, removes or replaces while gateways have them open.

use std::path::Path;

use crate::ledger::{By, Cap, Dropped, Hold, Ledger, ReserveError, Scope, Spent, SqliteLedger};
use crate::model::{CostBasis, NanoUsd};

use super::{Place, call, november};

const CAP: u64 = 100;

/// One that waits for the disk as long as it takes.
fn ledger(place: &Place) -> SqliteLedger {
    SqliteLedger::at(&place.path)
}

async fn ask(ledger: &SqliteLedger, nanos: u64) -> Result<Hold, ReserveError> {
    let caps = [Cap::new(Scope::Total, NanoUsd::from_nanos(CAP))];
    ledger.reserve_one(november(), call(nanos), &caps).await
}

async fn settle(hold: Hold, nanos: u64) {
    hold.settle(NanoUsd::from_nanos(nanos), CostBasis::Exact).await.unwrap();
}

async fn spent(ledger: &SqliteLedger) -> Spent {
    ledger.spent(november(), By::Model).await.unwrap()
}

/// Settled, held and unsettled money.
async fn sums(ledger: &SqliteLedger) -> [u64; 3] {
    let spent = spent(ledger).await;
    [spent.settled, spent.held, spent.unsettled].map(NanoUsd::as_nanos)
}

async fn drop_unsettled(ledger: &SqliteLedger) -> Dropped {
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
    // Its lock is taken again: only now that it dies is it free.
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
    // Who opens the file forgets it.
    let other = ledger(&place);
    other.drain().await.unwrap();
    assert_eq!(names(&place.locks()), ["2.lock"]);
    let hold = ask(&owner, 60).await.unwrap();
    assert_eq!(names(&place.locks()), ["1.lock", "2.lock"]);
    assert_eq!(drop_unsettled(&other).await.holds, 0);
    hold.release().await.unwrap();
    // And it leaves no trace when it ends, as any other.
    owner.crash().await;
    drop_unsettled(&other).await;
    assert_eq!(names(&place.locks()), ["2.lock"]);
}
