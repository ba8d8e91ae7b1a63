//! The gateway's methods about money: what a day or a month has cost, and what the caps leave.
//!
//! The ledger counts and the policy caps; this module asks both.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::config::PolicyProblems;
use crate::describe::Description;
use crate::error::{Category, Error};
use crate::ledger::{
    Cap, CapLeft, Day, DroppedHolds, Ledger, Month, Per, Period, PeriodSpend, SpendBy,
};
use crate::policy::Policy;
use crate::runtime::with_timers;
use crate::spend::{SpendReport, SpendState};

use super::Gateway;

/// The longest time that a description waits for the ledger. A transaction takes milliseconds. The
/// ledger gives up on a file that another process keeps locked after five seconds, which is too
/// long for a question about what the gateway can do.
const DESCRIPTION_WAITS: Duration = Duration::from_secs(1);

impl Gateway {
    /// Returns the spend report of `period`: its cost grouped by `by`, and what its caps leave.
    /// `None` stands for the current month, in UTC. The report of a time that is not over yet has
    /// every cap that is in force now, those of today and of this session included.
    ///
    /// ```
    /// use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
    /// use llm_gateway_core::{Gateway, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ledger = std::sync::Arc::new(MemoryLedger::new());
    /// let gateway = Gateway::builder().offline().ledger(ledger).build()?;
    /// let answer = gateway.route(Request::new("quick_answer", "hello")).await?;
    /// let report = gateway.spent(None, SpendBy::Model).await?;
    /// assert_eq!(Some(report.spent.settled), answer.cost.amount);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Category::Ledger`] if money is not counted or the ledger cannot be used;
    /// [`Category::PolicyInvalid`] if the policy cannot be used.
    pub async fn spent(&self, period: Option<Period>, by: SpendBy) -> Result<SpendReport, Error> {
        let (policy, ledger) = self.policy_and_ledger()?;
        let today = self.today();
        let period = period.unwrap_or(today.month().into());
        let caps = &policy.spending().caps;
        let has_daily = caps.iter().any(|cap| cap.per == Per::Day);
        let beside = async {
            match period == Period::Month(today.month()) && has_daily {
                true => ledger.spent(today.into(), by).await.map(Some),
                false => Ok(None),
            }
        };
        let (spent, beside) = tokio::try_join!(ledger.spent(period, by), beside)?;
        let is_open = period.contains(today);
        let left = |cap: &Cap| match cap.per {
            Per::Session => is_open.then(|| self.state.lasting.session.left(cap)),
            Per::Day | Per::Month => {
                let of_today = || beside.as_ref().and_then(|today: &PeriodSpend| today.left(cap));
                spent.left(cap).or_else(of_today)
            }
        };
        let caps =
            caps.iter().filter_map(|cap| Some(CapLeft { left: left(cap)?, cap: cap.clone() }));
        let caps = caps.collect();
        Ok(SpendReport { spent, by, caps })
    }

    /// Returns the ledger that counts the gateway's money; `None` if money is not counted.
    ///
    /// Gateways that are built with one ledger share its sums, its thread and its file, and each
    /// holds the sums against its own caps:
    ///
    /// ```
    /// use llm_gateway_core::ledger::MemoryLedger;
    /// use llm_gateway_core::Gateway;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let first = Gateway::builder().ledger(std::sync::Arc::new(MemoryLedger::new())).build()?;
    /// let shared = first.ledger().ok_or("money is not counted")?;
    /// let second = Gateway::builder().ledger(shared).build()?;
    /// # assert!(second.ledger().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn ledger(&self) -> Option<Arc<dyn Ledger>> {
        self.state.ledger.clone()
    }

    /// Returns the current day in UTC, by the gateway's clock. A hold that is made now belongs to
    /// it.
    pub fn today(&self) -> Day {
        Day::of(self.state.clock.now())
    }

    /// Releases the holds of dead processes in `month`, and returns their number and sum. `None`
    /// stands for the current month. The holds of living processes stay.
    ///
    /// # Errors
    /// [`Category::Ledger`] and [`Category::PolicyInvalid`], as with [`spent`](Self::spent).
    pub async fn drop_unsettled(&self, month: Option<Month>) -> Result<DroppedHolds, Error> {
        let (_, ledger) = self.policy_and_ledger()?;
        Ok(ledger.drop_unsettled(month.unwrap_or_else(|| self.today().month())).await?)
    }

    /// Describes the gateway, as [`describe`](Self::describe) does, with the spending of the
    /// current month. If the ledger cannot be used, or takes more than a second, the description
    /// says so instead.
    ///
    /// # Errors
    /// [`PolicyProblems`] lists every problem of a policy that cannot be used.
    pub async fn describe_with_spend(&self) -> Result<Description, PolicyProblems> {
        let description = self.describe()?;
        Ok(Description { spend: Some(self.spend_state().await), ..description })
    }

    /// Returns the spending of the current month, as far as it is known within the time of a
    /// description.
    async fn spend_state(&self) -> SpendState {
        if self.state.ledger.is_none() {
            return SpendState::Off { caps: self.session_caps() };
        }
        let spent = self.spent(None, SpendBy::Provider);
        // Without timers the ledger is waited for as long as it takes; it bounds its own waits.
        let spent = match with_timers() {
            Ok(_) => timeout(DESCRIPTION_WAITS, spent).await.unwrap_or_else(|_| Err(slow())),
            Err(_) => spent.await,
        };
        match spent {
            Ok(report) => SpendState::Known(Box::new(report)),
            Err(error) => SpendState::Unknown {
                error: error.message().to_owned(),
                hint: error.hint().map(str::to_owned),
                caps: self.session_caps(),
            },
        }
    }

    /// Returns the policy and the ledger of the gateway. Without a policy it is unknown whether
    /// there is a ledger, and where.
    fn policy_and_ledger(&self) -> Result<(&Policy, &dyn Ledger), Error> {
        let policy = self.state.policy.as_ref().map_err(Error::from)?;
        let ledger = self.state.ledger.as_deref().ok_or_else(not_counted)?;
        Ok((policy, ledger))
    }

    /// Returns the caps of the session with what each leaves, for which no ledger is asked.
    fn session_caps(&self) -> Vec<CapLeft> {
        let policy = self.state.policy.as_deref().ok();
        let caps = policy.into_iter().flat_map(|policy| policy.spending().session_caps());
        caps.map(|cap| CapLeft { left: self.state.lasting.session.left(cap), cap: cap.clone() })
            .collect()
    }
}

/// Returns the error of a gateway without a ledger.
fn not_counted() -> Error {
    Error::new(Category::Ledger, "the spend ledger is off, so nothing is counted")
        .with_hint("set LLM_GATEWAY_LEDGER=1, or a cap such as LLM_GATEWAY_CAP_TOTAL_MONTHLY=25")
}

/// Returns the error of a ledger that did not answer in the time of a description.
fn slow() -> Error {
    let seconds = DESCRIPTION_WAITS.as_secs();
    Error::new(Category::Ledger, format!("the spend ledger gave no answer within {seconds} s"))
        .with_hint("ask `llm-gateway spend`, which waits longer and says what is wrong")
}
