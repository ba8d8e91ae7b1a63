//! What the tightest cap leaves, added to the reply or the failure of a run.

use std::time::Duration;

use tokio::time::timeout;

use crate::ledger::{Cap, CapLeft, Day, Scope, SpendBy};
use crate::outcome::{Budget, Failure, Reply};
use crate::policy::Spending;

use super::active::ActiveRun;

/// The longest time that the end of a run waits for the ledger, if none of its calls was booked.
/// Nobody should wait long to be told what is left.
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

    /// Returns what the tightest cap on the calls of this run leaves. Returns `None` if no cap is
    /// in force, or if the ledger does not answer.
    async fn budget(&self) -> Option<Budget> {
        let spending = self.state.policy.as_deref().ok()?.spending();
        if !spending.is_capped() {
            return None;
        }
        let today = Day::of(self.state.clock.now());
        let mut caps = self.caps_left.known(spending.ledger_caps());
        if caps.is_empty() {
            caps = self.read_caps(spending, today).await;
        }
        let session = spending.session_caps().iter().filter(|cap| self.is_concerned(cap));
        let left =
            |cap: &Cap| CapLeft { left: self.state.lasting.session.left(cap), cap: cap.clone() };
        let tightest = CapLeft::tightest(caps.into_iter().chain(session.map(left)))?;
        Some(Budget::from(&tightest).with_warning(tightest.warning(today)))
    }

    /// Reads what the caps of the day and the month leave, for a run without a booking.
    async fn read_caps(&self, spending: &Spending, today: Day) -> Vec<CapLeft> {
        let caps = spending.ledger_caps().iter().filter(|cap| self.is_concerned(cap));
        let (Some(ledger), true) = (&self.state.ledger, spending.needs_ledger()) else {
            return Vec::new();
        };
        let read = timeout(LEDGER_WAIT, ledger.spent(today.into(), SpendBy::Provider)).await;
        let Ok(Ok(spent)) = read else { return Vec::new() };
        let left = |cap: &Cap| Some(CapLeft { left: spent.left(cap)?, cap: cap.clone() });
        caps.filter_map(left).collect()
    }

    /// Returns whether a cap can limit calls of this run: whether it is not on another task class.
    fn is_concerned(&self, cap: &Cap) -> bool {
        match &cap.scope {
            Scope::Class(class) => class.as_str() == self.task_class,
            Scope::Total | Scope::Provider(_) => true,
        }
    }
}
