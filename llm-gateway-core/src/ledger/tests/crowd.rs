//! Tests of many callers in several processes under one cap.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ledger::{ReserveError, SpendBy};
use crate::model::CostBasis;

use super::{Process, World, call, last_day, november, total_cap, usd};

/// The worst case of each call, its real cost, and the number of worst cases that fit under the
/// cap.
const WORST: u64 = 100;
const COST: u64 = 7;
const FIT: u64 = 5;

#[derive(Default)]
struct Seen {
    in_flight: AtomicU64,
    most: AtomicU64,
    made: AtomicU64,
}

/// A caller that makes calls until the cap has refused often enough.
async fn caller(process: Arc<Process>, seen: Arc<Seen>) {
    let caps = [total_cap(WORST * FIT)];
    for _ in 0..12 {
        let asked = process.reserve_one(last_day(), call("openai/m", WORST), &caps);
        let mut hold = match asked.await {
            Ok(hold) => hold,
            Err(ReserveError::Refused(_)) => {
                tokio::task::yield_now().await;
                continue;
            }
            Err(other) => panic!("{other}"),
        };
        hold.sent();
        let now = seen.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        seen.in_flight.fetch_sub(1, Ordering::SeqCst);
        seen.made.fetch_add(1, Ordering::SeqCst);
        hold.settle(usd(COST), CostBasis::Exact).await.unwrap();
    }
}

async fn a_crowd_never_passes_the_cap(world: World) {
    let seen = Arc::new(Seen::default());
    let mut callers = Vec::new();
    for _ in 0..8 {
        let process = Arc::new(world.process());
        callers
            .extend((0..40).map(|_| tokio::spawn(caller(Arc::clone(&process), Arc::clone(&seen)))));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let (most, made) = (seen.most.load(Ordering::SeqCst), seen.made.load(Ordering::SeqCst));
    let spent = world.process().spent(november().into(), SpendBy::Model).await.unwrap();
    assert!((1..=FIT).contains(&most), "{most} calls at once");
    assert_eq!((spent.settled, spent.held, spent.rows[0].calls), (usd(made * COST), usd(0), made));
    assert!(spent.settled <= usd(WORST * FIT));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory() {
    a_crowd_never_passes_the_cap(World::memory()).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_one_file() {
    a_crowd_never_passes_the_cap(World::sqlite()).await;
}
