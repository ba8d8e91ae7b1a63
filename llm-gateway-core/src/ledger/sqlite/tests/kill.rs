//! Tests of real processes that share a ledger file, left alone or killed in the middle of their
//! calls. The test binary starts itself.
//!
//! Each call appends one byte to a log when it is sent and one when it has ended. The appends of
//! all processes have one order, which is replayed against the cap afterwards. Callers go on until
//! the money is spent, so the end of a test does not depend on which process was fast.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng, TryRng};
use tempfile::TempDir;

use crate::environment::Environment;
use crate::ledger::{Cap, Ledger, Per, PeriodSpend, ReserveError, Scope, SpendBy, SqliteLedger};
use crate::model::{CostBasis, NanoUsd};

use super::{call, last_day, november};

const CHILD: &str = "ledger::sqlite::tests::kill::child";
const FOLDER: &str = "LLM_GATEWAY_TEST_LEDGER_FOLDER";

const PROCESSES: usize = 8;
const CALLERS: usize = 40;
const KILLS: usize = 10;
/// The worst case of a call, its real cost, and the number of worst cases that fit under the cap.
const WORST: u64 = 10_000;
const COST: u64 = 1_000;
const FIT: u64 = 64;
const CAP: u64 = WORST * FIT;

/// The number of calls that the cap pays for: the last one is sent when its worst case just fits.
const PAID_FOR: u64 = (CAP - WORST) / COST + 1;

/// The number of calls that a caller tries, of which about 50 are usual, before something must be
/// wrong.
const TRIES: usize = 600;

/// A caller that makes calls until what is spent, and what dead processes hold, leaves no room for
/// a worst case.
async fn caller(ledger: Arc<SqliteLedger>, mut calls: File, mut refusals: File) {
    let caps = [Cap::new(Scope::Total, Per::Month, NanoUsd::from_nanos(CAP))];
    for _ in 0..TRIES {
        let mut hold = match ledger.reserve_one(last_day(), call(WORST), &caps).await {
            Ok(hold) => hold,
            Err(ReserveError::Refused(_)) => {
                let spent = ledger.spent(november().into(), SpendBy::Model).await.unwrap();
                if used_up(&spent) {
                    return;
                }
                // There would be room without what other processes hold.
                refusals.write_all(b"!").unwrap();
                continue;
            }
            Err(other) => panic!("{other}"),
        };
        hold.sent();
        calls.write_all(b"+").unwrap();
        // A call takes long enough for the other processes to get their turn at the file.
        ledger.spent(november().into(), SpendBy::Model).await.unwrap();
        calls.write_all(b"-").unwrap();
        hold.settle(NanoUsd::from_nanos(COST), CostBasis::Exact).await.unwrap();
    }
    panic!("the cap is neither used up nor does it let a call through");
}

fn used_up(spent: &PeriodSpend) -> bool {
    spent.settled.as_nanos() + spent.unsettled.as_nanos() + WORST > CAP
}

/// Runs a process of the tests below. It is no test itself.
#[tokio::test]
#[ignore = "started by the tests below"]
async fn child() {
    let environment = Environment::from_process();
    let Some(folder) = environment.get(FOLDER).map(PathBuf::from) else { return };
    let ledger = Arc::new(SqliteLedger::at(folder.join("ledger.db")));
    let append = |name| {
        let path = folder.join(name);
        OpenOptions::new().create(true).append(true).open(path).unwrap()
    };
    let callers =
        (0..CALLERS).map(|_| caller(Arc::clone(&ledger), append("calls"), append("refusals")));
    futures_util::future::join_all(callers).await;
}

/// A ledger file, and the processes that share it.
struct Crowd {
    folder: TempDir,
    running: Vec<Child>,
}

/// The money and the calls that the log of a test shows.
#[derive(Debug, Default)]
struct Replayed {
    /// The number of calls in the log that were sent and have not ended.
    in_flight: u64,
    back: u64,
    most_in_flight: u64,
    /// The most that all calls of the log together could have cost at any time.
    most: u64,
}

impl Crowd {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let running = (0..PROCESSES).map(|_| start(folder.path())).collect();
        Self { folder, running }
    }

    fn calls(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// Kills a process once the log has grown by `more` bytes, and starts another in its place.
    /// Returns whether the process was still at work.
    fn kill(&mut self, victim: usize, more: u64) -> bool {
        let path = self.calls();
        let written = || std::fs::metadata(&path).map_or(0, |log| log.len());
        let length = written() + more;
        let victim = &mut self.running[victim];
        // What dead processes hold may use up the cap; the process then ends by itself.
        let mut ended = None;
        while ended.is_none() && written() < length {
            std::thread::yield_now();
            ended = victim.try_wait().unwrap();
        }
        assert!(ended.is_none_or(|status| status.success()));
        victim.kill().unwrap();
        victim.wait().unwrap();
        *victim = start(self.folder.path());
        ended.is_none()
    }

    /// Waits until all processes have ended by themselves.
    fn end(&mut self) {
        for process in &mut self.running {
            assert!(process.wait().unwrap().success());
        }
    }

    /// Replays the log, and checks every moment of it against the cap.
    fn replay(&self) -> Replayed {
        let mut seen = Replayed::default();
        for event in std::fs::read(self.calls()).unwrap() {
            match event {
                b'+' => seen.in_flight += 1,
                _ => (seen.in_flight, seen.back) = (seen.in_flight - 1, seen.back + 1),
            }
            seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
            seen.most = seen.most.max(seen.in_flight * WORST + seen.back * COST);
            assert!(seen.in_flight <= FIT && seen.most <= CAP, "{seen:?}");
        }
        seen
    }

    /// Returns the number of calls that were refused because of what other processes held at that
    /// time.
    fn refusals(&self) -> u64 {
        std::fs::metadata(self.folder.path().join("refusals")).unwrap().len()
    }

    fn ledger(&self) -> SqliteLedger {
        SqliteLedger::at(self.folder.path().join("ledger.db"))
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_crowd_of_processes_spends_the_cap_and_not_a_nano_dollar_more() {
    let mut crowd = Crowd::start();
    crowd.end();
    let (seen, refusals) = (crowd.replay(), crowd.refusals());
    let spent = crowd.ledger().spent(november().into(), SpendBy::Model).await.unwrap();
    println!("{PROCESSES} x {CALLERS}, cap of {FIT}: {seen:?}, {refusals} refusals, {spent:?}");
    assert!(refusals > 0, "the cap was never in the way");
    assert_eq!((seen.in_flight, seen.back), (0, PAID_FOR));
    assert_eq!((spent.held, spent.unsettled), (NanoUsd::ZERO, NanoUsd::ZERO));
    assert_eq!((spent.rows[0].calls, spent.settled.as_nanos()), (PAID_FOR, PAID_FOR * COST));
    assert!(used_up(&spent) && spent.settled.as_nanos() <= CAP);
}

#[tokio::test]
async fn killed_processes_never_pass_the_cap() {
    let seed = SysRng.try_next_u64().unwrap();
    println!("seed {seed}"); // shown where the test fails, wherever that is
    let mut random = StdRng::seed_from_u64(seed);
    let mut crowd = Crowd::start();
    let at_work = (0..KILLS)
        .filter(|_| crowd.kill(random.random_range(0..PROCESSES), random.random_range(1..60)))
        .count();
    crowd.end();
    let (seen, ledger) = (crowd.replay(), crowd.ledger());
    let spent = ledger.spent(november().into(), SpendBy::Model).await.unwrap();
    println!(
        "{PROCESSES} x {CALLERS}, cap of {FIT}, {at_work} of {KILLS} kills at work: {seen:?}, {spent:?}"
    );
    assert!(at_work > 0, "nobody was killed at work");
    // Every call that was sent is counted, settled or not; the cap is used up and not passed.
    // (The first two processes that are killed may have held all of it, and settled nothing.)
    let settled = spent.rows.first().map_or(0, |row| row.calls);
    let unsettled = spent.unsettled.as_nanos() / WORST;
    assert_eq!((spent.held, spent.settled.as_nanos()), (NanoUsd::ZERO, settled * COST));
    assert!(settled <= seen.back && seen.back + seen.in_flight <= settled + unsettled);
    assert!(used_up(&spent) && settled * COST + unsettled * WORST <= CAP);
    assert_eq!(ledger.drop_unsettled(november()).await.unwrap().holds, unsettled);
}
