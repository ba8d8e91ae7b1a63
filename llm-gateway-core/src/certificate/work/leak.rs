//! How much of the plan the artifact repeats verbatim: the claim `plan_leak`.
//!
//! The verifier is shown the artifact, so what the artifact repeats of the plan reaches it all
//! the same. Measured in shingles, runs of eight words, without those that the task itself
//! holds. Only verbatim repetition is seen: a plan in other words passes.

use std::collections::HashSet;

use super::said::Said;
use super::tokens::{Lexicon, Words};
use crate::certificate::claims::{Claim, Verdict, sentence};
use crate::model::StepRole;

/// Words of a shingle: shorter runs are shared by any two texts on one subject.
const SHINGLE: usize = 8;

/// Words of a run that is no accident.
const RUN: usize = 25;

/// One shingle of so many, a share of 20 %, is too much.
const ONE_OF: usize = 5;

/// A plan with fewer shingles is too short to tell: a few stock phrases would decide.
const LEAST: usize = 24;

/// What an artifact repeats of a plan.
#[derive(Debug, PartialEq, Eq)]
struct Leak {
    /// The plan's distinct shingles without the task's.
    shingles: usize,
    /// Those that stand in the artifact.
    repeated: usize,
    /// Whether a run of [`RUN`] words of such shingles stands there.
    has_run: bool,
    /// Whether all of the texts was looked at.
    is_whole: bool,
}

/// The claim, over each round that has a plan and an artifact.
pub(super) fn plan_leak(task: &str, said: &[Said<'_>]) -> Claim {
    let mut lexicon = Lexicon::new();
    let task = lexicon.words(task);
    let mut plan: Option<&Said<'_>> = None;
    let (mut against, mut open, mut pass) = (Vec::new(), Vec::new(), Vec::new());
    for step in said {
        if step.is_of(StepRole::Planner) {
            plan = Some(step);
        }
        let (Some(plan), true) = (plan, step.is_of(StepRole::Worker)) else { continue };
        let (Some(planned), Some(made)) = (&plan.answer, &step.answer) else { continue };
        let round = step.step.round;
        match (planned, made) {
            (Ok(plan), Ok(artifact)) => {
                let leak = leak(&task, &lexicon.words(plan), &lexicon.words(artifact));
                let points = match leak.verdict() {
                    Verdict::Pass => &mut pass,
                    Verdict::Fail => &mut against,
                    _ => &mut open,
                };
                points.push(format!("round {round}: {}", leak.figures()));
            }
            (Err(why), _) | (_, Err(why)) => open.push(format!("round {round}: {why}")),
        }
    }
    if against.is_empty() && open.is_empty() && pass.is_empty() {
        return Claim::new(Verdict::NotApplicable, "there was no plan that could leak");
    }
    Claim::weigh(&against, &open, sentence(&pass))
}

fn leak(task: &Words, plan: &Words, artifact: &Words) -> Leak {
    let of_task: HashSet<&[u32]> = task.numbers.windows(SHINGLE).collect();
    let of_artifact: HashSet<&[u32]> = artifact.numbers.windows(SHINGLE).collect();
    let runs_of_artifact: HashSet<&[u32]> = artifact.numbers.windows(RUN).collect();
    let own = |shingle: &[u32]| !of_task.contains(shingle);

    let shingles: HashSet<&[u32]> =
        plan.numbers.windows(SHINGLE).filter(|shingle| own(shingle)).collect();
    let repeated = shingles.iter().filter(|shingle| of_artifact.contains(*shingle)).count();
    let has_run = plan
        .numbers
        .windows(RUN)
        .any(|run| runs_of_artifact.contains(run) && run.windows(SHINGLE).all(own));
    let is_whole = task.is_whole && plan.is_whole && artifact.is_whole;
    Leak { shingles: shingles.len(), repeated, has_run, is_whole }
}

impl Leak {
    fn verdict(&self) -> Verdict {
        let is_telling = self.shingles >= LEAST;
        if self.has_run || (is_telling && self.repeated * ONE_OF >= self.shingles) {
            Verdict::Fail
        } else if is_telling && self.is_whole {
            Verdict::Pass
        } else {
            Verdict::Unknown
        }
    }

    fn figures(&self) -> String {
        let Self { shingles, repeated, has_run, is_whole } = self;
        let percent = (repeated * 100).checked_div(*shingles).unwrap_or_default();
        let run = if *has_run { "a" } else { "no" };
        let mut figures = format!(
            "the artifact repeats {repeated} of the plan's {shingles} runs of {SHINGLE} words \
             ({percent} %), and {run} run of {RUN}"
        );
        if *shingles < LEAST {
            figures.push_str("; so short a plan does not tell");
        }
        if !is_whole {
            figures.push_str("; the texts are too long to be looked at in full");
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work grows with the texts, not with their product: that would take minutes.
    #[test]
    fn long_texts_are_no_trouble() {
        let long = Words { numbers: (0..40_000).collect(), is_whole: true };
        let found = leak(&Words::default(), &long, &long);
        assert_eq!((found.shingles, found.repeated, found.has_run), (39_993, 39_993, true));
    }

    #[test]
    fn what_was_not_looked_at_cannot_pass() {
        let leak = Leak { shingles: 100, repeated: 0, has_run: false, is_whole: true };
        assert_eq!(leak.verdict(), Verdict::Pass);
        let leak = Leak { is_whole: false, ..leak };
        assert_eq!(leak.verdict(), Verdict::Unknown);
        assert!(leak.figures().contains("too long"), "{}", leak.figures());
        let leak = Leak { repeated: 20, ..leak };
        assert_eq!(leak.verdict(), Verdict::Fail);
    }
}
