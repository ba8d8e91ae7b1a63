//! The promises of the port, by the check that every program can use, and what the ledgers of this
//! crate promise beyond them: the words of their refusals.

use crate::error::{Category, Error};
use crate::ledger::{CapRefusal, PeriodSpend, Problem, ReserveError, SpendBy};
use crate::model::CostBasis;
use crate::testing::ledger::check_ledger;

use super::{Cap, Process, Scope, World, call, last_day, november, total_cap, usd};

on_both! {
    every_promise_of_the_port_is_kept,
    a_cap_may_be_reached_and_not_passed,
    more_than_a_ledger_counts_is_no_matter_of_caps,
    what_a_dead_process_held_stays_counted_until_it_is_dropped,
    another_process_sees_what_this_one_holds,
}

async fn every_promise_of_the_port_is_kept(world: World) {
    let checked = match world {
        World::Memory(_) => {
            check_ledger(async || {
                let world = World::memory();
                move || world.process().checked()
            })
            .await
        }
        #[cfg(feature = "sqlite")]
        World::Sqlite(_) => {
            check_ledger(async || {
                let world = World::sqlite();
                move || world.process().checked()
            })
            .await
        }
    };
    checked.unwrap();
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
