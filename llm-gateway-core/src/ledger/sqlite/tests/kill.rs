//! Tests of real processes that share a ledger file, left alone or killed in the middle of their
//! calls. The test binary starts itself.
//!
//! Each call appends two bytes to a log when it is sent and two when it has ended: the letter of
//! its kind, in capitals and small, and the number of its process. The appends of all processes
//! have one order, which is replayed against every cap afterwards, and against the cap of each
//! session. Callers go on until the money is spent, so the end of a test does not depend on which
//! process was fast.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng, TryRng};
use tempfile::TempDir;

use crate::dispatch::Session;
use crate::environment::Environment;
use crate::ledger::{
    Cap, CapRefusal, HoldRequest, Ledger, Per, PeriodSpend, ReserveError, Scope, SpendBy,
    SqliteLedger,
};
use crate::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};

use super::{last_day, november};

const CHILD: &str = "ledger::sqlite::tests::kill::child";
const FOLDER: &str = "LLM_GATEWAY_TEST_LEDGER_FOLDER";
/// The variable with the number of a process, from 0: each process has a session of its own.
const NUMBER: &str = "LLM_GATEWAY_TEST_PROCESS";

const PROCESSES: usize = 8;
const CALLERS: usize = 40;
const KILLS: usize = 10;
/// The worst case of a call, and its real cost.
const WORST: u64 = 10_000;
const COST: u64 = 1_000;

/// The kinds of calls: a letter in the log, a provider and a task class.
const KINDS: [(u8, &str, &str); 3] =
    [(b'a', "openai", "coding"), (b'b', "openai", "chat"), (b'c', "gemini", "coding")];

/// The number of worst cases that fit under each cap. All three are in the way: of calls that are
/// spread evenly, two thirds count in the provider and two thirds in the class.
const FIT: [u64; 3] = [64, 42, 42];

/// The number of worst cases that fit under the cap of a session.
const FIT_SESSION: u64 = 14;

/// The number of calls that a caller tries, of which about 50 are usual, before something must be
/// wrong.
const TRIES: usize = 800;

/// Returns the caps of a day that all processes have: in total, on a provider and on a class.
fn caps() -> [Cap; 3] {
    let openai = Scope::Provider(ProviderName::new("openai").unwrap());
    let coding = Scope::Class(TaskClass::new("coding").unwrap());
    let [total, provider, class] = FIT.map(|fit| NanoUsd::from_nanos(WORST * fit));
    [(Scope::Total, total), (openai, provider), (coding, class)]
        .map(|(scope, limit)| Cap::new(scope, Per::Day, limit))
}

/// Returns the cap that each process has for its own life.
fn session_cap() -> Cap {
    Cap::new(Scope::Total, Per::Session, NanoUsd::from_nanos(WORST * FIT_SESSION))
}

/// Returns whether a call of a kind counts under a cap.
fn counts((_, provider, class): (u8, &str, &str), cap: &Cap) -> bool {
    match &cap.scope {
        Scope::Total => true,
        Scope::Provider(name) => name.as_str() == provider,
        Scope::Class(name) => name.as_str() == class,
    }
}

fn call((_, provider, class): (u8, &str, &str)) -> HoldRequest {
    let target = Target::new(ProviderName::new(provider).unwrap(), ModelId::new("m").unwrap());
    HoldRequest::new(target, TaskClass::new(class).unwrap(), NanoUsd::from_nanos(WORST))
}

/// A process that makes calls: its number, its ledger and its session.
#[derive(Clone)]
struct Caller {
    number: u8,
    ledger: Arc<SqliteLedger>,
    session: Arc<Session>,
}

/// A caller that makes calls of one kind until what is spent under a cap, and what dead processes
/// hold, leaves no room for a worst case. Each call is held in the session first, and then at the
/// ledger, as a booking does.
async fn caller(
    Caller { number, ledger, session }: Caller,
    kind: (u8, &'static str, &'static str),
    mut calls: File,
    mut refusals: File,
) {
    let session_caps = [session_cap()];
    for _ in 0..TRIES {
        let held = match session.take(&[call(kind)], &session_caps) {
            Ok(mut holds) => match ledger.reserve_one(last_day(), call(kind), &caps()).await {
                Ok(hold) => Ok((holds.remove(0), hold)),
                Err(error) => Err(error),
            },
            Err(refused) => Err(refused.into()),
        };
        let (mut in_session, mut hold) = match held {
            Ok(held) => held,
            Err(ReserveError::Refused(refused)) => {
                let by = caps().iter().position(|cap| *cap == refused.cap);
                refusals.write_all(by.unwrap_or(FIT.len()).to_string().as_bytes()).unwrap();
                if used_up(&refused) {
                    return;
                }
                // There would be room without what other processes hold.
                ledger.spent(last_day().into(), SpendBy::Model).await.unwrap();
                continue;
            }
            Err(other) => panic!("{other}"),
        };
        in_session.sent();
        hold.sent();
        calls.write_all(&[kind.0.to_ascii_uppercase(), number]).unwrap();
        // A call takes long enough for the other processes to get their turn at the file.
        ledger.spent(last_day().into(), SpendBy::Model).await.unwrap();
        calls.write_all(&[kind.0, number]).unwrap();
        in_session.settle(NanoUsd::from_nanos(COST));
        hold.settle(NanoUsd::from_nanos(COST), CostBasis::Exact).await.unwrap();
    }
    panic!("no cap is used up, and none lets a call through");
}

fn used_up(refused: &CapRefusal) -> bool {
    let spent = refused.settled.saturating_add(refused.unsettled);
    spent.as_nanos() + WORST > refused.cap.limit.as_nanos()
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
    let number = environment.get(NUMBER).unwrap().parse().unwrap();
    let process = Caller { number, ledger, session: Arc::default() };
    let callers = (0..CALLERS).map(|caller_number| {
        let kind = KINDS[caller_number % KINDS.len()];
        caller(process.clone(), kind, append("calls"), append("refusals"))
    });
    futures_util::future::join_all(callers).await;
}

/// A ledger file, and the processes that share it.
struct Crowd {
    folder: TempDir,
    running: Vec<Child>,
    /// The number of processes that were started, killed ones included.
    started: u8,
}

/// The money and the calls under one cap that the log of a test shows.
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
        let mut crowd = Self { folder, running: Vec::new(), started: 0 };
        for _ in 0..PROCESSES {
            let process = crowd.start_one();
            crowd.running.push(process);
        }
        crowd
    }

    /// Starts a process with the next number.
    fn start_one(&mut self) -> Child {
        self.started += 1;
        start(self.folder.path(), self.started - 1)
    }

    fn calls(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// Kills a process once the log has grown by `more` bytes, and starts another in its place.
    /// Returns whether the process was still at work.
    fn kill(&mut self, number: usize, more: u64) -> bool {
        let path = self.calls();
        let written = || std::fs::metadata(&path).map_or(0, |log| log.len());
        let length = written() + 2 * more;
        let victim = &mut self.running[number];
        // What dead processes hold may use up the cap; the process then ends by itself.
        let mut ended = None;
        while ended.is_none() && written() < length {
            std::thread::yield_now();
            ended = victim.try_wait().unwrap();
        }
        assert!(ended.is_none_or(|status| status.success()));
        victim.kill().unwrap();
        victim.wait().unwrap();
        self.running[number] = self.start_one();
        ended.is_none()
    }

    /// Waits until all processes have ended by themselves.
    fn end(&mut self) {
        for process in &mut self.running {
            assert!(process.wait().unwrap().success());
        }
    }

    /// Replays the log, and checks every moment of it against each cap of a day.
    fn replay(&self) -> [Replayed; 3] {
        caps().map(|cap| self.replay_under(&cap, |_| true))
    }

    /// Replays the log of each process, and checks every moment of it against the cap of its
    /// session.
    fn replay_sessions(&self) -> Vec<Replayed> {
        let replay = |number| self.replay_under(&session_cap(), |of| of == number);
        (0..self.started).map(replay).collect()
    }

    /// Replays the calls of the processes that `is_meant` selects, and checks every moment against
    /// a cap.
    fn replay_under(&self, cap: &Cap, is_meant: impl Fn(u8) -> bool) -> Replayed {
        let log = std::fs::read(self.calls()).unwrap();
        let mut seen = Replayed::default();
        for event in log.chunks_exact(2) {
            let kind = KINDS.into_iter().find(|kind| event[0].eq_ignore_ascii_case(&kind.0));
            if !counts(kind.unwrap(), cap) || !is_meant(event[1]) {
                continue;
            }
            match event[0].is_ascii_uppercase() {
                true => seen.in_flight += 1,
                false => (seen.in_flight, seen.back) = (seen.in_flight - 1, seen.back + 1),
            }
            seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
            seen.most = seen.most.max(seen.in_flight * WORST + seen.back * COST);
            assert!(seen.most <= cap.limit.as_nanos(), "{cap:?}: {seen:?}");
        }
        seen
    }

    /// Returns the number of calls that each cap of a day refused, and that of the sessions.
    fn refusals(&self) -> [usize; 4] {
        let log = std::fs::read(self.folder.path().join("refusals")).unwrap();
        [b'0', b'1', b'2', b'3'].map(|cap| log.iter().filter(|by| **by == cap).count())
    }

    /// Returns the report of the day, after it was checked that no cap is passed, and that the
    /// calls of each kind were made until a cap was used up.
    async fn spent(&self) -> PeriodSpend {
        let ledger = self.ledger();
        let spent = ledger.spent(last_day().into(), SpendBy::Model).await.unwrap();
        let month = ledger.spent(november().into(), SpendBy::Model).await.unwrap();
        assert_eq!(
            (&spent.rows, spent.settled, spent.held, spent.unsettled),
            (&month.rows, month.settled, month.held, month.unsettled)
        );
        let left = caps().map(|cap| spent.left(&cap).unwrap().as_nanos());
        for cap in caps() {
            let total = spent.scopes.iter().find(|total| cap.limits(total)).unwrap();
            assert!(total.settled.saturating_add(total.held) <= cap.limit, "{total:?}");
        }
        for kind in KINDS {
            let of_kind = caps().into_iter().zip(left).filter(|(cap, _)| counts(kind, cap));
            assert!(of_kind.into_iter().any(|(_, left)| left < WORST), "{kind:?}: {left:?}");
        }
        spent
    }

    fn ledger(&self) -> SqliteLedger {
        SqliteLedger::at(self.folder.path().join("ledger.db"))
    }
}

fn start(folder: &Path, number: u8) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Prints what became of the calls under each cap.
fn show(what: &str, crowd: &Crowd, seen: &[Replayed; 3], spent: &PeriodSpend) {
    let refusals = crowd.refusals();
    println!("{PROCESSES} x {CALLERS}, {what}: {spent:?}");
    for ((cap, seen), refused) in caps().iter().zip(seen).zip(refusals) {
        let (scope, per, limit) = (&cap.scope, cap.per.as_str(), cap.limit.as_nanos() / WORST);
        let over = seen.most.saturating_sub(cap.limit.as_nanos());
        println!("{scope} per {per}, {limit} fit: {seen:?}, {over} over, {refused} refused by it");
    }
    let sessions = crowd.replay_sessions();
    let most = sessions.iter().map(|seen| seen.most).max().unwrap_or_default();
    let (limit, over) = (WORST * FIT_SESSION, most.saturating_sub(WORST * FIT_SESSION));
    let (number, refused) = (sessions.len(), refusals[3]);
    println!(
        "{number} sessions, {limit} n$ each: at most {most} n$ in one, {over} over, {refused} refused"
    );
}

#[tokio::test]
async fn a_crowd_of_processes_spends_the_caps_and_not_a_nano_dollar_more() {
    let mut crowd = Crowd::start();
    crowd.end();
    let (seen, refusals, spent) = (crowd.replay(), crowd.refusals(), crowd.spent().await);
    show("left alone", &crowd, &seen, &spent);
    assert!(refusals[3] > 0, "no session was in the way: {refusals:?}");
    // Which cap is the first to be used up depends on who was fast.
    let in_the_way = refusals.iter().filter(|refused| **refused > 0).count();
    assert!(in_the_way >= 2, "{refusals:?}");
    assert_eq!((spent.held, spent.unsettled), (NanoUsd::ZERO, NanoUsd::ZERO));
    for (cap, seen) in caps().iter().zip(&seen) {
        assert_eq!(seen.in_flight, 0);
        let total = spent.scopes.iter().find(|total| cap.limits(total)).unwrap();
        assert_eq!(total.settled.as_nanos(), seen.back * COST);
    }
    assert_eq!(spent.rows[0].calls, seen[0].back);
}

#[tokio::test]
async fn killed_processes_never_pass_a_cap() {
    let seed = SysRng.try_next_u64().unwrap();
    println!("seed {seed}"); // shown where the test fails, wherever that is
    let mut random = StdRng::seed_from_u64(seed);
    let mut crowd = Crowd::start();
    let at_work = (0..KILLS)
        .filter(|_| crowd.kill(random.random_range(0..PROCESSES), random.random_range(1..60)))
        .count();
    crowd.end();
    let (seen, spent) = (crowd.replay(), crowd.spent().await);
    show(&format!("{at_work} of {KILLS} kills at work"), &crowd, &seen, &spent);
    assert!(crowd.refusals()[3] > 0, "no session was in the way");
    assert!(at_work > 0, "nobody was killed at work");
    // Every call that was sent is counted in each of its scopes, settled or not.
    for (cap, seen) in caps().iter().zip(&seen) {
        let total = spent.scopes.iter().find(|total| cap.limits(total)).unwrap();
        let (settled, unsettled) = (total.settled.as_nanos() / COST, total.held.as_nanos() / WORST);
        assert!(settled <= seen.back && seen.back + seen.in_flight <= settled + unsettled);
    }
    let unsettled = spent.unsettled.as_nanos() / WORST;
    assert_eq!(spent.held, NanoUsd::ZERO);
    assert_eq!(crowd.ledger().drop_unsettled(november()).await.unwrap().holds, unsettled);
    let after = crowd.ledger().spent(last_day().into(), SpendBy::Model).await.unwrap();
    assert!(after.scopes.iter().all(|total| total.held == NanoUsd::ZERO), "{after:?}");
}
