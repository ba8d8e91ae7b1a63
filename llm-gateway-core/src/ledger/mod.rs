//! The ledger port: sets money aside before an attempt is sent, and books its cost afterwards.
//!
//! [`Ledger::reserve`] is one atomic step. It checks several attempts against every cap (settled
//! and held money plus what is asked) and sets money aside for all of them or for none. Each
//! attempt gets a [`Hold`], which covers it alone and ends when it is settled, released or dropped.
//! A hold whose process died stays counted, as *unsettled*, until [`Ledger::drop_unsettled`] is
//! called.
//!
//! A hold belongs to the day in which it was made, and to the month of that day, whenever it ends.
//! Days and months are keys of the calendar, so nothing resets a sum. A cap per session is the
//! gateway's own to keep: no ledger knows when a session begins.
//!
//! A ledger knows neither prices nor the policy: amounts, caps and the day are arguments.
//! [`MemoryLedger`] ends with its process. The SQLite ledger (`SqliteLedger`, with the feature
//! `sqlite`) is one file that all processes of a user share. Both pass the same tests. A program
//! can bring a ledger of its own with
//! [`GatewayBuilder::ledger`](crate::GatewayBuilder::ledger); [`Ledger`] shows one.

mod cap;
mod day;
mod error;
mod hold;
mod hold_request;
mod memory;
mod month;
mod period;
mod period_spend;
mod reserved;
mod rule;
mod scope;
#[cfg(feature = "sqlite")]
mod sqlite;

use async_trait::async_trait;

pub use cap::{Cap, CapLeft, CapRefusal, Measure};
pub use day::{Day, InvalidDay};
pub use error::{Problem, ReserveError, UnusableLedger};
pub use hold::{Hold, HoldEnd, HoldSlot, WriteConfirmation};
pub use hold_request::HoldRequest;
pub(crate) use hold_request::asked;
pub use memory::MemoryLedger;
pub use month::{InvalidMonth, Month};
pub use period::{Per, Period};
pub use period_spend::{DroppedHolds, PeriodSpend, SpendBy, SpentRow};
pub use reserved::Reserved;
pub use scope::{Scope, ScopeTotal};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLedger;

/// A store that counts what attempts cost, and sets money aside for attempts before they are sent.
///
/// A panic in a program's ledger makes it unusable for that call ([`Problem::Interrupted`]): under
/// a cap the call is not made, and without one it goes on and is not recorded. On a runtime of
/// several threads each method is waited for in a task of its own, so that a ledger that blocks its
/// thread keeps nobody else waiting. A future that is not waited for any longer is dropped as soon
/// as it yields, and so are the holds that it returns, which releases them. [`HoldSlot::close`]
/// must neither block nor panic; if it panics, the end of that hold counts as not written.
///
/// # Using a ledger
///
/// ```
/// use llm_gateway_core::ledger::{
///     Cap, Day, HoldRequest, Ledger, MemoryLedger, Per, Scope, SpendBy,
/// };
/// use llm_gateway_core::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target = Target::new(ProviderName::new("openai")?, ModelId::new("gpt-6-luna")?);
/// let worst_case = NanoUsd::parse_usd("0.60")?;
/// let attempt = HoldRequest::new(target, TaskClass::new("quick_answer")?, worst_case);
/// let caps = [Cap::new(Scope::Total, Per::Day, NanoUsd::parse_usd("1.00")?)];
/// let (ledger, day) = (MemoryLedger::new(), Day::parse("2026-11-30")?);
///
/// let mut hold = ledger.reserve_one(day, attempt.clone(), &caps).await?;
/// // A second attempt does not fit under the cap while the first is held ...
/// assert!(ledger.reserve_one(day, attempt.clone(), &caps).await.is_err());
/// hold.sent();
/// hold.settle(NanoUsd::parse_usd("0.01")?, CostBasis::Exact).await?;
/// // ... and fits once the first has turned out cheap.
/// ledger.reserve_one(day, attempt, &caps).await?.release().await?;
/// let month = ledger.spent(day.month().into(), SpendBy::Provider).await?;
/// assert_eq!(month.settled, NanoUsd::parse_usd("0.01")?);
/// # Ok(())
/// # }
/// ```
///
/// # Writing a ledger
///
/// [`check_ledger`](crate::testing::ledger::check_ledger) checks a ledger in a program's own tests.
///
/// A ledger checks the caps, returns one [`Hold`] for each attempt, and books the end of each hold
/// in a [`HoldSlot`]. This one keeps rows in memory:
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use async_trait::async_trait;
/// use llm_gateway_core::ledger::{
///     Cap, CapRefusal, Day, DroppedHolds, Hold, HoldEnd, HoldRequest, HoldSlot, Ledger, Month,
///     Period, PeriodSpend, ReserveError, Reserved, Scope, ScopeTotal, SpendBy, SpentRow,
///     UnusableLedger, WriteConfirmation,
/// };
/// use llm_gateway_core::model::NanoUsd;
///
/// /// An attempt, and how its hold ended.
/// struct Row {
///     day: Day,
///     attempt: HoldRequest,
///     end: Option<HoldEnd>,
/// }
///
/// #[derive(Clone, Default)]
/// struct Rows(Arc<Mutex<Vec<Row>>>);
///
/// /// Returns what a scope has settled and holds in a period.
/// fn total(rows: &[Row], period: Period, scope: &Scope) -> ScopeTotal {
///     let mut total = ScopeTotal::new(period, scope.clone(), NanoUsd::ZERO, NanoUsd::ZERO);
///     let counts = |row: &&Row| period.contains(row.day) && row.attempt.scopes().contains(scope);
///     for row in rows.iter().filter(counts) {
///         match row.end {
///             None => total.held = total.held.saturating_add(row.attempt.amount),
///             Some(HoldEnd::Settled { cost, .. }) => {
///                 total.settled = total.settled.saturating_add(cost);
///             }
///             Some(_) => {}
///         }
///     }
///     total
/// }
///
/// #[async_trait]
/// impl Ledger for Rows {
///     async fn reserve(
///         &self,
///         day: Day,
///         attempts: &[HoldRequest],
///         caps: &[Cap],
///     ) -> Result<Reserved, ReserveError> {
///         let mut rows = self.0.lock().unwrap();
///         // A cap is checked once, against the sum of all attempts that count in its scope.
///         let refusals = caps.iter().filter_map(|cap| {
///             let counts = |it: &&HoldRequest| it.scopes().contains(&cap.scope);
///             let asked = attempts.iter().filter(counts).map(|it| it.amount);
///             let asked = asked.reduce(NanoUsd::saturating_add)?;
///             cap.check(&total(&rows, Period::of(cap.per, day)?, &cap.scope), asked).err()
///         });
///         if let Some(refused) = CapRefusal::longest(refusals) {
///             return Err(refused.into());
///         }
///         let hold = |attempt: &HoldRequest| {
///             let slot = Slot { rows: self.clone(), at: rows.len() };
///             rows.push(Row { day, attempt: attempt.clone(), end: None });
///             Hold::new(attempt.amount, Box::new(slot))
///         };
///         Ok(Reserved::new(attempts.iter().map(hold).collect()))
///     }
///
///     async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
///         let rows = self.0.lock().unwrap();
///         let settled = rows.iter().filter(|row| period.contains(row.day)).filter_map(|row| {
///             let Some(HoldEnd::Settled { cost, basis, .. }) = row.end else { return None };
///             let key = match by {
///                 SpendBy::Provider => row.attempt.target.provider.to_string(),
///                 SpendBy::Model => row.attempt.target.model.to_string(),
///                 _ => row.attempt.task_class.to_string(),
///             };
///             Some(SpentRow::of_call(key, cost, basis))
///         });
///         let mut spend = PeriodSpend::new(period).with_calls(settled);
///         spend.held = total(&rows, period, &Scope::Total).held;
///         // The report of a day has the totals of its month too.
///         let mut scopes: Vec<Scope> = rows.iter().flat_map(|row| row.attempt.scopes()).collect();
///         scopes.sort();
///         scopes.dedup();
///         let mut periods = vec![period, period.month().into()];
///         periods.dedup();
///         for period in periods {
///             spend.scopes.extend(scopes.iter().map(|scope| total(&rows, period, scope)));
///         }
///         Ok(spend)
///     }
///
///     async fn drop_unsettled(&self, _: Month) -> Result<DroppedHolds, UnusableLedger> {
///         // The rows end with this process, so no dead process has any.
///         Ok(DroppedHolds::default())
///     }
///
///     async fn drain(&self) -> Result<(), UnusableLedger> {
///         Ok(())
///     }
/// }
///
/// /// The row in which the end of a hold is booked.
/// struct Slot {
///     rows: Rows,
///     at: usize,
/// }
///
/// impl HoldSlot for Slot {
///     fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
///         self.rows.0.lock().unwrap()[self.at].end = Some(end);
///         confirmation.send(Ok(()));
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use llm_gateway_core::testing::ledger::{LedgerProcess, check_ledger};
/// use llm_gateway_core::{Gateway, Request};
///
/// // In a test of the program:
/// check_ledger(async || {
///     let rows = Rows::default();
///     move || LedgerProcess::new(Arc::new(rows.clone()))
/// })
/// .await?;
///
/// let gateway = Gateway::builder().offline().ledger(Arc::new(Rows::default())).build()?;
/// let answer = gateway.route(Request::new("quick_answer", "hello")).await?;
/// let report = gateway.spent(None, SpendBy::Provider).await?;
/// assert_eq!(Some(report.spent.settled), answer.cost.amount);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Sets money aside for `attempts`, for all of them or for none, and returns one hold for each,
    /// in the same order, with the totals that the caps limit.
    ///
    /// Each cap is checked in `day`, or in its month, as [`Cap::check`] does, once for all
    /// `attempts`: what is asked of it is the sum of those that count in its scope
    /// ([`HoldRequest::scopes`]). A cap on a scope that no attempt counts in refuses nothing. A
    /// gateway keeps its caps per session itself, and passes none to a ledger; the ledgers of this
    /// crate refuse one, because they would not hold it.
    ///
    /// # Errors
    /// [`ReserveError::Refused`] names the cap that does not allow the attempts; of several, the
    /// one whose refusal lasts longest, as [`CapRefusal::longest`] decides.
    /// [`ReserveError::Unusable`] says what is wrong with the ledger.
    ///
    /// # Cancel safety
    /// What was set aside for a dropped future is released.
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError>;

    /// Returns what `period` has cost so far, in rows grouped by `by`, and what is held in it.
    /// [`PeriodSpend::scopes`] has the totals of a day's month too.
    ///
    /// # Errors
    /// [`UnusableLedger`] if the ledger cannot be read.
    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger>;

    /// Releases the holds of dead processes in `month`, in its days too, and returns their number
    /// and sum. The holds of living processes stay.
    ///
    /// # Errors
    /// [`UnusableLedger`] if the ledger cannot be written.
    async fn drop_unsettled(&self, month: Month) -> Result<DroppedHolds, UnusableLedger>;

    /// Waits until the ledger has written the end of every hold that was settled, released or
    /// dropped before. It is the last thing to do before a process ends.
    ///
    /// # Errors
    /// [`UnusableLedger`] if the end of a hold could not be written. The hold then stays counted at
    /// its whole amount.
    async fn drain(&self) -> Result<(), UnusableLedger>;

    /// Returns whether the gateway guards itself against panics and blocked threads of this ledger,
    /// by which each call takes some microseconds longer. It is true by default, and false for the
    /// ledgers of this crate.
    fn needs_isolation(&self) -> bool {
        true
    }

    /// Sets money aside for one attempt. See [`reserve`](Self::reserve).
    ///
    /// # Errors
    /// [`ReserveError`], as with [`reserve`](Self::reserve).
    async fn reserve_one(
        &self,
        day: Day,
        attempt: HoldRequest,
        caps: &[Cap],
    ) -> Result<Hold, ReserveError> {
        let reserved = self.reserve(day, &[attempt], caps).await?;
        reserved
            .holds
            .into_iter()
            .next()
            .ok_or_else(|| UnusableLedger::stopped("the ledger").into())
    }
}

#[cfg(test)]
mod tests;
