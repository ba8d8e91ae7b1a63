//! One test suite for the ledger in memory and the SQLite ledger, which behave alike.

/// Runs each of the named functions as a test of the ledger in memory and of the SQLite ledger.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod memory { $(#[tokio::test] async fn $name() { super::$name(super::World::memory()).await })* }
        #[cfg(feature = "sqlite")]
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(super::World::sqlite()).await })* }
    };
}

mod conformance;
mod crowd;
mod model;
mod periods;

use std::sync::Arc;

#[cfg(feature = "sqlite")]
use tempfile::TempDir;

use crate::model::{ModelId, NanoUsd, ProviderName, Target, TaskClass};
use crate::testing::ledger::LedgerProcess;

#[cfg(feature = "sqlite")]
use super::SqliteLedger;
use super::{Cap, Day, HoldRequest, Ledger, MemoryLedger, Month, Per, Scope};

/// A ledger that several processes share.
enum World {
    Memory(MemoryLedger),
    #[cfg(feature = "sqlite")]
    Sqlite(TempDir),
}

/// One of the processes that share a ledger.
enum Process {
    Memory(MemoryLedger),
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteLedger),
}

impl World {
    fn memory() -> Self {
        Self::Memory(MemoryLedger::new())
    }

    #[cfg(feature = "sqlite")]
    fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// Starts another process that shares the ledger.
    fn process(&self) -> Process {
        match self {
            Self::Memory(ledger) => Process::Memory(ledger.another_process()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(folder) => {
                Process::Sqlite(SqliteLedger::at(folder.path().join("ledger.db")))
            }
        }
    }
}

impl Process {
    /// Returns the process as the check of the port's promises takes it.
    fn checked(self) -> LedgerProcess {
        match self {
            Self::Memory(ledger) => {
                let killed = ledger.clone();
                LedgerProcess::new(Arc::new(ledger)).killed_by(async move { killed.crash() })
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ledger) => {
                let ledger = Arc::new(ledger);
                let killed = Arc::clone(&ledger);
                let kill = async move { Arc::into_inner(killed).unwrap().crash().await };
                LedgerProcess::new(ledger).killed_by(kill)
            }
        }
    }

    /// Ends the process as `kill -9` would.
    async fn crash(self) {
        match self {
            Self::Memory(ledger) => ledger.crash(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ledger) => ledger.crash().await,
        }
    }
}

impl std::ops::Deref for Process {
    type Target = dyn Ledger;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Memory(ledger) => ledger,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ledger) => ledger,
        }
    }
}

fn usd(nanos: u64) -> NanoUsd {
    NanoUsd::from_nanos(nanos)
}

/// Returns the last day of [`november`], on which most tests make their holds.
fn last_day() -> Day {
    Day::parse("2026-11-30").unwrap()
}

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn provider(name: &str) -> ProviderName {
    ProviderName::new(name).unwrap()
}

/// Returns the hold request of a call to `provider/model` that may cost `nanos`.
fn call(target: &str, nanos: u64) -> HoldRequest {
    let (name, model) = target.split_once('/').unwrap();
    let target = Target::new(provider(name), ModelId::new(model).unwrap());
    HoldRequest::new(target, TaskClass::new("quick_answer").unwrap(), usd(nanos))
}

fn total_cap(nanos: u64) -> Cap {
    Cap::new(Scope::Total, Per::Month, usd(nanos))
}
