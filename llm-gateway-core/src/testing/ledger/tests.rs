//! The check notices each fault that a ledger can have.

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::ledger::{
    Cap, Day, DroppedHolds, Hold, HoldEnd, HoldRequest, HoldSlot, MemoryLedger, Month, Per, Period,
    PeriodSpend, ReserveError, Reserved, SpendBy, UnusableLedger, WriteConfirmation,
};
use crate::model::{CostBasis, NanoUsd};

/// What a ledger does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    IgnoresCaps,
    IgnoresDays,
    IgnoresMonths,
    HoldsOneByOne,
    KeepsDropped,
    ReleasesSent,
    CutsCosts,
    BooksReleases,
    ForgetsRows,
    ForgetsScopes,
    MixesHolds,
    CountsInOneDay,
    LosesSettlements,
    DropsTheLiving,
    RefusesWhatIsFree,
    ForgetsTheDead,
    SharesNothing,
}

const FAULTS: [Fault; 17] = [
    Fault::IgnoresCaps,
    Fault::IgnoresDays,
    Fault::IgnoresMonths,
    Fault::HoldsOneByOne,
    Fault::KeepsDropped,
    Fault::ReleasesSent,
    Fault::CutsCosts,
    Fault::BooksReleases,
    Fault::ForgetsRows,
    Fault::ForgetsScopes,
    Fault::MixesHolds,
    Fault::CountsInOneDay,
    Fault::LosesSettlements,
    Fault::DropsTheLiving,
    Fault::RefusesWhatIsFree,
    Fault::ForgetsTheDead,
    Fault::SharesNothing,
];

/// A ledger with a fault.
#[derive(Clone)]
struct Faulty(MemoryLedger, Fault);

struct FaultySlot {
    right: Option<Hold>,
    fault: Fault,
}

impl HoldSlot for FaultySlot {
    fn close(mut self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
        let Some(mut right) = self.right.take() else { return };
        let (amount, fault) = (right.amount(), self.fault);
        right.sent();
        match (end, fault) {
            (HoldEnd::Settled { basis: CostBasis::Estimated, .. }, Fault::ReleasesSent) => {
                drop(right.release());
            }
            (HoldEnd::Settled { .. }, Fault::LosesSettlements) => std::mem::forget(right),
            (HoldEnd::Settled { cost, basis }, Fault::CutsCosts) => {
                drop(right.settle(cost.min(amount), basis));
            }
            (HoldEnd::Settled { cost, basis }, _) => drop(right.settle(cost, basis)),
            (HoldEnd::Released, Fault::KeepsDropped) => std::mem::forget(right),
            (HoldEnd::Released, Fault::BooksReleases) => drop(right),
            (HoldEnd::Released, _) => drop(right.release()),
        }
        confirmation.send(Ok(()));
    }
}

impl Faulty {
    fn caps(&self, caps: &[Cap]) -> Vec<Cap> {
        let is_seen = |cap: &&Cap| match self.1 {
            Fault::IgnoresCaps => false,
            Fault::IgnoresDays => cap.per != Per::Day,
            Fault::IgnoresMonths => cap.per != Per::Month,
            _ => true,
        };
        caps.iter().filter(is_seen).cloned().collect()
    }

    fn day(&self, day: Day) -> Day {
        match self.1 {
            Fault::CountsInOneDay => Day::parse("2026-11-30").unwrap(),
            _ => day,
        }
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let (day, caps) = (self.day(day), self.caps(caps));
        let mut reserved = Reserved::default();
        if self.1 == Fault::HoldsOneByOne {
            for attempt in attempts {
                let one = self.0.reserve(day, std::slice::from_ref(attempt), &caps).await?;
                reserved.holds.extend(one.holds);
            }
        } else if self.1 == Fault::RefusesWhatIsFree {
            let mut attempts = attempts.to_vec();
            attempts.iter_mut().for_each(|it| it.amount = it.amount.max(NanoUsd::from_nanos(1)));
            reserved = self.0.reserve(day, &attempts, &caps).await?;
        } else {
            reserved = self.0.reserve(day, attempts, &caps).await?;
        }
        if self.1 == Fault::MixesHolds {
            reserved.holds.reverse();
        }
        let slot = |hold: Hold| {
            let amount = hold.amount();
            Hold::new(amount, Box::new(FaultySlot { right: Some(hold), fault: self.1 }))
        };
        Ok(Reserved::new(reserved.holds.into_iter().map(slot).collect()))
    }

    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        let mut spent = self.0.spent(period, by).await?;
        match self.1 {
            Fault::ForgetsRows => spent.rows.clear(),
            Fault::ForgetsScopes => spent.scopes.truncate(1),
            Fault::ForgetsTheDead => spent.unsettled = NanoUsd::ZERO,
            _ => {}
        }
        Ok(spent)
    }

    async fn drop_unsettled(&self, month: Month) -> Result<DroppedHolds, UnusableLedger> {
        let mut dropped = self.0.drop_unsettled(month).await?;
        if self.1 == Fault::DropsTheLiving {
            dropped.add(NanoUsd::from_nanos(60));
        }
        Ok(dropped)
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        Ok(())
    }
}

async fn checked(fault: Fault) -> Result<(), BrokenPromises> {
    check_ledger(async || {
        let books = MemoryLedger::new();
        move || {
            let own = match fault {
                Fault::SharesNothing => MemoryLedger::new(),
                _ => books.another_process(),
            };
            let killed = own.clone();
            LedgerProcess::new(Arc::new(Faulty(own, fault)))
                .killed_by(async move { killed.crash() })
        }
    })
    .await
}

#[tokio::test]
async fn a_ledger_that_keeps_its_promises_passes_and_each_fault_is_found() {
    assert_eq!(checked(Fault::None).await, Ok(()));
    for fault in FAULTS {
        let broken = checked(fault).await.expect_err(&format!("{fault:?} passes"));
        assert!(!broken.all().is_empty());
        let told = broken.to_string();
        assert!(
            told.lines().count() == broken.all().len() + 1 && !told.contains("Request"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_process_that_cannot_be_killed_is_checked_for_the_rest() {
    let checked = check_ledger(async || {
        let books = MemoryLedger::new();
        move || LedgerProcess::new(Arc::new(books.another_process()))
    });
    assert_eq!(checked.await, Ok(()));
}
