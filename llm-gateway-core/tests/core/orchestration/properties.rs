//! Properties that hold whatever models and providers do: random replies, at random depths.

use std::sync::Arc;

use llm_gateway_core::ledger::{Ledger, MemoryLedger, SpendBy};
use llm_gateway_core::model::{NanoUsd, StepRole};
use llm_gateway_core::outcome::{AttemptOutcome, Ending};
use llm_gateway_core::{Category, Envelope, Failure, OrchestrationOutcome, Scripted, Task};
use proptest::prelude::*;

use super::{POLICY, TASK, builder, shown};
use crate::support::{in_paused_time, spent};

/// The reaction of a model or its provider to one request.
#[derive(Debug, Clone, Copy)]
enum Reply {
    /// The model returns a text that appears nowhere else.
    Text,
    Accept,
    Revise,
    Garbage,
    Status(u16),
    Empty,
    Refuse,
    Cut,
}

impl Reply {
    /// Adds the reply to request number `n` to a script. The text of a model contains `n`.
    fn add_to(self, script: Scripted, n: usize) -> Scripted {
        match self {
            Self::Text => script.answer(marked(n)),
            Self::Accept => script.answer("ACCEPT"),
            Self::Revise => script.answer(format!("REVISE: {}", marked(n))),
            Self::Garbage => script.answer(format!("well, {}", marked(n))),
            Self::Status(status) => script.status(status),
            Self::Empty => script.empty(),
            Self::Refuse => script.refuse(),
            Self::Cut => script.cut(),
        }
    }
}

fn marked(n: usize) -> String {
    format!("the words of reply {n:04}")
}

fn replies() -> impl Strategy<Value = Vec<Reply>> {
    let reply = prop_oneof![
        6 => Just(Reply::Text),
        3 => Just(Reply::Accept),
        5 => Just(Reply::Revise),
        3 => Just(Reply::Garbage),
        2 => prop_oneof![Just(400), Just(429), Just(500)].prop_map(Reply::Status),
        1 => Just(Reply::Empty),
        1 => Just(Reply::Refuse),
        1 => Just(Reply::Cut),
    ];
    prop::collection::vec(reply, 0..24)
}

/// A random orchestration.
#[derive(Debug, Clone)]
struct Rules {
    plan: bool,
    verify: bool,
    max_replans: u32,
    max_retries: u32,
}

fn rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>(), 0u32..4, 0u32..3).prop_map(
        |(plan, verify, max_replans, max_retries)| Rules { plan, verify, max_replans, max_retries },
    )
}

fn policy(rules: &Rules) -> String {
    let Rules { plan, verify, max_replans, max_retries } = rules;
    let depth = format!(
        "standard: {{plan: {plan}, verify: {verify}, replan_on_fail: {verify}, max_replans: {max_replans}}}"
    );
    POLICY
        .lines()
        .filter(|line| !line.contains("complex:") && !line.contains("trivial:"))
        .map(
            |line| {
                if line.contains("standard:") { format!("    {depth}") } else { line.to_owned() }
            },
        )
        .collect::<Vec<_>>()
        .join("\n")
        .replace("max_retries: 0", &format!("max_retries: {max_retries}, base_delay_s: 0.001"))
}

/// The result of a task that was run, however it ended, with the script.
struct Ran {
    outcome: Result<OrchestrationOutcome, Failure>,
    envelope: Envelope,
    script: Scripted,
    settled: NanoUsd,
    held: NanoUsd,
}

async fn run(rules: &Rules, replies: &[Reply]) -> Ran {
    let scripted = |script, (n, reply): (usize, &Reply)| reply.add_to(script, n);
    let script = replies.iter().enumerate().fold(Scripted::new(), scripted);
    let ledger = Arc::new(MemoryLedger::new());
    let gateway = builder(&policy(rules), &script, &ledger).build().unwrap();
    let outcome = gateway.orchestrate(Task::new(TASK)).await;
    ledger.drain().await.unwrap();
    let spent = spent(&ledger, SpendBy::Provider).await;
    let envelope = match &outcome {
        Ok(work) => Envelope::from(work),
        Err(failure) => Envelope::from(failure),
    };
    let (settled, held) = (spent.settled, spent.held);
    Ran { outcome, envelope, script, settled, held }
}

impl Ran {
    /// Returns the results of the task, if there are any.
    fn work(&self) -> Option<&OrchestrationOutcome> {
        self.outcome.as_ref().map_or_else(Failure::orchestration, Some)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn money_rounds_and_work_hold_whatever_is_said(rules in rules(), replies in replies()) {
        let ran = in_paused_time(run(&rules, &replies));

        // Rounds are bounded, and money adds up.
        let rounds = ran.envelope.meta["rounds"].as_u64().unwrap();
        prop_assert!((1..=u64::from(rules.max_replans) + 1).contains(&rounds));
        prop_assert_eq!(ran.held, NanoUsd::ZERO);
        let total = ran.envelope.meta["total_cost_usd_approx"].as_f64().unwrap();
        prop_assert!((total - ran.settled.as_usd()).abs() < 1e-12, "{total} {}", ran.settled);

        // Every text that was paid for is in the result.
        let all = serde_json::to_string(&ran.envelope).unwrap();
        let asked = ran.script.requests().len();
        for (n, reply) in replies.iter().enumerate().take(asked) {
            let is_said = matches!(reply, Reply::Text | Reply::Revise | Reply::Garbage);
            prop_assert!(!is_said || all.contains(&marked(n)), "reply {n} of {asked} is lost");
        }

        // An artifact is accepted if and only if a verifier accepted it.
        if let Some(work) = ran.work() && work.ending == Ending::Success {
            prop_assert!(work.is_accepted() || !rules.verify);
            prop_assert!(work.artifact().is_some());
        }
    }

    #[test]
    fn no_step_sees_what_it_may_not(rules in rules(), replies in replies()) {
        let ran = in_paused_time(run(&rules, &replies));
        let Some(work) = ran.work() else { return Ok(()) };
        // Each attempt that left is one request, in the order of the steps.
        let mut requests = 0..ran.script.requests().len();
        let mut said: Vec<(StepRole, u32, String)> = Vec::new();
        for step in &work.steps {
            let refused = AttemptOutcome::Failed(Category::BreakerOpen);
            for _ in step.attempts().iter().filter(|attempt| attempt.outcome != refused) {
                let Some(index) = requests.next() else { break };
                let prompt = shown(&ran.script, index);
                for (role, round, words) in &said {
                    let may_see = match (step.role, role) {
                        (StepRole::Verifier, StepRole::Worker) => *round == step.round,
                        (StepRole::Worker, StepRole::Planner) => *round == step.round,
                        (StepRole::Planner | StepRole::Worker, StepRole::Verifier) => {
                            *round + 1 == step.round
                        }
                        _ => false,
                    };
                    prop_assert!(
                        may_see || !prompt.contains(words),
                        "{:?} of round {} sees what {role:?} said in round {round}",
                        step.role, step.round
                    );
                }
            }
            if let Ok(answer) = &step.result {
                let text = answer.text();
                let words = text.find("the words of reply").map(|at| text[at..].to_owned());
                said.extend(words.map(|words| (step.role, step.round, words)));
            }
        }
    }
}
