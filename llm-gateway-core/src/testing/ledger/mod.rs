//! Checks that a ledger keeps the promises of the port [`Ledger`], on which caps depend.
//!
//! The ledgers of this crate pass the same check. Each promise is checked in an empty ledger, by
//! one or more processes that share it, on fixed days of 2026. Nothing waits for a clock, so that a
//! ledger that hangs makes its test hang.
//!
//! ```
//! use std::sync::Arc;
//!
//! use llm_gateway_core::ledger::MemoryLedger;
//! use llm_gateway_core::testing::ledger::{LedgerProcess, check_ledger};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! check_ledger(async || {
//!     // An empty ledger ...
//!     let books = MemoryLedger::new();
//!     // ... and each of the processes that share it.
//!     move || {
//!         let process = books.another_process();
//!         let killed = process.clone();
//!         LedgerProcess::new(Arc::new(process)).killed_by(async move { killed.crash() })
//!     }
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```

mod caps;
mod figures;
mod holds;
mod periods;
mod processes;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::ledger::Ledger;

/// A process that uses the ledger under test.
pub struct LedgerProcess {
    ledger: Arc<dyn Ledger>,
    /// What ends the process as `kill -9` would; `None` if a test cannot do that.
    kill: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl LedgerProcess {
    /// Creates a process that uses the shared contents through `ledger`.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, kill: None }
    }

    /// Sets what ends the process as `kill -9` would: the holds of this process stay, and what they
    /// report from then on is not booked. Without it, promises about dead processes are not
    /// checked.
    #[must_use]
    pub fn killed_by(self, kill: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { kill: Some(Box::pin(kill)), ..self }
    }
}

impl fmt::Debug for LedgerProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LedgerProcess");
        shown.field("can_be_killed", &self.kill.is_some()).finish_non_exhaustive()
    }
}

/// A promise that a ledger did not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenPromise {
    /// The promise, as a sentence.
    pub promise: String,
    /// What was found in its place.
    pub found: String,
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.found)
    }
}

/// The promises that a ledger did not keep. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger breaks {} of its promises: {}", .0.len(), Lines(.0))]
pub struct BrokenPromises(Vec<BrokenPromise>);

impl BrokenPromises {
    /// Returns the broken promises in the order in which they were checked.
    pub fn all(&self) -> &[BrokenPromise] {
        &self.0
    }
}

/// The promises, each on a line of its own.
struct Lines<'a>(&'a [BrokenPromise]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|broken| write!(f, "\n  {broken}"))
    }
}

/// An empty ledger, as a promise is checked in it.
struct Place<'a> {
    open: &'a (dyn Fn() -> LedgerProcess + Send + Sync),
}

impl Place<'_> {
    /// Starts a process that shares the ledger.
    fn process(&self) -> LedgerProcess {
        (self.open)()
    }

    /// Starts a process that shares the ledger and that nobody kills.
    fn ledger(&self) -> Arc<dyn Ledger> {
        self.process().ledger
    }
}

/// Checks each of the named promises in an empty ledger of its own, and collects the broken ones.
macro_rules! broken {
    ($empty:ident: $($room:ident::$promise:ident),* $(,)?) => {{
        let mut broken = Vec::new();
        $(
            let open = $empty().await;
            if let Err(found) = $room::$promise(&Place { open: &open }).await {
                let promise = stringify!($promise).replace('_', " ");
                broken.push(BrokenPromise { promise, found });
            }
        )*
        broken
    }};
}

/// Checks the promises of the port [`Ledger`]. `empty` creates an empty ledger and returns what
/// starts a process that shares it; a ledger of a single process may return itself each time.
///
/// # Errors
/// [`BrokenPromises`] says of each promise that is not kept what was found.
pub async fn check_ledger<O>(empty: impl AsyncFn() -> O) -> Result<(), BrokenPromises>
where
    O: Fn() -> LedgerProcess + Send + Sync,
{
    let broken = broken! { empty:
        caps::a_cap_may_be_reached_and_not_passed,
        caps::a_refusal_has_every_figure,
        caps::attempts_are_held_together_or_not_at_all,
        caps::each_scope_is_capped_by_itself,
        caps::the_refusal_that_lasts_longest_is_returned,
        caps::a_call_that_costs_nothing_is_allowed_though_a_cap_is_passed,
        caps::a_cap_on_what_is_not_asked_refuses_nothing,
        caps::many_callers_at_once_never_pass_a_cap,
        caps::no_sum_wraps_around,
        holds::a_hold_that_never_left_is_released_when_dropped,
        holds::a_hold_that_left_is_settled_whole_when_dropped,
        holds::a_cost_above_the_hold_is_booked_as_it_is,
        holds::a_released_hold_costs_nothing,
        holds::a_settlement_counts_though_nobody_waits_for_it,
        holds::a_reservation_that_nobody_waits_for_is_released,
        holds::two_holds_of_one_attempt_end_as_one,
        holds::the_totals_of_a_reservation_have_its_holds_in_them,
        periods::a_hold_belongs_to_the_day_in_which_it_was_made,
        periods::a_daily_cap_begins_anew_each_day_and_a_monthly_one_does_not,
        periods::the_rows_add_up_to_the_nano_dollar,
        periods::a_report_tells_what_each_cap_leaves,
        processes::another_process_sees_what_this_one_holds,
        processes::what_a_dead_process_held_counts_until_it_is_dropped,
    };
    match broken.is_empty() {
        true => Ok(()),
        false => Err(BrokenPromises(broken)),
    }
}

#[cfg(test)]
mod tests;
