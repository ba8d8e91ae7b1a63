//! Tests of a ledger by random histories of several processes, compared with the simplest model of
//! a ledger.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::runtime::Builder;

use crate::ledger::{Cap, Hold, ReserveError, Scope, SpendBy};
use crate::model::CostBasis;

use super::{Process, World, call, november, provider, total_cap, usd};

const TARGETS: [&str; 2] = ["openai/m", "gemini/m"];
const PROCESSES: usize = 3;
const TOTAL: u64 = 1_000;
const OPENAI: u64 = 600;

#[derive(Debug, Clone)]
enum Step {
    Reserve { process: usize, calls: Vec<(usize, u64)> },
    Send(usize),
    Settle(usize, u64),
    Release(usize),
    Drop(usize),
    Crash(usize),
    DropUnsettled(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let process = 0..PROCESSES;
    let calls = prop::collection::vec((0..TARGETS.len(), 0..400_u64), 0..4);
    let step = prop_oneof![
        6 => (process.clone(), calls).prop_map(|(process, calls)| Step::Reserve { process, calls }),
        3 => any::<usize>().prop_map(Step::Send),
        3 => (any::<usize>(), 0..500_u64).prop_map(|(hold, cost)| Step::Settle(hold, cost)),
        2 => any::<usize>().prop_map(Step::Release),
        2 => any::<usize>().prop_map(Step::Drop),
        1 => process.clone().prop_map(Step::Crash),
        1 => process.prop_map(Step::DropUnsettled),
    ];
    prop::collection::vec(step, 1..30)
}

/// An open hold in the model, beside the hold of the ledger under test.
struct Open {
    process: usize,
    target: usize,
    amount: u64,
    sent: bool,
    guard: Hold,
}

/// A random history: the ledger under test, and the model that it is compared with.
struct History {
    world: World,
    processes: Vec<Process>,
    open: Vec<Open>,
    /// The holds of dead processes in the model: (target, amount).
    lost: Vec<(usize, u64)>,
    settled: BTreeMap<usize, (u64, u64)>,
}

impl History {
    fn new(world: World) -> Self {
        let processes = (0..PROCESSES).map(|_| world.process()).collect();
        Self { world, processes, open: vec![], lost: vec![], settled: BTreeMap::new() }
    }

    fn counted(&self, target: usize) -> u64 {
        let held = self.open.iter().filter(|hold| hold.target == target).map(|hold| hold.amount);
        let lost = self.lost.iter().filter(|hold| hold.0 == target).map(|hold| hold.1);
        held.chain(lost).sum::<u64>() + self.settled.get(&target).map_or(0, |booked| booked.0)
    }

    fn fits(&self, calls: &[(usize, u64)]) -> bool {
        let asked = |target| calls.iter().filter(|c| c.0 == target).map(|c| c.1).sum::<u64>();
        let (openai, all) = (asked(0), asked(0) + asked(1));
        let counted = self.counted(0);
        let fits_all = all == 0 || counted + self.counted(1) + all <= TOTAL;
        fits_all && (openai == 0 || counted + openai <= OPENAI)
    }

    fn book(&mut self, target: usize, cost: u64) {
        let booked = self.settled.entry(target).or_default();
        *booked = (booked.0 + cost, booked.1 + 1);
    }

    fn take(&mut self, index: usize) -> Option<Open> {
        (!self.open.is_empty()).then(|| self.open.swap_remove(index % self.open.len()))
    }

    async fn reserve(&mut self, process: usize, calls: &[(usize, u64)]) {
        let caps = [total_cap(TOTAL), Cap::new(Scope::Provider(provider("openai")), usd(OPENAI))];
        let requests: Vec<_> = calls.iter().map(|(t, amount)| call(TARGETS[*t], *amount)).collect();
        match self.processes[process].reserve(november(), &requests, &caps).await {
            Ok(guards) => {
                assert!(self.fits(calls), "{calls:?} passed a cap");
                assert_eq!(guards.len(), calls.len());
                self.open.extend(guards.into_iter().zip(calls).map(
                    |(guard, &(target, amount))| Open {
                        process,
                        target,
                        amount,
                        sent: false,
                        guard,
                    },
                ));
            }
            Err(ReserveError::Refused(_)) => assert!(!self.fits(calls), "{calls:?} was refused"),
            Err(other) => panic!("{other}"),
        }
    }

    async fn apply(&mut self, step: &Step) {
        match *step {
            Step::Reserve { process, ref calls } => self.reserve(process, calls).await,
            Step::Send(index) => {
                let Some(mut hold) = self.take(index) else { return };
                (hold.sent, ()) = (true, hold.guard.sent());
                self.open.push(hold);
            }
            Step::Settle(index, cost) => {
                let Some(hold) = self.take(index) else { return };
                hold.guard.settle(usd(cost), CostBasis::Exact).await.unwrap();
                self.book(hold.target, cost);
            }
            Step::Release(index) => {
                let Some(hold) = self.take(index) else { return };
                hold.guard.release().await.unwrap();
            }
            Step::Drop(index) => {
                let Some(hold) = self.take(index) else { return };
                if hold.sent {
                    self.book(hold.target, hold.amount);
                }
                drop(hold.guard);
                self.processes[hold.process].drain().await.unwrap();
            }
            Step::Crash(process) => {
                std::mem::replace(&mut self.processes[process], self.world.process()).crash().await;
                let (dead, living) =
                    std::mem::take(&mut self.open).into_iter().partition(|h| h.process == process);
                self.open = living;
                let dead: Vec<Open> = dead;
                self.lost.extend(dead.iter().map(|hold| (hold.target, hold.amount)));
            }
            Step::DropUnsettled(process) => {
                let dropped = self.processes[process].drop_unsettled(november()).await.unwrap();
                assert_eq!(dropped.holds, self.lost.len() as u64);
                self.lost.clear();
            }
        }
    }

    async fn compare(&self) {
        for process in &self.processes {
            let spent = process.spent(november(), SpendBy::Provider).await.unwrap();
            let rows: BTreeMap<_, _> = spent
                .rows
                .iter()
                .map(|row| (row.key.clone(), (row.cost.as_nanos(), row.calls)))
                .collect();
            let name = |target: &usize| TARGETS[*target].trim_end_matches("/m").to_owned();
            assert_eq!(rows, self.settled.iter().map(|(t, booked)| (name(t), *booked)).collect());
            assert_eq!(spent.settled, usd(self.settled.values().map(|booked| booked.0).sum()));
            assert_eq!(spent.held, usd(self.open.iter().map(|hold| hold.amount).sum()));
            assert_eq!(spent.unsettled, usd(self.lost.iter().map(|hold| hold.1).sum()));
            for total in &spent.scopes {
                let counted = total.settled.as_nanos() + total.held.as_nanos();
                let expected = match &total.scope {
                    Scope::Total => self.counted(0) + self.counted(1),
                    Scope::Provider(p) => self.counted(usize::from(p.as_str() == "gemini")),
                };
                assert_eq!(counted, expected, "{total:?}");
            }
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
