//! Tests of a ledger by random histories of several processes, compared with the simplest model of
//! a ledger: a list of holds and a list of booked calls, each with its day.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::runtime::Builder;

use crate::ledger::{
    Cap, Day, Hold, HoldRequest, Per, Period, ReserveError, Reserved, Scope, ScopeTotal, SpendBy,
};
use crate::model::{CostBasis, TaskClass};

use super::{Process, World, call, provider, total_cap, usd};

/// The kinds of calls, each a target and a task class.
const KINDS: [(&str, &str); 3] =
    [("openai/m", "coding"), ("gemini/m", "coding"), ("openai/m", "chat")];
/// The days on which holds are made: two of one month, the first of the next, and one of the year
/// after it. A clock that is set back goes from a later one to an earlier one.
const DAYS: [&str; 4] = ["2026-11-29", "2026-11-30", "2026-12-01", "2027-11-30"];
const PROCESSES: usize = 3;

/// The caps that every step of a history is made under.
fn caps() -> Vec<Cap> {
    let openai = Scope::Provider(provider("openai"));
    let coding = Scope::Class(TaskClass::new("coding").unwrap());
    vec![
        total_cap(1_000),
        Cap::new(Scope::Total, Per::Day, usd(700)),
        Cap::new(openai.clone(), Per::Month, usd(600)),
        Cap::new(openai, Per::Day, usd(500)),
        Cap::new(coding.clone(), Per::Day, usd(450)),
        Cap::new(coding, Per::Month, usd(800)),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Reserve { process: usize, day: usize, calls: Vec<(usize, u64)> },
    Send(usize),
    Settle(usize, u64),
    Release(usize),
    Drop(usize),
    Crash(usize),
    DropUnsettled(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let process = 0..PROCESSES;
    let calls = prop::collection::vec((0..KINDS.len(), 0..400_u64), 0..4);
    let reserve = (process.clone(), 0..DAYS.len(), calls);
    let step = prop_oneof![
        6 => reserve.prop_map(|(process, day, calls)| Step::Reserve { process, day, calls }),
        3 => any::<usize>().prop_map(Step::Send),
        3 => (any::<usize>(), 0..500_u64).prop_map(|(hold, cost)| Step::Settle(hold, cost)),
        2 => any::<usize>().prop_map(Step::Release),
        2 => any::<usize>().prop_map(Step::Drop),
        1 => process.clone().prop_map(Step::Crash),
        1 => (process, 0..DAYS.len()).prop_map(|(by, day)| Step::DropUnsettled(by, day)),
    ];
    prop::collection::vec(step, 1..30)
}

/// Money in the model: held for a call, or booked as its cost.
#[derive(Debug, Clone, Copy)]
struct Entry {
    day: Day,
    kind: usize,
    amount: u64,
}

impl Entry {
    /// Returns whether the entry counts in `scope` and in `period`.
    fn counts(&self, period: Period, scope: &Scope) -> bool {
        let (target, class) = KINDS[self.kind];
        let in_scope = match scope {
            Scope::Total => true,
            Scope::Provider(name) => target == format!("{name}/m"),
            Scope::Class(name) => name.as_str() == class,
        };
        // The text decides, in place of the rule that is under test.
        in_scope && self.day.to_string().starts_with(&period.to_string())
    }
}

/// An open hold in the model, beside the hold of the ledger under test.
struct Open {
    process: usize,
    entry: Entry,
    sent: bool,
    guard: Hold,
}

/// A random history: the ledger under test, and the model that it is compared with.
struct History {
    world: World,
    processes: Vec<Process>,
    open: Vec<Open>,
    /// The holds of dead processes.
    lost: Vec<Entry>,
    settled: Vec<Entry>,
}

fn day(index: usize) -> Day {
    Day::parse(DAYS[index]).unwrap()
}

fn request(&(kind, amount): &(usize, u64)) -> HoldRequest {
    let (target, class) = KINDS[kind];
    let like = call(target, amount);
    HoldRequest::new(like.target, TaskClass::new(class).unwrap(), usd(amount))
}

impl History {
    fn new(world: World) -> Self {
        let processes = (0..PROCESSES).map(|_| world.process()).collect();
        Self { world, processes, open: vec![], lost: vec![], settled: vec![] }
    }

    /// Returns the sum of the entries that count in a scope and a period.
    fn sum<'a>(entries: impl Iterator<Item = &'a Entry>, period: Period, scope: &Scope) -> u64 {
        entries.filter(|entry| entry.counts(period, scope)).map(|entry| entry.amount).sum()
    }

    fn held(&self) -> impl Iterator<Item = &Entry> {
        self.open.iter().map(|hold| &hold.entry)
    }

    fn counted(&self, period: Period, scope: &Scope) -> u64 {
        Self::sum(self.held().chain(&self.lost).chain(&self.settled), period, scope)
    }

    /// Returns the caps that do not allow `calls` on `day`.
    fn refusing(&self, day: Day, calls: &[(usize, u64)]) -> Vec<Cap> {
        let asked: Vec<_> =
            calls.iter().map(|&(kind, amount)| Entry { day, kind, amount }).collect();
        let refuses = |cap: &Cap| {
            let period = match cap.per {
                Per::Day => Period::Day(day),
                _ => Period::Month(day.month()),
            };
            let asked = Self::sum(asked.iter(), period, &cap.scope);
            asked > 0 && self.counted(period, &cap.scope) + asked > cap.limit.as_nanos()
        };
        caps().into_iter().filter(refuses).collect()
    }

    fn take(&mut self, index: usize) -> Option<Open> {
        (!self.open.is_empty()).then(|| self.open.swap_remove(index % self.open.len()))
    }

    async fn reserve(&mut self, process: usize, day: Day, calls: &[(usize, u64)]) {
        let requests: Vec<_> = calls.iter().map(request).collect();
        let refusing = self.refusing(day, calls);
        match self.processes[process].reserve(day, &requests, &caps()).await {
            Ok(Reserved { holds: guards, totals }) => {
                assert!(refusing.is_empty(), "{calls:?} passed {refusing:?}");
                assert_eq!(guards.len(), calls.len());
                let open = |(guard, &(kind, amount))| {
                    let entry = Entry { day, kind, amount };
                    Open { process, entry, sent: false, guard }
                };
                self.open.extend(guards.into_iter().zip(calls).map(open));
                self.check_totals(&totals, day, &requests);
            }
            Err(ReserveError::Refused(refused)) => {
                assert!(refusing.contains(&refused.cap), "{calls:?}: {refused}");
                let longest = refusing.iter().map(|cap| cap.per).max();
                assert_eq!(Some(refused.cap.per), longest, "{refused}");
                let (period, scope) = (refused.period.unwrap(), &refused.cap.scope);
                assert!(period.contains(day));
                let [held, lost] = [self.held().collect(), self.lost.iter().collect::<Vec<_>>()]
                    .map(|entries| Self::sum(entries.into_iter(), period, scope));
                let settled = Self::sum(self.settled.iter(), period, scope);
                let figures = [refused.settled, refused.held, refused.unsettled];
                assert_eq!(figures, [settled, held + lost, lost].map(usd), "{refused}");
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Checks the totals that a reservation reported: those of each cap that counts one of its
    /// attempts, with its holds in them.
    fn check_totals(&self, totals: &[ScopeTotal], day: Day, attempts: &[HoldRequest]) {
        let is_counted =
            |cap: &&Cap| attempts.iter().any(|attempt| attempt.scopes().contains(&cap.scope));
        for cap in caps().iter().filter(is_counted) {
            let total = totals.iter().find(|total| cap.limits(total)).unwrap();
            let period = total.period.unwrap();
            assert!(period.contains(day));
            let sum = total.settled.as_nanos() + total.held.as_nanos();
            assert_eq!(sum, self.counted(period, &cap.scope), "{cap}");
        }
        assert!(totals.iter().all(|total| caps().iter().any(|cap| cap.limits(total))));
    }

    async fn apply(&mut self, step: &Step) {
        match *step {
            Step::Reserve { process, day: on, ref calls } => {
                self.reserve(process, day(on), calls).await;
            }
            Step::Send(index) => {
                let Some(mut hold) = self.take(index) else { return };
                (hold.sent, ()) = (true, hold.guard.sent());
                self.open.push(hold);
            }
            Step::Settle(index, cost) => {
                let Some(hold) = self.take(index) else { return };
                hold.guard.settle(usd(cost), CostBasis::Exact).await.unwrap();
                self.settled.push(Entry { amount: cost, ..hold.entry });
            }
            Step::Release(index) => {
                let Some(hold) = self.take(index) else { return };
                hold.guard.release().await.unwrap();
            }
            Step::Drop(index) => {
                let Some(hold) = self.take(index) else { return };
                self.settled.extend(hold.sent.then_some(hold.entry));
                drop(hold.guard);
                self.processes[hold.process].drain().await.unwrap();
            }
            Step::Crash(process) => {
                std::mem::replace(&mut self.processes[process], self.world.process()).crash().await;
                let (dead, living): (Vec<_>, _) =
                    std::mem::take(&mut self.open).into_iter().partition(|h| h.process == process);
                self.open = living;
                self.lost.extend(dead.iter().map(|hold| hold.entry));
            }
            Step::DropUnsettled(process, on) => {
                let month = day(on).month();
                let dropped = self.processes[process].drop_unsettled(month).await.unwrap();
                let before = self.lost.len();
                self.lost.retain(|entry| entry.day.month() != month);
                assert_eq!(dropped.holds, (before - self.lost.len()) as u64);
            }
        }
    }

    async fn compare(&self) {
        for process in &self.processes {
            for on in (0..DAYS.len()).map(day) {
                for period in Period::all_of(on) {
                    self.compare_period(process, period).await;
                }
            }
        }
    }

    async fn compare_period(&self, process: &Process, period: Period) {
        let spent = process.spent(period, SpendBy::TaskClass).await.unwrap();
        let rows: BTreeMap<_, _> = spent
            .rows
            .iter()
            .map(|row| (row.key.clone(), (row.cost.as_nanos(), row.calls)))
            .collect();
        let mut expected: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for entry in self.settled.iter().filter(|entry| entry.counts(period, &Scope::Total)) {
            let row = expected.entry(KINDS[entry.kind].1.to_owned()).or_default();
            *row = (row.0 + entry.amount, row.1 + 1);
        }
        assert_eq!(rows, expected, "{period}");
        let total = |entries| usd(Self::sum(entries, period, &Scope::Total));
        assert_eq!(spent.settled, total(self.settled.iter().collect::<Vec<_>>().into_iter()));
        assert_eq!(spent.held, total(self.held().collect::<Vec<_>>().into_iter()));
        assert_eq!(spent.unsettled, total(self.lost.iter().collect::<Vec<_>>().into_iter()));
        for total in &spent.scopes {
            let counted = total.settled.as_nanos() + total.held.as_nanos();
            let (of, scope) = (total.period.unwrap(), &total.scope);
            assert_eq!(counted, self.counted(of, scope), "{total:?}");
            assert_eq!(total.unsettled, usd(Self::sum(self.lost.iter(), of, scope)), "{total:?}");
        }
        for cap in caps() {
            let covered = Period::all_of(match period {
                Period::Day(day) => day,
                Period::Month(month) => Day::first_of(month),
            });
            let of = covered.into_iter().find(|of| of.per() == cap.per);
            let of = of.filter(|of| of.per() != Per::Day || of == &period);
            let left = |of| cap.limit.as_nanos().saturating_sub(self.counted(of, &cap.scope));
            assert_eq!(spent.left(&cap), of.map(left).map(usd), "{cap:?} in {period}");
        }
    }
}

fn replay(world: World, steps: &[Step]) {
    Builder::new_current_thread().build().unwrap().block_on(async {
        let mut history = History::new(world);
        for step in steps {
            history.apply(step).await;
            history.compare().await;
        }
    });
}

proptest! {
    #[test]
    fn memory_agrees_with_the_model(steps in steps()) {
        replay(World::memory(), &steps);
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    // Each step waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn sqlite_agrees_with_the_model(steps in steps()) {
        replay(World::sqlite(), &steps);
    }
}
