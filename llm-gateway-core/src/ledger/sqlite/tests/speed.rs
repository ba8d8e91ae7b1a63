//! What a reservation costs in a debug build: to look at, not to compare.

use rusqlite::Connection;

use crate::ledger::{Ledger, SqliteLedger};
use crate::model::{CostBasis, NanoUsd};

use super::{Place, call, november};

/// A million kinds of calls, more than any month will see.
const FILL: &str = "
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
    INSERT INTO spending SELECT '2026-11', 'openai', 'model-' || i, 'c', 1, 1, 0, 0 FROM n";

/// A look at the cost of a debug build, not a benchmark:
/// `cargo test -p llm-gateway-core --lib ledger_speed -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints what a reservation costs"]
#[allow(clippy::disallowed_methods)] // it measures
async fn ledger_speed() {
    let place = Place::new();
    let crowds =
        [(0, 1, 1, 100), (0, 1, 40, 25), (0, 8, 1, 40), (0, 8, 40, 10), (1_000_000, 1, 1, 100)];
    for (rows, processes, callers, rounds) in crowds {
        let ledgers = || (0..processes).map(|_| SqliteLedger::at(&place.path));
        let ledgers: Vec<_> = ledgers().map(std::sync::Arc::new).collect();
        ledgers[0].drain().await.unwrap();
        if rows > 0 {
            Connection::open(&place.path).unwrap().execute_batch(FILL).unwrap();
        }
        let mut tasks = Vec::new();
        for ledger in ledgers.iter().flat_map(|ledger| vec![ledger.clone(); callers]) {
            tasks.push(tokio::spawn(async move {
                let mut slowest = std::time::Duration::ZERO;
                for _ in 0..rounds {
                    let begin = std::time::Instant::now();
                    let hold = ledger.reserve_one(november(), call(10), &[]).await.unwrap();
                    slowest = slowest.max(begin.elapsed());
                    hold.settle(NanoUsd::from_nanos(4), CostBasis::Exact).await.unwrap();
                }
                slowest
            }));
        }
        let begin = std::time::Instant::now();
        let slowest = futures_util::future::join_all(tasks).await.into_iter().map(Result::unwrap);
        let slowest = slowest.max().unwrap();
        let each = begin.elapsed() / u32::try_from(processes * callers * rounds).unwrap();
        println!(
            "{rows} rows, {processes} processes, {callers} callers: {each:?} per reserve + settle, slowest reserve {slowest:?}"
        );
    }
}
