//! Promises about caps: what they allow, what they refuse, and what a refusal says.

use futures_util::future::join_all;

use crate::ledger::{Cap, CapRefusal, Day, Ledger, Per, Period, ReserveError, Scope};

use super::Place;
use super::figures::{
    Kept, call, class, day, has_sums, held, monthly, nanos, provider, refused, report, same,
    settle, spend,
};

pub(super) async fn a_cap_may_be_reached_and_not_passed(place: &Place<'_>) -> Kept {
    let (ledger, on, caps) = (&*place.ledger(), day("2026-11-30")?, [monthly(100)]);
    let hold = held(ledger, on, call("one", "ask", 60)?, &caps).await?;
    settle(hold, 50).await?;
    let _held = held(ledger, on, call("one", "ask", 30)?, &caps).await?;
    refused(ledger, on, &[call("one", "ask", 21)?], &caps).await?;
    let _fits = held(ledger, on, call("one", "ask", 20)?, &caps).await?;
    refused(ledger, on, &[call("one", "ask", 1)?], &caps).await?;
    has_sums(ledger, on.month(), [50, 50]).await
}

pub(super) async fn a_refusal_has_every_figure(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    spend(ledger, on, call("one", "ask", 60)?, 50).await?;
    let _held = held(ledger, on, call("one", "ask", 30)?, &[]).await?;
    for per in [Per::Day, Per::Month] {
        for scope in [Scope::Total, provider("one")?, class("ask")?] {
            let caps = [Cap::new(scope, per, nanos(100))];
            let refusal = refused(ledger, on, &[call("one", "ask", 21)?], &caps).await?;
            let CapRefusal { settled, held, unsettled, asked, period, .. } = refusal;
            let [cap] = caps;
            same("the cap of a refusal", refusal.cap, cap)?;
            let figures = [settled, held, unsettled, asked];
            let promised = [50, 30, 0, 21].map(nanos);
            same("settled, held, unsettled and asked of a refusal", figures, promised)?;
            same("the period of a refusal", period, Period::of(per, on))?;
        }
    }
    Ok(())
}

pub(super) async fn attempts_are_held_together_or_not_at_all(place: &Place<'_>) -> Kept {
    let (ledger, on, caps) = (&*place.ledger(), day("2026-11-30")?, [monthly(100)]);
    let all = [call("one", "ask", 40)?, call("two", "ask", 40)?, call("one", "ask", 40)?];
    let refusal = refused(ledger, on, &all, &caps).await?;
    same("the sum that a refusal says was asked", refusal.asked, nanos(120))?;
    has_sums(ledger, on.month(), [0, 0]).await?;
    let [one, two, _] = all;
    let unequal = [one, crate::ledger::HoldRequest { amount: nanos(7), ..two }];
    let reserved = ledger.reserve(on, &unequal, &caps).await.map_err(|error| error.to_string())?;
    let amounts: Vec<_> = reserved.holds.iter().map(|hold| hold.amount()).collect();
    same("the amounts of the holds, in order", amounts, vec![nanos(40), nanos(7)])?;
    has_sums(ledger, on.month(), [0, 47]).await?;
    let none = ledger.reserve(on, &[], &caps).await.map_err(|error| error.to_string())?;
    same("the number of holds for no attempt", none.holds.len(), 0)
}

pub(super) async fn each_scope_is_capped_by_itself(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    let _other = held(ledger, on, call("two", "chat", 500)?, &[]).await?;
    for scope in [provider("one")?, class("ask")?] {
        for per in [Per::Day, Per::Month] {
            let caps = [monthly(1_000), Cap::new(scope.clone(), per, nanos(50))];
            let refusal = refused(ledger, on, &[call("one", "ask", 51)?], &caps).await?;
            same("the refusing scope", refusal.cap.scope, scope.clone())?;
            drop(held(ledger, on, call("one", "ask", 50)?, &caps).await?);
            drop(held(ledger, on, call("two", "chat", 51)?, &caps).await?);
            ledger.drain().await.map_err(|error| error.to_string())?;
            let together = [call("two", "chat", 1)?, call("one", "ask", 51)?];
            refused(ledger, on, &together, &caps).await?;
        }
    }
    has_sums(ledger, on.month(), [0, 500]).await
}

pub(super) async fn the_refusal_that_lasts_longest_is_returned(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    spend(ledger, on, call("one", "ask", 100)?, 100).await?;
    let cap = |scope: &Scope, per| Cap::new(scope.clone(), per, nanos(100));
    let (one, ask) = (provider("one")?, class("ask")?);
    for scopes in [[&Scope::Total, &one], [&one, &ask], [&ask, &Scope::Total]] {
        let [short, long] = [cap(scopes[0], Per::Day), cap(scopes[1], Per::Month)];
        for caps in [[short.clone(), long.clone()], [long.clone(), short]] {
            let refusal = refused(ledger, on, &[call("one", "ask", 1)?], &caps).await?;
            same("the cap that refuses for longest", &refusal.cap, &long)?;
        }
    }
    Ok(())
}

pub(super) async fn a_call_that_costs_nothing_is_allowed_though_a_cap_is_passed(
    place: &Place<'_>,
) -> Kept {
    let (ledger, on, caps) = (&*place.ledger(), day("2026-11-30")?, [monthly(100)]);
    spend(ledger, on, call("one", "ask", 60)?, 160).await?;
    let free = held(ledger, on, call("two", "ask", 0)?, &caps).await?;
    refused(ledger, on, &[call("one", "ask", 1)?], &caps).await?;
    // What such a call costs counts all the same.
    settle(free, 5).await?;
    has_sums(ledger, on.month(), [165, 0]).await
}

pub(super) async fn a_cap_on_what_is_not_asked_refuses_nothing(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    let caps = [provider("three")?, class("sing")?].map(|it| Cap::new(it, Per::Month, nanos(0)));
    let hold = held(ledger, on, call("one", "ask", 60)?, &caps).await?;
    same("the amount of a hold", hold.amount(), nanos(60))
}

/// The worst case of each call in a crowd, and the number of worst cases that fit under its cap.
const WORST: u64 = 100;
const FIT: u64 = 5;

pub(super) async fn many_callers_at_once_never_pass_a_cap(place: &Place<'_>) -> Kept {
    let (ledger, on, caps) = (&*place.ledger(), day("2026-11-30")?, [monthly(WORST * FIT)]);
    let attempts: Vec<_> = (0..40).map(|_| call("one", "ask", WORST)).collect::<Result<_, _>>()?;
    let all = attempts.into_iter().map(|attempt| ledger.reserve_one(on, attempt, &caps));
    let (mut holds, mut allowed) = (Vec::new(), 0);
    for reserved in join_all(all).await {
        match reserved {
            Ok(hold) => (holds.push(hold), allowed += 1),
            Err(ReserveError::Refused(_)) => ((), ()),
            Err(error) => return Err(error.to_string()),
        };
    }
    same("the number of calls that fit under the cap at once", allowed, FIT)?;
    for mut hold in holds {
        hold.sent();
        settle(hold, 7).await?;
    }
    has_sums(ledger, on.month(), [7 * FIT, 0]).await
}

pub(super) async fn no_sum_wraps_around(place: &Place<'_>) -> Kept {
    let (ledger, on) = (&*place.ledger(), day("2026-11-30")?);
    for _ in 0..3 {
        // A ledger may refuse to hold money once it counts no further; nothing is held here.
        spend(ledger, on, call("one", "ask", 0)?, u64::MAX).await?;
    }
    is_enormous(ledger, on).await?;
    refused(ledger, on, &[call("one", "ask", 1)?], &[monthly(1_000)]).await?;
    refused(ledger, on, &[call("one", "ask", u64::MAX)?], &[monthly(1_000)]).await?;
    let both = [call("one", "ask", u64::MAX)?, call("one", "ask", u64::MAX)?];
    refused(ledger, on, &both, &[monthly(1_000)]).await?;
    is_enormous(ledger, on).await
}

/// Checks that the settled sum is at least nine billion dollars, where every ledger may stop
/// counting.
async fn is_enormous(ledger: &dyn Ledger, on: Day) -> Kept {
    let spent = report(ledger, on.month()).await?;
    let total = spent.scopes.iter().find(|total| total.scope == Scope::Total);
    let settled = total.map(|total| total.settled).unwrap_or_default();
    match settled >= nanos(9_000_000_000_000_000_000) {
        true => Ok(()),
        false => Err(format!("three enormous costs add up to {settled}")),
    }
}
