//! The promises of every ledger about days and months, and about the scopes of a cap.

use crate::ledger::{
    Cap, CapRefusal, Day, HoldRequest, Per, Period, Problem, ReserveError, Scope, ScopeTotal,
    SpendBy,
};
use crate::model::{CostBasis, TaskClass};

use super::{Process, World, call, provider, usd};

on_both! {
    each_scope_has_its_cap_in_each_period,
    the_refusal_that_lasts_longest_is_named,
    calls_of_one_unit_fit_under_all_caps_or_none_is_held,
    a_call_that_costs_nothing_passes_the_caps_of_all_periods,
    a_hold_belongs_to_the_day_it_was_reserved_in,
    a_clock_that_is_set_back_counts_in_the_earlier_day,
    a_process_that_lives_for_weeks_has_each_day_and_no_more_than_the_month,
    the_days_of_a_month_add_up_to_it,
    what_a_dead_process_held_counts_in_its_day,
    the_report_of_a_day_has_the_totals_of_its_month,
    a_class_is_that_of_the_request_when_it_is_reserved,
    no_ledger_keeps_the_cap_of_a_session,
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn class(name: &str) -> Scope {
    Scope::Class(TaskClass::new(name).unwrap())
}

/// Returns the hold request of a call to `target` for the task class `class`.
fn call_for(class: &str, target: &str, nanos: u64) -> HoldRequest {
    HoldRequest::new(call(target, nanos).target, TaskClass::new(class).unwrap(), usd(nanos))
}

async fn refusal(process: &Process, on: Day, call: HoldRequest, caps: &[Cap]) -> CapRefusal {
    match process.reserve_one(on, call, caps).await {
        Err(ReserveError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

async fn spend(process: &Process, on: Day, call: HoldRequest, cost: u64) {
    let hold = process.reserve_one(on, call, &[]).await.unwrap();
    hold.settle(usd(cost), CostBasis::Exact).await.unwrap();
}

/// Returns the settled, the held and the unsettled money of a period.
async fn sums(process: &Process, period: impl Into<Period>) -> [u64; 3] {
    let spent = process.spent(period.into(), SpendBy::Model).await.unwrap();
    [spent.settled, spent.held, spent.unsettled].map(|sum| sum.as_nanos())
}

async fn each_scope_has_its_cap_in_each_period(world: World) {
    let scopes = [Scope::Total, Scope::Provider(provider("openai")), class("coding")];
    let lasts = [(Per::Day, "2026-11-02T00:00:00Z"), (Per::Month, "2026-12-01T00:00:00Z")];
    let process = world.process();
    for (year, scope) in scopes.into_iter().enumerate() {
        for (month, (per, resets)) in lasts.into_iter().enumerate() {
            // Each case has a month of its own in the one ledger.
            let shift = |text: &str| {
                let (_, rest) = text.split_at(4);
                format!("{}{rest}", 2026 + 10 * year + 100 * month)
            };
            let at = |text: &str| day(&shift(text));
            let (first, next, later) = (at("2026-11-01"), at("2026-11-02"), at("2026-12-01"));
            let caps = [Cap::new(scope.clone(), per, usd(100))];
            let ask = |nanos| call_for("coding", "openai/m", nanos);
            spend(&process, first, ask(60), 50).await;
            let held = process.reserve_one(first, ask(30), &caps).await.unwrap();
            let refused = refusal(&process, first, ask(21), &caps).await;
            assert_eq!((&refused.cap, refused.left()), (&caps[0], usd(20)));
            assert_eq!((refused.settled, refused.held, refused.asked), (usd(50), usd(30), usd(21)));
            assert_eq!(refused.resets_at(), Some(shift(resets)));
            let fits = process.reserve_one(first, ask(20), &caps).await.unwrap();
            fits.release().await.unwrap();
            // A call of another provider and another class counts in the total alone.
            let other = process.reserve_one(first, call_for("chat", "gemini/m", 90), &caps).await;
            assert_eq!(other.is_err(), scope == Scope::Total, "{scope}");
            drop(other);
            process.drain().await.unwrap();
            let tomorrow = process.reserve_one(next, ask(21), &caps).await;
            assert_eq!(tomorrow.is_err(), per == Per::Month, "{scope} {per:?}");
            drop(tomorrow);
            process.reserve_one(later, ask(100), &caps).await.unwrap().release().await.unwrap();
            held.release().await.unwrap();
        }
    }
}

async fn the_refusal_that_lasts_longest_is_named(world: World) {
    let (process, on) = (world.process(), day("2026-11-30"));
    spend(&process, on, call_for("coding", "openai/m", 100), 100).await;
    let (openai, coding) = (Scope::Provider(provider("openai")), class("coding"));
    let cap = |scope: &Scope, per, limit| Cap::new(scope.clone(), per, usd(limit));
    let (day, month, total) = (Per::Day, Per::Month, Scope::Total);
    // Of the caps of each row all refuse; the last one is named, whatever their order.
    for caps in [
        vec![cap(&total, day, 100), cap(&total, month, 100)],
        vec![cap(&total, day, 1), cap(&total, month, 100)],
        vec![cap(&total, day, 1), cap(&openai, day, 1), cap(&coding, month, 100)],
        vec![cap(&total, day, 1), cap(&coding, day, 1), cap(&openai, month, 100)],
        vec![cap(&openai, month, 1), cap(&coding, month, 1), cap(&total, month, 100)],
        vec![cap(&coding, day, 1), cap(&openai, day, 1), cap(&total, day, 100)],
        vec![cap(&coding, month, 1), cap(&total, day, 1), cap(&openai, month, 100)],
        vec![cap(&total, month, 100), cap(&total, day, 50), cap(&total, month, 7)],
        vec![cap(&coding, day, 1)],
    ] {
        let named = caps.last().unwrap().clone();
        for turned in 0..caps.len() {
            let mut caps = caps.clone();
            caps.rotate_left(turned);
            let refused = refusal(&process, on, call_for("coding", "openai/m", 1), &caps).await;
            assert_eq!(refused.cap, named, "{caps:?}");
        }
    }
    // A cap with room is none of them.
    let caps = [cap(&total, month, 200), cap(&coding, day, 100)];
    let refused = refusal(&process, on, call_for("coding", "openai/m", 1), &caps).await;
    assert_eq!(refused.cap, caps[1]);
}

async fn calls_of_one_unit_fit_under_all_caps_or_none_is_held(world: World) {
    let (process, on) = (world.process(), day("2026-11-30"));
    let unit = [
        call_for("coding", "openai/m", 40),
        call_for("coding", "gemini/m", 40),
        call_for("chat", "openai/m", 40),
    ];
    for (scope, sum) in
        [(Scope::Total, 120), (class("coding"), 80), (Scope::Provider(provider("openai")), 80)]
    {
        for per in [Per::Day, Per::Month] {
            let caps = [Cap::new(scope.clone(), per, usd(sum - 1))];
            let refused = process.reserve(on, &unit, &caps).await.unwrap_err();
            assert!(matches!(refused, ReserveError::Refused(it) if it.asked == usd(sum)));
            assert_eq!([sums(&process, on).await, sums(&process, on.month()).await], [[0; 3]; 2]);
            let caps = [Cap::new(scope.clone(), per, usd(sum))];
            let holds = process.reserve(on, &unit, &caps).await.unwrap().holds;
            assert_eq!(sums(&process, on).await, [0, 120, 0]);
            for hold in holds {
                hold.release().await.unwrap();
            }
        }
    }
}

async fn a_call_that_costs_nothing_passes_the_caps_of_all_periods(world: World) {
    let (process, on) = (world.process(), day("2026-11-30"));
    spend(&process, on, call_for("coding", "openai/m", 100), 100).await;
    let scopes = [Scope::Total, Scope::Provider(provider("openai")), class("coding")];
    let caps: Vec<_> = scopes
        .into_iter()
        .flat_map(|it| [Per::Day, Per::Month].map(|per| Cap::new(it.clone(), per, usd(0))))
        .collect();
    let free = process.reserve_one(on, call_for("coding", "openai/m", 0), &caps).await.unwrap();
    free.settle(usd(5), CostBasis::Exact).await.unwrap();
    assert_eq!(sums(&process, on).await, [105, 0, 0]);
    assert!(process.reserve_one(on, call_for("coding", "openai/m", 1), &caps).await.is_err());
}

async fn a_hold_belongs_to_the_day_it_was_reserved_in(world: World) {
    let process = world.process();
    let (before, after) = (day("2026-11-30"), day("2026-12-01"));
    let caps = [Cap::new(Scope::Total, Per::Day, usd(100))];
    let ask = |on| process.reserve_one(on, call("openai/m", 50), &caps);
    let (settled, mut dropped) = (ask(before).await.unwrap(), ask(before).await.unwrap());
    assert!(ask(before).await.is_err());
    // Midnight passes, and the new day has its whole cap.
    let new = [ask(after).await.unwrap(), ask(after).await.unwrap()];
    assert!(ask(after).await.is_err());
    settled.settle(usd(30), CostBasis::Exact).await.unwrap();
    dropped.sent();
    drop(dropped);
    process.drain().await.unwrap();
    for of_before in [Period::from(before), before.month().into()] {
        assert_eq!(sums(&process, of_before).await, [80, 0, 0]);
    }
    assert!(ask(after).await.is_err());
    assert_eq!(sums(&process, after).await, [0, 100, 0]);
    for hold in new {
        hold.release().await.unwrap();
    }
    assert_eq!(sums(&process, after.month()).await, [0, 0, 0]);
}

async fn a_clock_that_is_set_back_counts_in_the_earlier_day(world: World) {
    let process = world.process();
    let caps =
        [Cap::new(Scope::Total, Per::Day, usd(100)), Cap::new(Scope::Total, Per::Month, usd(150))];
    let (late, early) = (day("2026-12-02"), day("2026-11-30"));
    spend(&process, late, call("openai/m", 100), 100).await;
    let hold = process.reserve_one(early, call("openai/m", 60), &caps).await.unwrap();
    assert!(process.reserve_one(early, call("openai/m", 41), &caps).await.is_err());
    assert!(process.reserve_one(late, call("openai/m", 1), &caps).await.is_err());
    // The clock is set right again while the call is on its way.
    let between = day("2026-12-01");
    let more = process.reserve_one(between, call("openai/m", 50), &caps).await.unwrap();
    assert_eq!(refusal(&process, between, call("openai/m", 1), &caps).await.cap, caps[1]);
    hold.settle(usd(60), CostBasis::Exact).await.unwrap();
    more.settle(usd(50), CostBasis::Exact).await.unwrap();
    for (on, settled) in [(early, 60), (between, 50), (late, 100)] {
        assert_eq!(sums(&process, on).await, [settled, 0, 0], "{on}");
    }
    assert_eq!(sums(&process, late.month()).await, [150, 0, 0]);
}

async fn a_process_that_lives_for_weeks_has_each_day_and_no_more_than_the_month(world: World) {
    let process = world.process();
    let caps = [
        Cap::new(class("quick_answer"), Per::Day, usd(10)),
        Cap::new(Scope::Total, Per::Month, usd(200)),
    ];
    let mut on = day("2026-12-29");
    for _ in 0..40 {
        let mut fitted = 0;
        while let Ok(hold) = process.reserve_one(on, call("openai/m", 5), &caps).await {
            hold.settle(usd(5), CostBasis::Exact).await.unwrap();
            fitted += 5;
        }
        let begun = process.spent(on.month().into(), SpendBy::Model).await.unwrap().settled;
        let is_month_over = begun == usd(200) && fitted == 0;
        assert!(fitted == 10 || is_month_over, "{fitted} on {on}");
        assert_eq!(sums(&process, on).await, [fitted, 0, 0], "{on}");
        let refused = refusal(&process, on, call("openai/m", 5), &caps).await;
        assert_eq!(refused.cap.per, if begun == usd(200) { Per::Month } else { Per::Day });
        on = on.next().unwrap();
    }
    assert_eq!(sums(&process, day("2026-12-01").month()).await, [30, 0, 0]);
    assert_eq!(sums(&process, day("2027-01-01").month()).await, [200, 0, 0]);
    assert_eq!(sums(&process, day("2027-02-01").month()).await, [60, 0, 0]);
}

async fn the_days_of_a_month_add_up_to_it(world: World) {
    let process = world.process();
    let mut on = day("2028-02-27");
    for cost in [1, 20, 300, 4_000, 50_000] {
        spend(&process, on, call_for("x", "openai/a", 1), cost).await;
        spend(&process, on, call_for("y", "gemini/b", 1), cost).await;
        on = on.next().unwrap();
    }
    for (text, expected) in [("2028-02-28", 20), ("2028-02-29", 300), ("2028-03-01", 4_000)] {
        for by in [SpendBy::Provider, SpendBy::Model, SpendBy::TaskClass] {
            let spent = process.spent(day(text).into(), by).await.unwrap();
            assert_eq!(spent.period.to_string(), text);
            let rows: Vec<_> = spent.rows.iter().map(|row| (row.cost, row.calls)).collect();
            assert_eq!((rows, spent.settled), (vec![(usd(expected), 1); 2], usd(2 * expected)));
        }
    }
    assert_eq!(sums(&process, day("2028-02-01").month()).await, [642, 0, 0]);
    assert_eq!(sums(&process, day("2028-03-01").month()).await, [108_000, 0, 0]);
    assert_eq!(sums(&process, day("2028-03-03")).await, [0, 0, 0]);
}

async fn what_a_dead_process_held_counts_in_its_day(world: World) {
    let (process, victim) = (world.process(), world.process());
    let (before, on) = (day("2026-11-29"), day("2026-11-30"));
    let mut lost = Vec::new();
    for (at, nanos) in [(before, 7), (on, 50), (day("2026-12-01"), 9)] {
        lost.push(victim.reserve_one(at, call("openai/m", nanos), &[]).await.unwrap());
    }
    victim.crash().await;
    drop(lost);
    assert_eq!(sums(&process, on).await, [0, 0, 50]);
    assert_eq!(sums(&process, before).await, [0, 0, 7]);
    assert_eq!(sums(&process, on.month()).await, [0, 0, 57]);
    for (per, unsettled) in [(Per::Day, 50), (Per::Month, 57)] {
        for scope in [Scope::Total, Scope::Provider(provider("openai")), class("quick_answer")] {
            let caps = [Cap::new(scope, per, usd(60))];
            let refused = refusal(&process, on, call("openai/m", 11), &caps).await;
            assert_eq!((refused.unsettled, refused.held), (usd(unsettled), usd(unsettled)));
        }
    }
    assert_eq!(process.drop_unsettled(on.month()).await.unwrap().amount, usd(57));
    for period in [Period::from(before), on.into(), on.month().into()] {
        let spent = process.spent(period, SpendBy::Model).await.unwrap();
        assert_eq!(spent.unsettled, usd(0));
        assert!(spent.scopes.iter().all(|total| total.held == usd(0)), "{:?}", spent.scopes);
    }
    assert_eq!(sums(&process, day("2026-12-01")).await, [0, 0, 9]);
}

async fn the_report_of_a_day_has_the_totals_of_its_month(world: World) {
    let (process, on) = (world.process(), day("2026-11-30"));
    spend(&process, day("2026-11-29"), call_for("coding", "openai/m", 9), 9).await;
    spend(&process, on, call_for("coding", "openai/m", 5), 5).await;
    let report = process.spent(on.into(), SpendBy::Provider).await.unwrap();
    let of_scopes = |period: Period, settled| {
        let scopes = [Scope::Total, Scope::Provider(provider("openai")), class("coding")];
        scopes.map(|scope| ScopeTotal::new(period, scope, usd(settled), usd(0)))
    };
    let expected = [of_scopes(on.into(), 5), of_scopes(on.month().into(), 14)].concat();
    assert_eq!(report.scopes, expected);
    for (per, left) in [(Per::Day, Some(15)), (Per::Month, Some(6)), (Per::Session, None)] {
        let cap = Cap::new(class("coding"), per, usd(20));
        assert_eq!(report.left(&cap), left.map(usd), "{per:?}");
    }
    let month = process.spent(on.month().into(), SpendBy::Provider).await.unwrap();
    assert_eq!(month.scopes, of_scopes(on.month().into(), 14));
    assert_eq!(month.left(&Cap::new(Scope::Total, Per::Day, usd(20))), None);
    assert_eq!(month.left(&Cap::new(class("chat"), Per::Month, usd(20))), Some(usd(20)));
}

async fn a_class_is_that_of_the_request_when_it_is_reserved(world: World) {
    let (process, on) = (world.process(), day("2026-11-30"));
    let mut call = call_for("coding", "openai/m", 10);
    call.task_class = TaskClass::new("chat").unwrap();
    call.target.provider = provider("gemini");
    spend(&process, on, call, 10).await;
    for (scope, left) in [
        (class("chat"), 0),
        (class("coding"), 10),
        (Scope::Provider(provider("gemini")), 0),
        (Scope::Provider(provider("openai")), 10),
    ] {
        let spent = process.spent(on.into(), SpendBy::Model).await.unwrap();
        assert_eq!(spent.left(&Cap::new(scope, Per::Day, usd(10))), Some(usd(left)));
    }
}

async fn no_ledger_keeps_the_cap_of_a_session(world: World) {
    let (process, on) = (world.process(), day("2026-11-30"));
    let session = Cap::new(Scope::Total, Per::Session, usd(1_000));
    for caps in [vec![session.clone()], vec![super::total_cap(5), session.clone()]] {
        for nanos in [0, 1, 6] {
            let asked = process.reserve_one(on, call("openai/m", nanos), &caps).await;
            let Err(ReserveError::Unusable(unusable)) = asked else { panic!("{asked:?}") };
            assert_eq!(unusable.problem, Problem::NoSuchPeriod);
        }
    }
    assert_eq!(sums(&process, on).await, [0, 0, 0]);
    // The gateway checks it by the same rule, against a total of its own.
    let total = ScopeTotal::of_session(Scope::Total, usd(700), usd(200));
    assert!(session.check(&total, usd(100)).is_ok());
    let refused = session.check(&total, usd(101)).unwrap_err();
    assert_eq!((refused.left(), refused.period, refused.resets_at()), (usd(100), None, None));
    let of_day = ScopeTotal::new(on.into(), Scope::Total, usd(5_000), usd(0));
    assert!(session.check(&of_day, usd(1)).is_ok());
}
