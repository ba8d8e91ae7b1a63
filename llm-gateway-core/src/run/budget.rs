//! What the tightest cap leaves, added to the reply or the failure of a run.

use std::time::Duration;

use tokio::time::timeout;

use crate::ledger::{Cap, CapLeft, Day, Per, PeriodSpend, SpendBy};
use crate::model::NanoUsd;
use crate::outcome::{Budget, Failure, Reply};
use crate::policy::Spending;

use super::active::ActiveRun;

/// The longest time that the end of a run waits for the ledger, if its bookings have not shown what
/// is left. Nobody should wait long to be told.
const LEDGER_WAIT: Duration = Duration::from_millis(200);

impl ActiveRun<'_> {
    /// Adds to the reply or the failure what the tightest cap on the calls of this run leaves, if
    /// any cap is in force.
    pub(super) async fn with_budget(
        &self,
        ended: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        let Some(budget) = self.budget().await else { return ended };
        match ended {
            Ok(reply) => Ok(reply.with_budget(budget)),
            Err(failure) => Err(failure.with_budget(budget)),
        }
    }

    /// Returns what the tightest cap on the calls of this run leaves. Returns `None` if no cap
    /// limits them, or if the ledger does not answer.
    async fn budget(&self) -> Option<Budget> {
        let spending = self.state.policy.as_deref().ok()?.spending();
        if !spending.is_capped() {
            return None;
        }
        // Every figure is of this day and its month, and so is the moment at which a warning says
        // that the cap begins anew.
        let today = Day::of(self.state.clock.now());
        let tightest = CapLeft::tightest(self.limiting_caps(spending, today).await)?;
        Some(Budget::from(&tightest).with_warning(tightest.warning(today)))
    }

    /// Returns the caps that limit the calls of this run, with what each leaves. What no booking
    /// has shown is read: it is not known of a cap that was not checked, because another one
    /// refused, nor of a day that began since the last booking.
    async fn limiting_caps(&self, spending: &Spending, today: Day) -> Vec<CapLeft> {
        let caps = self.caps_left.limiting(&spending.caps, &self.task_class, today);
        let is_unknown =
            |(cap, left): &(&Cap, Option<NanoUsd>)| cap.per != Per::Session && left.is_none();
        let read = if caps.iter().any(is_unknown) { self.read_spent(today).await } else { None };
        let left = |(cap, known): (&Cap, Option<NanoUsd>)| {
            let left = match cap.per {
                Per::Session => self.state.lasting.session.left(cap),
                _ => known.or_else(|| read.as_ref()?.left(cap))?,
            };
            Some(CapLeft { left, cap: cap.clone() })
        };
        caps.into_iter().filter_map(left).collect()
    }

    /// Reads what the day and its month have cost. Returns `None` if the ledger does not answer in
    /// time.
    async fn read_spent(&self, today: Day) -> Option<PeriodSpend> {
        let spent = self.state.ledger.as_ref()?.spent(today.into(), SpendBy::Provider);
        timeout(LEDGER_WAIT, spent).await.ok()?.ok()
    }
}
