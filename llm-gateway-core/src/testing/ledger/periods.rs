//! Promises about days and months, and about reports.

use crate::ledger::{Cap, Per, Scope, SpendBy};
use crate::model::CostBasis;

use super::Place;
use super::figures::{
    Kept, call, call_of, class, day, has_sums, held, nanos, provider, refused, report, same,
    settle, spend,
};

pub(super) async fn a_hold_belongs_to_the_day_in_which_it_was_made(place: &Place<'_>) -> Kept {
    let ledger = &*place.ledger();
    let (before, after) = (day("2026-11-30")?, day("2026-12-01")?);
    let settled = held(ledger, before, call("one", "ask", 90)?, &[]).await?;
    let mut dropped = held(ledger, before, call("one", "ask", 3)?, &[]).await?;
    let _next = held(ledger, after, call("one", "ask", 5)?, &[]).await?;
    settle(settled, 80).await?;
    dropped.sent();
    drop(dropped);
    has_sums(ledger, before, [83, 0]).await?;
    has_sums(ledger, before.month(), [83, 0]).await?;
    has_sums(ledger, after, [0, 5]).await?;
    has_sums(ledger, after.month(), [0, 5]).await
}

pub(super) async fn a_daily_cap_begins_anew_each_day_and_a_monthly_one_does_not(
    place: &Place<'_>,
) -> Kept {
    let ledger = &*place.ledger();
    let [daily, monthly] =
        [Per::Day, Per::Month].map(|per| [Cap::new(Scope::Total, per, nanos(100))]);
    let (first, next, later) = (day("2026-11-01")?, day("2026-11-02")?, day("2026-12-01")?);
    spend(ledger, first, call("one", "ask", 60)?, 60).await?;
    refused(ledger, first, &[call("one", "ask", 41)?], &daily).await?;
    drop(held(ledger, next, call("one", "ask", 100)?, &daily).await?);
    ledger.drain().await.map_err(|error| format!("`drain` fails: {error}"))?;
    refused(ledger, next, &[call("one", "ask", 41)?], &monthly).await?;
    drop(held(ledger, later, call("one", "ask", 100)?, &monthly).await?);
    // A clock that is set back counts in the earlier day.
    spend(ledger, first, call("one", "ask", 40)?, 40).await?;
    has_sums(ledger, first, [100, 0]).await
}

pub(super) async fn the_rows_add_up_to_the_nano_dollar(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    let calls = [
        ("one", "a", "x", 1, CostBasis::Exact),
        ("one", "b", "y", 20, CostBasis::Exact),
        ("two", "a", "y", 300, CostBasis::Estimated),
        ("one", "a", "y", 4_000, CostBasis::Unknown),
    ];
    for (name, model, class, cost, basis) in calls {
        let hold = held(ledger, on, call_of(name, model, class, 5_000)?, &[]).await?;
        let settled = hold.settle(nanos(cost), basis).await;
        settled.map_err(|error| format!("a settlement fails: {error}"))?;
    }
    ledger.drain().await.map_err(|error| format!("`drain` fails: {error}"))?;
    for (by, promised) in [
        (SpendBy::Provider, [("one", 4_021, 3, 0, 1), ("two", 300, 1, 1, 0)]),
        (SpendBy::Model, [("a", 4_301, 3, 1, 1), ("b", 20, 1, 0, 0)]),
        (SpendBy::TaskClass, [("x", 1, 1, 0, 0), ("y", 4_320, 3, 1, 1)]),
    ] {
        for period in crate::ledger::Period::all_of(on) {
            let spent = ledger.spent(period, by).await;
            let spent = spent.map_err(|error| format!("`spent` fails: {error}"))?;
            let rows: Vec<_> = spent
                .rows
                .iter()
                .map(|it| (&*it.key, it.cost.as_nanos(), it.calls, it.estimated, it.unknown))
                .collect();
            same(&format!("what {period} cost by {}", by.as_str()), rows, promised.to_vec())?;
            same("the settled sum of a report", spent.settled, nanos(4_321))?;
        }
    }
    Ok(())
}

pub(super) async fn a_report_tells_what_each_cap_leaves(place: &Place<'_>) -> Kept {
    let ledger = &*place.ledger();
    let (before, on) = (day("2026-11-29")?, day("2026-11-30")?);
    spend(ledger, before, call("one", "ask", 9)?, 9).await?;
    spend(ledger, on, call("one", "chat", 5)?, 5).await?;
    let _held = held(ledger, on, call("two", "ask", 40)?, &[]).await?;
    let of_day = report(ledger, on).await?;
    let of_month = report(ledger, on.month()).await?;
    let left = |scope: &Scope, per| {
        let cap = Cap::new(scope.clone(), per, nanos(100));
        (of_day.left(&cap), of_month.left(&cap))
    };
    for (scope, in_day, in_month) in [
        (Scope::Total, 55, 46),
        (provider("one")?, 95, 86),
        (provider("two")?, 60, 60),
        (class("ask")?, 60, 51),
        (class("chat")?, 95, 95),
        (class("sing")?, 100, 100),
    ] {
        let what = format!("what a cap on {scope} leaves in the day and the month");
        let day = left(&scope, Per::Day);
        let month = left(&scope, Per::Month);
        same(&what, (day.0, month.0), (Some(nanos(in_day)), Some(nanos(in_month))))?;
        same("a daily cap in a report of a month", day.1, None)?;
        same(&what, month.1, Some(nanos(in_month)))?;
    }
    Ok(())
}
