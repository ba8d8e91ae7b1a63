//! The promises of every ledger, one test for each.

use futures_util::FutureExt;

use crate::error::{Category, Error};
use crate::ledger::{CapRefusal, Day, Per, PeriodSpend, Problem, ReserveError, SpendBy};
use crate::model::{CostBasis, TaskClass};

use super::{Cap, Process, Scope, World, call, last_day, november, provider, total_cap, usd};

on_both! {
    a_cap_may_be_reached_and_not_passed,
    calls_of_one_unit_are_held_together_or_not_at_all,
    a_cap_on_a_provider_counts_that_provider_alone,
    a_hold_that_never_left_is_released_when_dropped,
    a_hold_that_left_is_settled_whole_when_dropped,
    a_cost_above_the_hold_is_booked_as_it_is,
    two_holds_of_one_attempt_end_as_one,
    a_call_that_costs_nothing_is_allowed_though_a_cap_is_passed,
    a_settlement_counts_though_nobody_waits_for_it,
    a_reservation_that_nobody_waits_for_is_released,
    a_hold_belongs_to_the_month_it_was_reserved_in,
    the_rows_add_up_to_the_nano_dollar,
    more_than_a_ledger_counts_is_no_matter_of_caps,
    what_a_dead_process_held_stays_counted_until_it_is_dropped,
    another_process_sees_what_this_one_holds,
}

async fn spent(process: &Process) -> PeriodSpend {
    process.drain().await.unwrap();
    process.spent(november().into(), SpendBy::Provider).await.unwrap()
}

async fn refusal(process: &Process, nanos: u64, caps: &[Cap]) -> CapRefusal {
    match process.reserve_one(last_day(), call("openai/m", nanos), caps).await {
        Err(ReserveError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

async fn a_cap_may_be_reached_and_not_passed(world: World) {
    let (process, caps) = (world.process(), [total_cap(100)]);
    let hold = process.reserve_one(last_day(), call("openai/m", 60), &caps).await.unwrap();
    hold.settle(usd(50), CostBasis::Exact).await.unwrap();
    let _held = process.reserve_one(last_day(), call("openai/m", 30), &caps).await.unwrap();
    let refused = refusal(&process, 21, &caps).await;
    assert_eq!((refused.settled, refused.held, refused.asked), (usd(50), usd(30), usd(21)));
    assert_eq!(
        (refused.cap.scope.clone(), refused.cap.limit, refused.left()),
        (Scope::Total, usd(100), usd(20))
    );
    let error = Error::from(refused);
    assert_eq!(error.category(), Category::PolicyBlocked);
    insta::allow_duplicates! {
        insta::assert_snapshot!(error, @"the monthly cap of $0.0000001 on everything leaves $0.00000002 in 2026-11, and $0.000000021 may be needed (settled $0.00000005, held $0.00000003); it begins anew on 2026-12-01 at 00:00 UTC");
    }
    let _fits = process.reserve_one(last_day(), call("openai/m", 20), &caps).await.unwrap();
    assert_eq!(spent(&process).await.left(&caps[0]), Some(usd(0)));
}

async fn calls_of_one_unit_are_held_together_or_not_at_all(world: World) {
    let (process, caps) = (world.process(), [total_cap(100)]);
    let members = [call("openai/m", 40), call("anthropic/m", 40), call("gemini/m", 40)];
    let refused = process.reserve(last_day(), &members, &caps).await.unwrap_err();
    assert!(matches!(refused, ReserveError::Refused(refused) if refused.asked == usd(120)));
    assert_eq!(spent(&process).await.held, usd(0));
    let holds = process.reserve(last_day(), &members[..2], &caps).await.unwrap().holds;
    assert_eq!(holds.iter().map(|hold| hold.amount()).collect::<Vec<_>>(), [usd(40); 2]);
    assert_eq!(spent(&process).await.held, usd(80));
    assert!(process.reserve(last_day(), &[], &caps).await.unwrap().holds.is_empty());
}

async fn two_holds_of_one_attempt_end_as_one(world: World) {
    let (process, caps) = (world.process(), [total_cap(100)]);
    let joined = async || {
        let holds = [call("openai/m", 40), call("openai/m", 20)];
        let mut holds = process.reserve(last_day(), &holds, &caps).await.unwrap().holds;
        let more = holds.pop().unwrap();
        holds.pop().unwrap().joined(more)
    };
    let hold = joined().await;
    assert_eq!((hold.amount(), spent(&process).await.held), (usd(60), usd(60)));
    drop(hold);
    assert_eq!(spent(&process).await.held, usd(0));

    let mut hold = joined().await;
    hold.sent();
    hold.settle(usd(50), CostBasis::Exact).await.unwrap();
    let settled = spent(&process).await;
    assert_eq!((settled.settled, settled.held), (usd(50), usd(0)));
    assert_eq!(settled.rows.iter().map(|row| row.calls).sum::<u64>(), 1);
}

async fn a_cap_on_a_provider_counts_that_provider_alone(world: World) {
    let scope = Scope::Provider(provider("openai"));
    let (process, caps) =
        (world.process(), [total_cap(1_000), Cap::new(scope.clone(), Per::Month, usd(50))]);
    let _other = process.reserve_one(last_day(), call("gemini/m", 500), &caps).await.unwrap();
    assert_eq!(refusal(&process, 51, &caps).await.cap.scope, scope);
    let _hold = process.reserve_one(last_day(), call("openai/m", 50), &caps).await.unwrap();
    let unit = [call("gemini/m", 1), call("openai/m", 1)];
    assert!(process.reserve(last_day(), &unit, &caps).await.is_err());
    assert_eq!(spent(&process).await.left(&caps[1]), Some(usd(0)));
    assert_eq!(spent(&process).await.left(&caps[0]), Some(usd(450)));
}

async fn a_hold_that_never_left_is_released_when_dropped(world: World) {
    let process = world.process();
    drop(process.reserve_one(last_day(), call("openai/m", 60), &[]).await.unwrap());
    let spent = spent(&process).await;
    assert_eq!((spent.held, spent.settled, spent.rows.len()), (usd(0), usd(0), 0));
}

async fn a_hold_that_left_is_settled_whole_when_dropped(world: World) {
    let process = world.process();
    let mut hold = process.reserve_one(last_day(), call("openai/m", 60), &[]).await.unwrap();
    hold.sent();
    drop(hold);
    let spent = spent(&process).await;
    assert_eq!((spent.held, spent.settled), (usd(0), usd(60)));
    assert_eq!((spent.rows[0].calls, spent.rows[0].estimated), (1, 1));
}

async fn a_cost_above_the_hold_is_booked_as_it_is(world: World) {
    let (process, caps) = (world.process(), [total_cap(100)]);
    let mut hold = process.reserve_one(last_day(), call("openai/m", 60), &caps).await.unwrap();
    hold.sent();
    hold.settle(usd(160), CostBasis::Exact).await.unwrap();
    assert_eq!(spent(&process).await.settled, usd(160));
    assert_eq!(refusal(&process, 1, &caps).await.left(), usd(0));
}

async fn a_call_that_costs_nothing_is_allowed_though_a_cap_is_passed(world: World) {
    let local = Scope::Provider(provider("ollama"));
    let (process, caps) = (world.process(), [total_cap(100), Cap::new(local, Per::Month, usd(1))]);
    let dear = process.reserve_one(last_day(), call("openai/m", 60), &caps).await.unwrap();
    dear.settle(usd(160), CostBasis::Exact).await.unwrap();
    let free = process.reserve_one(last_day(), call("ollama/m", 0), &caps).await.unwrap();
    assert_eq!(refusal(&process, 1, &caps).await.asked, usd(1));
    // What such a call costs counts all the same.
    free.settle(usd(5), CostBasis::Exact).await.unwrap();
    assert_eq!(spent(&process).await.settled, usd(165));
    let unit = [call("ollama/m", 0), call("openai/m", 0)];
    assert_eq!(process.reserve(last_day(), &unit, &caps).await.unwrap().holds.len(), 2);
}

async fn a_settlement_counts_though_nobody_waits_for_it(world: World) {
    let process = world.process();
    let hold = process.reserve_one(last_day(), call("openai/m", 60), &[]).await.unwrap();
    drop(hold.settle(usd(7), CostBasis::Exact));
    assert_eq!((spent(&process).await.settled, spent(&process).await.held), (usd(7), usd(0)));
}

async fn a_reservation_that_nobody_waits_for_is_released(world: World) {
    let process = world.process();
    for _ in 0..20 {
        let _ = process.reserve_one(last_day(), call("openai/m", 60), &[]).now_or_never();
    }
    // After the first drain the reservations have been made, and their guards dropped.
    process.drain().await.unwrap();
    assert_eq!((spent(&process).await.held, spent(&process).await.settled), (usd(0), usd(0)));
}

async fn a_hold_belongs_to_the_month_it_was_reserved_in(world: World) {
    let (process, caps) = (world.process(), [total_cap(100)]);
    let december = Day::parse("2026-12-01").unwrap();
    let hold = process.reserve_one(last_day(), call("openai/m", 90), &caps).await.unwrap();
    let next = process.reserve_one(december, call("openai/m", 90), &caps).await.unwrap();
    hold.settle(usd(80), CostBasis::Exact).await.unwrap();
    next.release().await.unwrap();
    assert_eq!(
        process.spent(december.month().into(), SpendBy::Model).await.unwrap().settled,
        usd(0)
    );
    assert_eq!(spent(&process).await.settled, usd(80));
}

async fn the_rows_add_up_to_the_nano_dollar(world: World) {
    let process = world.process();
    let costs = [("openai/a", 1), ("openai/b", 20), ("gemini/a", 300), ("openai/a", 4_000)];
    for (index, (target, cost)) in costs.into_iter().enumerate() {
        let mut call = call(target, 5_000);
        call.task_class = TaskClass::new(if index == 0 { "x" } else { "y" }).unwrap();
        let hold = process.reserve_one(last_day(), call, &[]).await.unwrap();
        let basis = if index == 3 { CostBasis::Unknown } else { CostBasis::Exact };
        hold.settle(usd(cost), basis).await.unwrap();
    }
    for (by, expected) in [
        (SpendBy::Provider, [("gemini", 300, 1, 0), ("openai", 4_021, 3, 1)]),
        (SpendBy::Model, [("a", 4_301, 3, 1), ("b", 20, 1, 0)]),
        (SpendBy::TaskClass, [("x", 1, 1, 0), ("y", 4_320, 3, 1)]),
    ] {
        let spent = process.spent(november().into(), by).await.unwrap();
        let row = |row: &super::super::SpentRow| {
            (row.key.clone(), row.cost.as_nanos(), row.calls, row.unknown)
        };
        let rows: Vec<_> = spent.rows.iter().map(row).collect();
        assert_eq!(
            rows,
            expected.map(|(key, cost, calls, unknown)| (key.to_owned(), cost, calls, unknown))
        );
        assert_eq!(spent.settled, usd(4_321));
    }
}

async fn more_than_a_ledger_counts_is_no_matter_of_caps(world: World) {
    let process = world.process();
    let dear = process.reserve_one(last_day(), call("openai/m", 1), &[]).await.unwrap();
    dear.settle(usd(u64::MAX), CostBasis::Exact).await.unwrap();
    let more = process.reserve_one(last_day(), call("openai/n", 0), &[]).await.unwrap();
    more.settle(usd(u64::MAX), CostBasis::Exact).await.unwrap();
    assert_eq!(spent(&process).await.scopes[0].settled, usd(i64::MAX as u64));
    for caps in [vec![], vec![total_cap(u64::MAX)]] {
        let asked = process.reserve_one(last_day(), call("gemini/m", 1), &caps).await;
        let Err(ReserveError::Unusable(unusable)) = asked else { panic!("{asked:?}") };
        assert_eq!(unusable.problem, Problem::BeyondCounting);
        let error = Error::from(unusable);
        assert_eq!(error.category(), Category::Ledger);
        let (said, hint) = (error.to_string(), error.hint().unwrap());
        assert!(
            said.contains(" cannot count that much: $9223372036.854775807 is settled"),
            "{said}"
        );
        assert!(!said.contains("cap") && hint.contains("LLM_GATEWAY_LEDGER_PATH"), "{hint}");
    }
    // A cap that was reached refuses more.
    assert_eq!(refusal(&process, u64::MAX, &[total_cap(5)]).await.cap.limit, usd(5));
}

async fn what_a_dead_process_held_stays_counted_until_it_is_dropped(world: World) {
    let (process, victim, caps) = (world.process(), world.process(), [total_cap(100)]);
    let living = process.reserve_one(last_day(), call("openai/m", 30), &caps).await.unwrap();
    let mut lost = victim.reserve_one(last_day(), call("gemini/m", 50), &caps).await.unwrap();
    lost.sent();
    assert_eq!(process.drop_unsettled(november()).await.unwrap().holds, 0);
    victim.crash().await;
    drop(lost);
    let after = spent(&process).await;
    assert_eq!((after.held, after.unsettled, after.settled), (usd(30), usd(50), usd(0)));
    let refused = refusal(&process, 21, &caps).await;
    assert_eq!((refused.held, refused.unsettled), (usd(80), usd(50)));
    assert!(refused.to_string().contains("is held by a process that ended"), "{refused}");
    assert!(Error::from(refused).hint().unwrap().contains("--drop-unsettled"));
    let next = world.process();
    assert_eq!(spent(&next).await, after);
    let dropped = next.drop_unsettled(november()).await.unwrap();
    assert_eq!((dropped.holds, dropped.amount), (1, usd(50)));
    let after = spent(&next).await;
    assert_eq!(
        (after.held, after.unsettled, after.left(&caps[0])),
        (usd(30), usd(0), Some(usd(70)))
    );
    living.settle(usd(30), CostBasis::Exact).await.unwrap();
    assert_eq!(spent(&next).await.settled, usd(30));
}

async fn another_process_sees_what_this_one_holds(world: World) {
    let (one, other, caps) = (world.process(), world.process(), [total_cap(100)]);
    let hold = one.reserve_one(last_day(), call("openai/m", 60), &caps).await.unwrap();
    let refused = refusal(&other, 41, &caps).await;
    assert_eq!((refused.held, refused.unsettled), (usd(60), usd(0)));
    assert!(!Error::from(refused).hint().unwrap().contains("--drop-unsettled"));
    assert_eq!(spent(&other).await.held, usd(60));
    hold.release().await.unwrap();
    assert!(other.reserve_one(last_day(), call("openai/m", 41), &caps).await.is_ok());
}
