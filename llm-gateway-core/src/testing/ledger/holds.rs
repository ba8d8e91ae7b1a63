//! Promises about holds: what becomes of the money, however an attempt ends.

use std::pin::pin;
use std::task::Poll;

use crate::ledger::{Hold, Ledger, Scope};
use crate::model::CostBasis;

use super::Place;
use super::figures::{
    Kept, call, day, has_sums, held, monthly, nanos, refused, report, same, settle,
};

pub(super) async fn a_hold_that_never_left_is_released_when_dropped(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    drop(held(ledger, on, call("one", "ask", 60)?, &[]).await?);
    has_sums(ledger, on.month(), [0, 0]).await?;
    same("the number of rows", report(ledger, on.month()).await?.rows.len(), 0)
}

pub(super) async fn a_hold_that_left_is_settled_whole_when_dropped(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    let mut hold = held(ledger, on, call("one", "ask", 60)?, &[]).await?;
    hold.sent();
    drop(hold);
    has_sums(ledger, on.month(), [60, 0]).await?;
    let rows = report(ledger, on.month()).await?.rows;
    let counts: Vec<_> = rows.iter().map(|row| (row.calls, row.estimated)).collect();
    same("the calls of each row, and those that are estimates", counts, vec![(1, 1)])
}

pub(super) async fn a_cost_above_the_hold_is_booked_as_it_is(place: &Place<'_>) -> Kept {
    let (ledger, on, caps) = (&*place.ledger(), day("2026-11-30")?, [monthly(100)]);
    let mut hold = held(ledger, on, call("one", "ask", 60)?, &caps).await?;
    hold.sent();
    settle(hold, 160).await?;
    has_sums(ledger, on.month(), [160, 0]).await?;
    let refusal = refused(ledger, on, &[call("one", "ask", 1)?], &caps).await?;
    same("what a passed cap leaves", refusal.left(), nanos(0))
}

pub(super) async fn a_released_hold_costs_nothing(place: &Place<'_>) -> Kept {
    let (ledger, on, caps) = (&*place.ledger(), day("2026-11-30")?, [monthly(100)]);
    let mut hold = held(ledger, on, call("one", "ask", 100)?, &caps).await?;
    hold.sent();
    hold.release().await.map_err(|error| format!("a release fails: {error}"))?;
    has_sums(ledger, on.month(), [0, 0]).await?;
    drop(held(ledger, on, call("one", "ask", 100)?, &caps).await?);
    same("the number of rows", report(ledger, on.month()).await?.rows.len(), 0)
}

pub(super) async fn a_settlement_counts_though_nobody_waits_for_it(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    let hold = held(ledger, on, call("one", "ask", 60)?, &[]).await?;
    drop(hold.settle(nanos(7), CostBasis::Exact));
    has_sums(ledger, on.month(), [7, 0]).await
}

/// The most times that a reservation is polled before its caller leaves.
const MOST_POLLS: usize = 20;

pub(super) async fn a_reservation_that_nobody_waits_for_is_released(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    for polls in 0..MOST_POLLS {
        let reserved = ledger.reserve_one(on, call("one", "ask", 60)?, &[]);
        drop(polled(reserved, polls).await);
    }
    // After the first drain the reservations have been made, and their holds dropped.
    ledger.drain().await.map_err(|error| format!("`drain` fails: {error}"))?;
    has_sums(ledger, on.month(), [0, 0]).await
}

/// Polls `future` at most `times` times, then drops it.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == times {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

pub(super) async fn two_holds_of_one_attempt_end_as_one(place: &Place<'_>) -> Kept {
    let ledger = &*place.ledger();
    let on = day("2026-11-30")?;
    let hold = joined(ledger).await?;
    has_sums(ledger, on.month(), [0, 60]).await?;
    drop(hold);
    has_sums(ledger, on.month(), [0, 0]).await?;
    let mut hold = joined(ledger).await?;
    hold.sent();
    settle(hold, 50).await?;
    has_sums(ledger, on.month(), [50, 0]).await?;
    let calls: u64 = report(ledger, on.month()).await?.rows.iter().map(|row| row.calls).sum();
    same("the number of calls", calls, 1)
}

/// Returns the two holds of an attempt that needed more money than was first set aside for it.
async fn joined(ledger: &dyn Ledger) -> Result<Hold, String> {
    let on = day("2026-11-30")?;
    let first = held(ledger, on, call("one", "ask", 40)?, &[monthly(100)]).await?;
    let more = held(ledger, on, call("one", "ask", 20)?, &[monthly(100)]).await?;
    Ok(first.joined(more))
}

pub(super) async fn the_totals_of_a_reservation_have_its_holds_in_them(place: &Place<'_>) -> Kept {
    let (ledger, on, caps) = (&*place.ledger(), day("2026-11-30")?, [monthly(100)]);
    let _before = held(ledger, on, call("one", "ask", 30)?, &caps).await?;
    let attempts = [call("one", "ask", 20)?, call("two", "ask", 10)?];
    let reserved = ledger.reserve(on, &attempts, &caps).await.map_err(|error| error.to_string())?;
    // A ledger that does not report totals leaves the list empty.
    for total in reserved.totals.iter().filter(|total| caps[0].limits(total)) {
        same("the scope of a total", &total.scope, &Scope::Total)?;
        same("what a total says is held", total.held, nanos(60))?;
    }
    Ok(())
}
