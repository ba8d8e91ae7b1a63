//! Real processes, killed in the middle of their calls: this test binary starts itself.
//!
//! Each call appends one line to a log when it leaves and one when it is back; the appends of
//! all processes have one order, which is replayed against the cap afterwards.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::environment::Environment;
use crate::ledger::{By, Cap, HoldRequest, Ledger, Month, ReserveError, Scope, SqliteLedger};
use crate::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};

const CHILD: &str = "ledger::sqlite::tests::kill::child";
const FOLDER: &str = "LLM_GATEWAY_TEST_LEDGER_FOLDER";

const PROCESSES: usize = 4;
const CALLERS: usize = 10;
const CALLS: usize = 30;
const KILLS: usize = 6;
/// The worst case of a call, what it costs, and how many worst cases fit.
const WORST: u64 = 10_000;
const COST: u64 = 3;
const FIT: u64 = 16;

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

async fn caller(ledger: Arc<SqliteLedger>, mut log: File) {
    let caps = [Cap::new(Scope::Total, NanoUsd::from_nanos(WORST * FIT))];
    let target = Target::new(ProviderName::new("openai").unwrap(), ModelId::new("m").unwrap());
    let class = TaskClass::new("c").unwrap();
    let call = HoldRequest::new(target, class, NanoUsd::from_nanos(WORST));
    for _ in 0..CALLS {
        let mut hold = match ledger.reserve_one(november(), call.clone(), &caps).await {
            Ok(hold) => hold,
            Err(ReserveError::Refused(_)) => continue,
            Err(other) => panic!("{other}"),
        };
        hold.sent();
        log.write_all(b"+").unwrap();
        // A call takes a while: so long that the others get their turn at the file.
        ledger.spent(november(), By::Model).await.unwrap();
        log.write_all(b"-").unwrap();
        hold.settle(NanoUsd::from_nanos(COST), CostBasis::Exact).await.unwrap();
    }
}

fn log(folder: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap()
}

/// Not a test: what the processes of the test below do.
#[tokio::test]
#[ignore = "started by the test below"]
async fn child() {
    let environment = Environment::from_process();
    let Some(folder) = environment.get(FOLDER).map(PathBuf::from) else { return };
    let ledger = Arc::new(SqliteLedger::at(folder.join("ledger.db")));
    let callers = (0..CALLERS).map(|_| caller(Arc::clone(&ledger), log(&folder)));
    futures_util::future::join_all(callers).await;
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills a process whenever the log has grown for a while, and starts another in its place.
fn run_and_kill(folder: &Path) {
    let mut running: Vec<Child> = (0..PROCESSES).map(|_| start(folder)).collect();
    for kill in 1..=KILLS {
        let length = u64::try_from(kill * 17).unwrap();
        let written = || std::fs::metadata(folder.join("log")).map_or(0, |log| log.len());
        let victim = &mut running[kill % PROCESSES];
        // What dead processes hold may fill the cap: then the victim ends by itself.
        while written() < length && victim.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        *victim = start(folder);
    }
    for mut process in running {
        assert!(process.wait().unwrap().success());
    }
}

#[tokio::test]
async fn killed_processes_never_pass_the_cap() {
    let folder = tempfile::tempdir().unwrap();
    run_and_kill(folder.path());

    let (mut in_flight, mut back, mut most) = (0, 0, 0);
    for event in std::fs::read(folder.path().join("log")).unwrap() {
        match event {
            b'+' => in_flight += 1,
            _ => (in_flight, back) = (in_flight - 1, back + 1),
        }
        most = most.max(in_flight * WORST + back * COST);
        assert!(most <= WORST * FIT, "{in_flight} calls at once after {back}");
    }
    let ledger = SqliteLedger::at(folder.path().join("ledger.db"));
    let spent = ledger.spent(november(), By::Model).await.unwrap();
    println!(
        "{back} calls, {PROCESSES} processes, {KILLS} kills, {most} of {}: {spent:?}",
        WORST * FIT
    );
    // Everything that left is counted, settled or not, and nothing is above the cap.
    let unsettled = spent.unsettled.as_nanos() / WORST;
    let settled = spent.rows[0].calls;
    assert_eq!(spent.held, NanoUsd::ZERO);
    assert!(settled <= back && back + in_flight <= settled + unsettled);
    assert!(settled * COST + unsettled * WORST <= WORST * FIT);
    assert_eq!(ledger.drop_unsettled(november()).await.unwrap().holds, unsettled);
}
