//! Tests of the price and the cost of orchestrations.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::clock::Clock;
use llm_gateway_core::ledger::{Day, Ledger, MemoryLedger, Period, PeriodSpend, Scope, SpendBy};
use llm_gateway_core::model::{NanoUsd, TaskClass};
use llm_gateway_core::outcome::Ending;
use llm_gateway_core::{Category, Environment, Failure, Scripted, Task};
use serde_json::json;

use super::{POLICY, TASK, builder, keys, structured, work};

pub(super) async fn spent(ledger: &MemoryLedger) -> PeriodSpend {
    ledger.drain().await.unwrap();
    crate::support::spent(ledger, SpendBy::TaskClass).await
}

fn with_max_usd(usd: &str) -> String {
    POLICY.replace("  verdict: plain", &format!("  verdict: plain\n  max_usd: {usd}"))
}

fn capped(usd: &str) -> Environment {
    keys().with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", usd)
}

#[tokio::test]
async fn the_cost_is_the_sum_over_every_attempt_and_is_booked_under_orchestrate() {
    let policy = POLICY.replace("max_retries: 0", "max_retries: 1, base_delay_s: 0.001");
    let script = Scripted::new().answer("plan").status(500).answer("Lyon.").answer("REVISE: no");
    let script = script.answer("plan").answer("Paris.").answer("hm").answer("ACCEPT");
    let ledger = Arc::new(MemoryLedger::new());
    let gateway = builder(&policy, &script, &ledger).build().unwrap();
    let done = gateway.orchestrate(Task::new(TASK).depth("complex")).await.unwrap();
    assert_eq!(done.ending, Ending::Success);
    let attempts: Vec<_> = done.attempts().collect();
    assert_eq!((attempts.len(), script.requests().len()), (8, 8));
    let sum = attempts
        .iter()
        .fold(NanoUsd::ZERO, |sum, attempt| sum.saturating_add(attempt.cost.unwrap()));
    assert_eq!(done.total_cost(), Some(sum));
    let spent = spent(&ledger).await;
    assert_eq!((spent.settled, spent.held), (sum, NanoUsd::ZERO));
    assert_eq!(spent.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["orchestrate"]);
    assert!(sum > NanoUsd::ZERO);
}

#[tokio::test]
async fn the_whole_is_refused_before_its_first_step() {
    // Six calls of 100 output tokens at $10 per million cost at least $0.006.
    let script = Scripted::new();
    let failure = work(&with_max_usd("0.005"), "complex", &script).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert!(failure.to_string().contains("max_usd"), "{failure}");
    assert_eq!(failure.failed_stage(), Some("preflight"));

    for (variable, value) in [
        ("LLM_GATEWAY_DISABLED", "1"),
        ("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "0.005"),
        ("LLM_GATEWAY_CAP_ANTHROPIC_MONTHLY", "0.001"),
    ] {
        let environment = keys().with(variable, value);
        let ledger = Arc::new(MemoryLedger::new());
        let gateway = builder(POLICY, &script, &ledger).environment(environment);
        let task = Task::new(TASK).depth("complex");
        let failure = gateway.build().unwrap().orchestrate(task).await.unwrap_err();
        assert_eq!(failure.category(), Category::PolicyBlocked, "{variable}");
        assert_eq!(spent(&ledger).await.held, NanoUsd::ZERO, "{variable}");
    }
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn a_step_that_block_usd_will_refuse_refuses_the_whole() {
    for role in ["planner", "worker", "verifier"] {
        let line = POLICY.lines().find(|line| line.contains(&format!("    {role}:"))).unwrap();
        let policy = POLICY.replace(line, &line.replace("max_tokens: 100", "max_tokens: 60000"));
        let policy = policy.replace("out: 10}", "out: 10, max_output: 60000}");
        let policy = format!("{policy}\ncost_preflight: {{block_usd: 0.5}}");
        let script = Scripted::new();
        let failure = work(&policy, "complex", &script).await.unwrap_err();
        assert_eq!(failure.category(), Category::PolicyBlocked, "{role}");
        assert_eq!(failure.failed_stage(), Some("preflight"), "{role}");
        assert!(failure.to_string().contains("block_usd"), "{failure}");
        assert!(script.requests().is_empty(), "{role}");
    }
}

#[tokio::test]
async fn the_switch_against_the_expensive_sees_the_whole() {
    // Each call is below a dollar, six of them are not.
    let policy = POLICY.replace("max_tokens: 100}", "max_tokens: 40000}");
    let environment = keys().with("LLM_GATEWAY_EXPENSIVE_DISABLED", "1");
    let script = Scripted::new().answer("Paris.");
    let gateway = builder(&policy, &script, &Default::default()).environment(environment);
    let gateway = gateway.build().unwrap();
    let failure = gateway.orchestrate(Task::new(TASK).depth("complex")).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert!(script.requests().is_empty());
    let trivial = gateway.orchestrate(Task::new(TASK).depth("trivial")).await.unwrap();
    assert_eq!(trivial.ending, Ending::Success);
}

#[tokio::test]
async fn the_switch_against_the_expensive_refuses_what_nobody_can_price_before_the_first_step() {
    let unpriced = POLICY.replace("models: {claude-haiku-5-5: {in: 1, out: 10}}", "models: {}");
    let unpriced = unpriced.replace("claude-haiku-5-5", "claude-of-nobody");
    let environment = keys().with("LLM_GATEWAY_EXPENSIVE_DISABLED", "1");
    let script = Scripted::new().answer("Paris.");
    let gateway = builder(&unpriced, &script, &Default::default()).environment(environment);
    let failure = gateway.build().unwrap().orchestrate(Task::new(TASK)).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert_eq!(failure.failed_stage(), Some("preflight"));
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn an_unknown_price_is_refused_under_a_bound_and_let_through_without() {
    let policy = POLICY.replace("models: {gpt-6-luna: {in: 1, out: 10}}", "models: {}");
    let policy = policy.replace("gpt-6-luna", "gpt-of-nobody");
    let script = Scripted::new().answer("Paris.").answer("ACCEPT");
    let done = work(&policy, "standard", &script).await.unwrap();
    assert_eq!((done.ending.clone(), done.total_cost()), (Ending::Success, None));
    let bounded = policy.replace("  verdict: plain", "  verdict: plain\n  max_usd: 100");
    let failure = work(&bounded, "standard", &Scripted::new()).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert!(failure.to_string().contains("no known price"), "{failure}");
}

#[tokio::test]
async fn a_prompt_that_turns_out_dearer_takes_more_or_ends_the_run_with_what_there_is() {
    // An artifact of 40 000 bytes may be 40 000 tokens, while 150 were expected, so the verifier
    // may cost $0.04 more.
    let long = "Paris is a city. ".repeat(2_400);
    let script = || Scripted::new().answer(long.as_str()).answer("ACCEPT");
    let run = async |usd: &str| {
        let ledger = Arc::new(MemoryLedger::new());
        let gateway = builder(POLICY, &script(), &ledger).environment(capped(usd));
        let done = gateway.build().unwrap().orchestrate(Task::new(TASK)).await.unwrap();
        (done, spent(&ledger).await)
    };
    let (done, after) = run("1").await;
    assert_eq!((done.ending.clone(), after.held), (Ending::Success, NanoUsd::ZERO));
    assert_eq!(Some(after.settled), done.total_cost());

    let (done, after) = run("0.03").await;
    assert_eq!((done.ending.clone(), done.artifact()), (Ending::Unverified, Some(long.as_str())));
    assert_eq!(after.held, NanoUsd::ZERO);
    let why = done.steps.last().unwrap().result.as_ref().unwrap_err();
    assert_eq!(why.category(), Category::PolicyBlocked);
}

#[tokio::test]
async fn a_month_that_ends_between_two_steps_is_not_overspent() {
    // For the verifier, $0.004 are set aside in November, and $0.04 are missing in December.
    let long = "Paris is a city. ".repeat(2_400);
    let worker = json!({
        "choices": [{"message": {"content": long}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 100}
    });
    let verifier = json!({
        "content": [{"type": "text", "text": "ACCEPT"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 40_000, "output_tokens": 1}
    });
    let run = async |usd: &str| {
        let script = Scripted::new().raw(200, worker.to_string()).raw(200, verifier.to_string());
        let ledger = Arc::new(MemoryLedger::new());
        let gateway = builder(POLICY, &script, &ledger).environment(capped(usd));
        let gateway = gateway.clock(Arc::new(LastOfNovember(script))).build().unwrap();
        let done = gateway.orchestrate(Task::new(TASK)).await.unwrap();
        for later in Period::all_of(Day::parse("2026-12-01").unwrap()) {
            let later = ledger.spent(later, SpendBy::TaskClass).await.unwrap();
            assert_eq!((later.held, later.settled), (NanoUsd::ZERO, NanoUsd::ZERO));
        }
        // All of it belongs to the day in which it was set aside, and to one task class.
        let last_day = Day::parse("2026-11-30").unwrap();
        let of_day = ledger.spent(last_day.into(), SpendBy::TaskClass).await.unwrap();
        let november = spent(&ledger).await;
        assert_eq!(of_day.settled, november.settled);
        let class = Scope::Class(TaskClass::new("orchestrate").unwrap());
        let mut of_class = of_day.scopes.iter().filter(|total| total.scope == class);
        assert!(of_class.all(|total| total.settled == november.settled));
        (done.ending.clone(), november)
    };
    let (ending, november) = run("1").await;
    assert_eq!((ending, november.held), (Ending::Success, NanoUsd::ZERO));
    assert!(november.settled.as_usd() > 0.04, "{}", november.settled);

    let (ending, november) = run("0.041").await;
    assert_eq!((ending, november.held), (Ending::Unverified, NanoUsd::ZERO));
    assert!(november.settled.as_usd() < 0.041, "{}", november.settled);
}

/// A clock on which December begins with the answer to the first request.
struct LastOfNovember(Scripted);

impl Clock for LastOfNovember {
    fn now(&self) -> Duration {
        let december = Duration::from_secs(1_796_083_200);
        match self.0.requests().is_empty() {
            true => december - Duration::from_secs(1),
            false => december,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_orchestration_leaves_no_hold_open() {
    let ledger = Arc::new(MemoryLedger::new());
    let script = Scripted::new().answer("Paris.").hang();
    let gateway = builder(POLICY, &script, &ledger).build().unwrap();
    let run = gateway.orchestrate(Task::new(TASK));
    let cut = tokio::time::timeout(Duration::from_secs(5), run).await;
    assert!(cut.is_err());
    let after = spent(&ledger).await;
    assert_eq!(after.held, NanoUsd::ZERO);
    // The worker's cost, and the verifier's whole hold, because its cost is unknown.
    let verifier = NanoUsd::from_nanos(100 * 10_000);
    assert!(after.settled > verifier, "{}", after.settled);
}

#[tokio::test(start_paused = true)]
async fn every_step_of_every_round_and_a_repair_of_each_verdict_is_set_aside() {
    // A million tokens are $10 where they are written, and $1.50 where they are read.
    let held = async |model: &str, replans: u32| {
        let policy = POLICY
            .replace(&format!("{model}, max_tokens: 100"), &format!("{model}, max_tokens: 1000000"))
            .replace(
                &format!("{model}: {{in: 1, out: 10"),
                &format!("{model}: {{in: 1, out: 10, max_output: 1000000"),
            )
            .replace("max_replans: 1", &format!("max_replans: {replans}"));
        let policy = format!("{policy}\ncost_preflight: {{enabled: false}}");
        held_by(&policy, Scripted::new().hang()).await.as_usd()
    };
    for (model, replans, dollars) in [
        // There are two verdicts in each round, and the second worker reads the reasons of the
        // first round.
        ("haiku-5-5", 0, 20.0),
        ("haiku-5-5", 1, 41.5),
        // There is one artifact in each round, judged twice.
        ("gpt-6-luna", 0, 13.0),
        ("gpt-6-luna", 1, 26.0),
    ] {
        let held = held(model, replans).await;
        let what = format!("{held} for {replans} re-plans and a long {model}");
        assert!((dollars..dollars + 0.1).contains(&held), "{what}");
    }
}

/// Returns what is set aside while the last call of the script hangs.
async fn held_by(policy: &str, script: Scripted) -> NanoUsd {
    let ledger = Arc::new(MemoryLedger::new());
    let gateway = builder(policy, &script, &ledger).build().unwrap();
    let mut run = std::pin::pin!(gateway.orchestrate(Task::new(TASK)));
    tokio::select! {
        _ = &mut run => panic!("a step hangs"),
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    spent(&ledger).await.held
}

#[tokio::test(start_paused = true)]
async fn of_a_dearer_prompt_the_difference_is_held_and_no_more() {
    let held = async |artifact: &str| {
        held_by(POLICY, Scripted::new().answer(artifact).hang()).await.as_nanos()
    };
    let (foreseen, raised) = (held("Paris.").await, held(&"x".repeat(40_000)).await);
    // 150 tokens were expected of the artifact. Each byte beyond may be a token.
    assert_eq!(raised - foreseen, (40_000 - 150) * 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_paid_for_in_the_form_that_is_asked_for() {
    let script = || Scripted::new().hang();
    let plain = held_by(POLICY, script()).await;
    let schema = held_by(&structured(), script()).await.saturating_sub(plain);
    // The schema is a message of four calls, of at least 64 tokens each.
    assert!(schema.as_nanos() > 4 * 64 * 1_000, "{schema}");
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn what_cannot_be_recorded_is_told() {
    use llm_gateway_core::Envelope;
    let folder = tempfile::tempdir().unwrap();
    // A directory cannot be a ledger, and without a cap the task goes on.
    let environment = keys()
        .with("LLM_GATEWAY_LEDGER", "1")
        .with("LLM_GATEWAY_LEDGER_PATH", folder.path().display().to_string());
    let script = Scripted::new().answer("Paris.").answer("ACCEPT");
    let gateway = crate::support::obeying(POLICY)
        .environment(environment)
        .transport(Arc::new(super::Echo(script)));
    let done = gateway.build().unwrap().orchestrate(Task::new(TASK)).await.unwrap();
    assert_eq!((done.ending.clone(), done.spend_recorded()), (Ending::Success, Some(false)));
    assert_eq!(Envelope::from(&done).meta["spend_recorded"], false);
    let recorded = Scripted::new().answer("Paris.").answer("ACCEPT");
    let recorded = work(POLICY, "standard", &recorded).await.unwrap();
    assert_eq!(Envelope::from(&recorded).meta.get("spend_recorded"), None);
}

#[tokio::test]
async fn a_task_that_is_too_dear_is_told_what_its_caller_or_the_policy_can_do() {
    let script = Scripted::new();
    let hint = |failure: &Failure| failure.error().hint().unwrap_or_default().to_owned();
    let failure = work(&with_max_usd("0.005"), "complex", &script).await.unwrap_err();
    assert_eq!(
        hint(&failure),
        "shorten the task; or, in the policy, lower max_tokens of the roles or raise \
         orchestration.max_usd"
    );
    let gateway = builder(POLICY, &script, &Default::default()).environment(capped("0.005"));
    let task = Task::new(TASK).depth("complex");
    let failure = gateway.build().unwrap().orchestrate(task).await.unwrap_err();
    let told = hint(&failure);
    let advice = "shorten the task, lower max_tokens of the roles in the policy, raise the cap";
    assert!(told.starts_with(advice), "{told}");
}
