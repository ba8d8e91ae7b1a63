//! Case 16: artifacts that repeat the plan, just below and just above the limits.

use super::cases::{Case, case};
use super::run::replanned;
use crate::certificate::ClaimResult::{Fail, Unknown};
use crate::certificate::OrchestrationEvidence;

/// Returns words that occur in no other text.
fn words(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| format!("Word{n}")).collect::<Vec<_>>().join(", ")
}

/// Returns the evidence of an orchestration whose second round has this plan and this artifact.
fn planned(task: &str, plan: &str, artifact: &str) -> OrchestrationEvidence {
    let mut run = replanned();
    run.task = format!("{} {task}", run.task);
    (run.rounds[1].plan, run.rounds[1].artifact) = (Some(plan.to_owned()), artifact.to_owned());
    run.evidence()
}

/// Returns the evidence of an orchestration whose first round has this plan and whose second round
/// has this artifact.
fn planned_before(plan: &str, artifact: &str) -> OrchestrationEvidence {
    let mut run = replanned();
    run.rounds[0].plan = Some(plan.to_owned());
    run.rounds[1].artifact = artifact.to_owned();
    run.evidence()
}

/// Joins pieces of text with other words between them.
fn with_gaps(pieces: &[String]) -> String {
    pieces.iter().enumerate().map(|(n, piece)| format!("gap{n}: {piece}\n")).collect()
}

pub(super) fn leaks() -> Vec<Case> {
    // 107 words have 100 shingles; a piece of n of these words has n - 7.
    let plan = words(0..107);
    let repeats =
        |about: &str, pieces: &[String]| case(16, about, planned("", &plan, &with_gaps(pieces)));
    let fails = |case: Case| case.fails(&[("plan_leak", Fail)]);
    let lower = |numbers| words(numbers).to_lowercase().replace(", ", "\n- ");
    vec![
        repeats("19 of 100 shingles", &[words(0..17), words(50..66)])
            .because(&[("plan_leak", "round 2: the artifact repeats 19 of the plan's 100 runs")]),
        fails(repeats("20 of 100 shingles", &[words(0..17), words(50..67)]))
            .because(&[("plan_leak", "20 of the plan's 100 runs of 8 words (20 %), and no run")]),
        fails(repeats("20 of 100, set out anew", &[lower(0..17), lower(50..67)])),
        repeats("a run of 24 words", &[words(30..54)]),
        fails(repeats("a run of 25 words", &[words(30..55)]))
            .because(&[("plan_leak", "18 of the plan's 100 runs of 8 words (18 %), and a run")]),
        fails(case(
            16,
            "the first round's plan in the second artifact",
            planned_before(&plan, &plan),
        ))
        .because(&[(
            "plan_leak",
            "round 2: the artifact repeats 100 of the round 1 plan's 100 runs of 8 words (100 %)",
        )]),
        case(16, "19 of 100 shingles of the plan before", {
            planned_before(&plan, &with_gaps(&[words(0..17), words(50..66)]))
        })
        .because(&[("plan_leak", "round 2: the artifact repeats 19 of the round 1 plan's")]),
        repeats("one piece, again and again", &vec![words(0..17); 9]),
        case(16, "what the task itself says", planned(&words(0..107), &plan, &plan))
            .fails(&[("plan_leak", Unknown)])
            .because(&[("plan_leak", "so short a plan does not tell")]),
        fails(case(
            16,
            "the verifier sees the plan only in the artifact",
            planned("", &plan, &plan),
        )),
        case(16, "31 words", planned("", &words(0..31), &words(0..10))),
        case(16, "30 words are too short a plan", planned("", &words(0..30), "another thing"))
            .fails(&[("plan_leak", Unknown)]),
        fails(case(
            16,
            "a run of 25 words of a short plan",
            planned("", &words(0..30), &words(0..25)),
        )),
    ]
}
