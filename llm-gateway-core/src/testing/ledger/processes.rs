//! Promises about several processes that share a ledger.

use crate::ledger::Period;

use super::figures::{Kept, call, day, has_sums, held, monthly, nanos, refused, report, same};
use super::{LedgerProcess, Place};

pub(super) async fn another_process_sees_what_this_one_holds(place: &Place<'_>) -> Kept {
    let (one, other) = (&*place.ledger(), &*place.ledger());
    let (on, caps) = (day("2026-11-30")?, [monthly(100)]);
    let hold = held(one, on, call("one", "ask", 60)?, &caps).await?;
    let refusal = refused(other, on, &[call("one", "ask", 41)?], &caps).await?;
    let figures = (refusal.held, refusal.unsettled);
    same("what a living process holds, and the part of dead ones", figures, (nanos(60), nanos(0)))?;
    has_sums(other, on.month(), [0, 60]).await?;
    let dropped = other.drop_unsettled(on.month()).await;
    let dropped = dropped.map_err(|error| format!("`drop_unsettled` fails: {error}"))?;
    same("the holds of living processes that were dropped", dropped.holds, 0)?;
    hold.release().await.map_err(|error| format!("a release fails: {error}"))?;
    drop(held(other, on, call("one", "ask", 41)?, &caps).await?);
    Ok(())
}

pub(super) async fn what_a_dead_process_held_counts_until_it_is_dropped(place: &Place<'_>) -> Kept {
    let (process, victim) = (&*place.ledger(), place.process());
    let LedgerProcess { ledger: dying, kill: Some(kill) } = victim else { return Ok(()) };
    let (on, caps) = (day("2026-11-30")?, [monthly(100)]);
    let _living = held(process, on, call("one", "ask", 30)?, &caps).await?;
    let mut lost = held(&*dying, on, call("two", "ask", 50)?, &caps).await?;
    lost.sent();
    drop(dying);
    kill.await;
    drop(lost);
    let refusal = refused(process, on, &[call("one", "ask", 21)?], &caps).await?;
    let figures = (refusal.held, refusal.unsettled);
    same("what is held, and the part of dead processes", figures, (nanos(80), nanos(50)))?;
    for period in Period::all_of(on) {
        let spent = report(process, period).await?;
        let figures = [spent.settled, spent.held, spent.unsettled];
        same("settled, held and unsettled of a report", figures, [0, 30, 50].map(nanos))?;
    }
    let dropped = process.drop_unsettled(on.month()).await;
    let dropped = dropped.map_err(|error| format!("`drop_unsettled` fails: {error}"))?;
    same("the dropped holds and their sum", (dropped.holds, dropped.amount), (1, nanos(50)))?;
    has_sums(process, on.month(), [0, 30]).await?;
    drop(held(process, on, call("one", "ask", 70)?, &caps).await?);
    Ok(())
}
