//! Tests of ledger files that an older or a newer version of the gateway wrote.

use rusqlite::Connection;

use crate::ledger::{
    Cap, Ledger, Per, Problem, ReserveError, Scope, SpendBy, SqliteLedger, UnusableLedger,
};
use crate::model::{CostBasis, NanoUsd, ProviderName, TaskClass};

use super::{Place, call, last_day, november, problem};

/// The scripts of the versions before days were counted.
const BEFORE: [&str; 2] = [include_str!("../schema.sql"), include_str!("../sums.sql")];

/// What an older version has booked: 50 in November, in three rows of two classes; 7 in October;
/// and what a process of it holds that was killed.
const BOOKED: &str = "
    INSERT INTO spending VALUES ('2026-11', 'openai', 'm', 'c', 25, 1, 1, 0),
        ('2026-11', 'openai', 'n', 'c', 10, 1, 0, 1), ('2026-11', 'gemini', 'g', 'd', 15, 1, 0, 0),
        ('2026-10', 'openai', 'm', 'c', 7, 1, 0, 0);
    INSERT INTO processes VALUES (1);
    INSERT INTO holds (process, month, provider, model, task_class, amount, scopes) VALUES
        (1, '2026-11', 'openai', 'm', 'c', 3, 'total provider:openai'),
        (1, '2026-11', 'openai', 'm', 'e', 1, 'total provider:openai'),
        (1, '2026-10', 'openai', 'm', 'c', 2, 'total provider:openai');
    INSERT INTO totals VALUES ('2026-11', 'total', 50, 4), ('2026-11', 'provider:openai', 35, 4),
        ('2026-11', 'provider:gemini', 15, 0),
        ('2026-10', 'total', 7, 2), ('2026-10', 'provider:openai', 7, 2)";

/// Creates the ledger file of an older version, with [`BOOKED`] in it.
fn written_by(version: usize) -> Place {
    let scripts = BEFORE[..version].join(";");
    let place = Place::with(&format!(
        "PRAGMA journal_mode = wal; {scripts}; PRAGMA application_id = 0x6c6c6777;
         PRAGMA user_version = {version}; {BOOKED}"
    ));
    // The lock of the process that was killed is free.
    std::fs::create_dir(place.locks()).unwrap();
    std::fs::write(place.locks().join("1.lock"), "").unwrap();
    place
}

fn usd(nanos: u64) -> NanoUsd {
    NanoUsd::from_nanos(nanos)
}

fn class(name: &str) -> Scope {
    Scope::Class(TaskClass::new(name).unwrap())
}

/// Checks that the ledger has the sums of [`BOOKED`], and nothing in any day.
async fn keeps_its_sums(ledger: &SqliteLedger) {
    let by_class = ledger.spent(november().into(), SpendBy::TaskClass).await.unwrap();
    let rows: Vec<_> = by_class
        .rows
        .iter()
        .map(|row| (&*row.key, row.cost.as_nanos(), [row.calls, row.estimated, row.unknown]))
        .collect();
    assert_eq!(rows, [("c", 35, [2, 1, 1]), ("d", 15, [1, 0, 0])]);
    assert_eq!((by_class.settled, by_class.held, by_class.unsettled), (usd(50), usd(0), usd(4)));
    let totals: Vec<_> = by_class
        .scopes
        .iter()
        .map(|it| (it.scope.to_string(), it.settled.as_nanos(), it.held.as_nanos()))
        .collect();
    let expected = [
        ("total", 50, 4),
        ("provider:gemini", 15, 0),
        ("provider:openai", 35, 4),
        ("class:c", 35, 3),
        ("class:d", 15, 0),
        ("class:e", 0, 1),
    ];
    assert_eq!(totals, expected.map(|(scope, settled, held)| (scope.to_owned(), settled, held)));
    let of_day = ledger.spent(last_day().into(), SpendBy::Model).await.unwrap();
    assert_eq!((of_day.settled, of_day.held, of_day.unsettled), (usd(0), usd(0), usd(0)));
    assert!(of_day.rows.is_empty());
    assert_eq!(of_day.left(&Cap::new(Scope::Total, Per::Month, usd(60))), Some(usd(6)));
    assert_eq!(of_day.left(&Cap::new(Scope::Total, Per::Day, usd(60))), Some(usd(60)));
}

#[tokio::test]
async fn a_ledger_of_an_older_version_keeps_its_sums() {
    for version in [1, 2] {
        let place = written_by(version);
        keeps_its_sums(&place.ledger()).await;
        let ledger = place.ledger();
        let cap = |scope, per, limit| [Cap::new(scope, per, usd(limit))];
        for (caps, fits) in [
            (cap(Scope::Total, Per::Month, 100), 46),
            (cap(Scope::Provider(ProviderName::new("openai").unwrap()), Per::Month, 100), 61),
            (cap(class("c"), Per::Month, 100), 62),
            (cap(class("d"), Per::Month, 1), 5_000),
            (cap(Scope::Total, Per::Day, 100), 100),
            (cap(class("c"), Per::Day, 100), 100),
        ] {
            let asked = ledger.reserve_one(last_day(), call(fits + 1), &caps).await;
            assert!(asked.is_err() || fits > 1_000, "{caps:?}");
            let hold = ledger.reserve_one(last_day(), call(fits), &caps).await.unwrap();
            hold.release().await.unwrap();
        }
        let hold = ledger.reserve_one(last_day(), call(9), &[]).await.unwrap();
        hold.settle(usd(8), CostBasis::Exact).await.unwrap();
        for (period, settled) in [(november().into(), 58), (last_day().into(), 8)] {
            let spent = place.ledger().spent(period, SpendBy::Model).await.unwrap();
            assert_eq!(spent.settled, usd(settled), "{period}");
        }
    }
}

#[tokio::test]
async fn what_a_process_of_an_older_version_held_is_unsettled_in_its_month() {
    for version in [1, 2] {
        let place = written_by(version);
        let ledger = place.ledger();
        for (scope, unsettled) in [(Scope::Total, 4), (class("c"), 3)] {
            let caps = [Cap::new(scope, Per::Month, usd(55))];
            let refused = ledger.reserve_one(last_day(), call(50), &caps).await;
            let Err(ReserveError::Refused(refused)) = refused else { panic!("{refused:?}") };
            assert_eq!(refused.unsettled, usd(unsettled));
        }
        let dropped = ledger.drop_unsettled(november()).await.unwrap();
        assert_eq!((dropped.holds, dropped.amount), (2, usd(4)));
        let spent = place.ledger().spent(november().into(), SpendBy::Model).await.unwrap();
        assert_eq!((spent.settled, spent.unsettled), (usd(50), usd(0)));
        assert!(spent.scopes.iter().all(|total| total.held == usd(0)), "{:?}", spent.scopes);
    }
}

#[tokio::test]
async fn processes_that_open_an_older_ledger_together_bring_it_up_once() {
    for round in 0..10 {
        let place = written_by(1 + round % 2);
        let ledgers: Vec<_> = (0..8).map(|_| SqliteLedger::at(&place.path)).collect();
        futures_util::future::join_all(ledgers.iter().map(keeps_its_sums)).await;
        let holds = futures_util::future::join_all(
            ledgers.iter().map(|it| it.reserve_one(last_day(), call(1), &[])),
        );
        for hold in holds.await {
            hold.unwrap().release().await.unwrap();
        }
        keeps_its_sums(&place.ledger()).await;
    }
}

/// Copies the files of a ledger as a power cut would leave them, and returns where they are.
fn cut_off(place: &Place) -> Place {
    let copy = Place::with("");
    for suffix in ["", "-wal"] {
        let name = format!("ledger.db{suffix}");
        std::fs::copy(place.path.with_file_name(&name), copy.path.with_file_name(&name)).unwrap();
    }
    std::fs::create_dir(copy.locks()).unwrap();
    std::fs::write(copy.locks().join("1.lock"), "").unwrap();
    copy
}

#[tokio::test]
async fn a_ledger_that_was_cut_off_while_it_was_brought_up_is_whole() {
    let script = include_str!("../days.sql");
    // A blank line stands between two steps, and none within a trigger.
    let steps: Vec<_> = script.split_inclusive("\n\n").collect();
    assert!(steps.len() > 6, "{steps:?}");
    for done in 0..=steps.len() {
        let place = written_by(2);
        let connection = Connection::open(&place.path).unwrap();
        // With such a cache every page goes into the log before the commit.
        connection.execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE").unwrap();
        connection.execute_batch(&steps[..done].concat()).unwrap();
        let cut_off = cut_off(&place);
        keeps_its_sums(&cut_off.ledger()).await;
        drop(connection);
        keeps_its_sums(&place.ledger()).await;
    }
}

#[tokio::test]
async fn sums_that_reach_the_largest_number_are_brought_up_too() {
    for version in [1, 2] {
        let place = written_by(version);
        let most = i64::MAX;
        let connection = Connection::open(&place.path).unwrap();
        let edit = format!(
            "UPDATE spending SET cost = {most} WHERE month = '2026-11';
             UPDATE holds SET amount = {most} WHERE month = '2026-11';
             UPDATE totals SET settled = {most} WHERE month = '2026-11';
             UPDATE totals SET held = {most}
                WHERE month = '2026-11' AND scope <> 'provider:gemini'"
        );
        connection.execute_batch(&edit).unwrap();
        drop(connection);
        let spent = place.ledger().spent(november().into(), SpendBy::Provider).await.unwrap();
        assert!(spent.scopes.iter().any(|total| total.held == usd(most as u64)));
    }
}

#[tokio::test]
async fn a_newer_version_takes_the_file_over_from_a_gateway_that_has_it_open() {
    let place = Place::new();
    let ledger = place.ledger();
    let hold = ledger.reserve_one(last_day(), call(10), &[]).await.unwrap();
    Connection::open(&place.path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    for refused in [&ledger, &place.ledger()] {
        let unusable = problem(refused).await;
        assert_eq!(unusable.problem, Problem::Newer);
        assert!(unusable.hint().contains("update llm-gateway"), "{}", unusable.hint());
        let read = refused.spent(november().into(), SpendBy::Model).await;
        assert_eq!(read.unwrap_err().problem, Problem::Newer);
    }
    let settled: Result<(), UnusableLedger> = hold.settle(usd(4), CostBasis::Exact).await;
    assert_eq!(settled.unwrap_err().problem, Problem::Newer);
}

#[tokio::test]
async fn a_version_that_knows_no_days_writes_nothing_more() {
    let place = written_by(2);
    let old = Connection::open(&place.path).unwrap();
    let statements = [
        "SELECT key, cost FROM sums WHERE month = ?1 AND kind = 'provider'",
        "SELECT settled, held FROM totals WHERE month = ?1 AND scope = ?2",
        "SELECT key, cost, calls, estimated, unknown FROM sums WHERE month = ?1 AND kind = ?2",
    ];
    // They are prepared while the file is one of version 2, and run when it is no more.
    for sql in statements {
        drop(old.prepare_cached(sql).unwrap());
    }
    place.ledger().drain().await.unwrap();
    for sql in statements {
        let refused = old.prepare_cached(sql).and_then(|mut it| {
            let nothing = vec![None::<String>; it.parameter_count()];
            it.exists(rusqlite::params_from_iter(nothing))
        });
        assert!(refused.unwrap_err().to_string().contains("no such column: month"), "{sql}");
    }
}
