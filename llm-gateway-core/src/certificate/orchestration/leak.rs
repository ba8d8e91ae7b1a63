//! Decides the claim `plan_leak`: no artifact repeats much of a plan verbatim.
//!
//! The verifier is shown the artifact, so it also sees what the artifact repeats of the plan. The
//! amount is measured in shingles, runs of eight words, without those that the task itself
//! contains. Only verbatim repetition is detected: a plan in other words passes.

use std::collections::HashSet;

use super::step_answer::StepAnswer;
use super::tokens::{Lexicon, Words};
use crate::certificate::claims::{Claim, ClaimResult, sentence};
use crate::model::StepRole;

/// The number of words in a shingle. Any two texts on one subject share shorter runs.
const SHINGLE: usize = 8;

/// The number of words in a row that cannot be repeated by chance.
const RUN: usize = 25;

/// The share of repeated shingles from which the claim fails, as its denominator: one in five, or
/// 20 %.
const ONE_OF: usize = 5;

/// The number of shingles that a plan must have for its repeated share to count. In a shorter plan
/// a few stock phrases would decide.
const LEAST: usize = 24;

/// The amount of a plan that an artifact repeats verbatim.
#[derive(Debug, PartialEq, Eq)]
struct Leak {
    /// Number of the plan's distinct shingles, without those of the task.
    shingles: usize,
    /// Number of the plan's shingles that the artifact repeats.
    repeated: usize,
    /// Whether the artifact repeats a run of [`RUN`] words of the plan, made of such shingles.
    has_run: bool,
    /// Whether task, plan and artifact were compared in full.
    is_whole: bool,
}

/// The total number of words of plans that are compared with artifacts. A run of eleven rounds, the
/// most that a policy may set, has fewer even with plans of 128 k tokens; a stranger's bundle may
/// have more.
const COMPARED: usize = 16 * 1024 * 1024;

/// Decides the claim `plan_leak` over each artifact and all plans made before the artifact. The
/// plan of the first round may leak into the artifact of the second.
pub(super) fn plan_leak(task: &str, said: &[StepAnswer<'_>]) -> Claim {
    let mut lexicon = Lexicon::new();
    let task = lexicon.words(task);
    let mut comparison = Comparison::with(&task, lexicon);
    let mut plans: Vec<PlanWords<'_>> = Vec::new();
    let (mut against, mut open, mut pass) = (Vec::new(), Vec::new(), Vec::new());
    for step in said {
        let Some(answer) = &step.answer else { continue };
        let answer = answer.as_deref().map_err(String::as_str);
        let round = step.step.round;
        match step.step.role {
            StepRole::Planner => {
                let words = answer.map(|plan| comparison.lexicon.words(plan));
                plans.push(PlanWords { round, words });
            }
            StepRole::Worker => {
                let Some((result, figures)) = comparison.worst(&plans, answer) else { continue };
                let points = match result {
                    ClaimResult::Pass => &mut pass,
                    ClaimResult::Fail => &mut against,
                    _ => &mut open,
                };
                points.push(format!("round {round}: {figures}"));
            }
            StepRole::Verifier => {}
        }
    }
    if against.is_empty() && open.is_empty() && pass.is_empty() {
        return Claim::new(ClaimResult::NotApplicable, "there was no plan that could leak");
    }
    Claim::weigh(&against, &open, sentence(&pass))
}

/// The words of a plan, or the reason why the plan is not known.
struct PlanWords<'a> {
    round: u32,
    words: Result<Words, &'a str>,
}

/// A comparison of a run's artifacts with its plans.
struct Comparison<'a> {
    /// The shingles of the task, which do not count as repeated.
    of_task: HashSet<&'a [u32]>,
    /// Whether the task was read in full, within the limit on characters.
    is_whole: bool,
    lexicon: Lexicon,
    /// The number of words of plans that may still be compared.
    left: usize,
}

impl<'a> Comparison<'a> {
    fn with(task: &'a Words, lexicon: Lexicon) -> Self {
        let of_task = task.numbers.windows(SHINGLE).collect();
        Self { of_task, is_whole: task.is_whole, lexicon, left: COMPARED }
    }

    /// Returns the worst result of comparing an artifact with the plans before it: a failed one,
    /// otherwise an unknown one, otherwise the one with the highest share. `None` if there is no
    /// plan.
    fn worst(
        &mut self,
        plans: &[PlanWords<'_>],
        artifact: Result<&str, &str>,
    ) -> Option<(ClaimResult, String)> {
        let newest = plans.last()?;
        let artifact = match artifact {
            Ok(artifact) => self.lexicon.words(artifact),
            Err(why) => return Some((ClaimResult::Unknown, why.to_owned())),
        };
        let artifact = Artifact::of(&artifact);
        let mut worst: Option<((u8, usize), ClaimResult, String)> = None;
        for plan in plans.iter().rev() {
            let (result, share, figures) = match &plan.words {
                Err(why) => (ClaimResult::Unknown, 0, (*why).to_owned()),
                Ok(words) => {
                    let leak = self.leak(words, &artifact);
                    let whose = match plan.round == newest.round {
                        true => "the plan's".to_owned(),
                        false => format!("the round {} plan's", plan.round),
                    };
                    (leak.result(), leak.percent(), leak.figures(&whose))
                }
            };
            let rank = match result {
                ClaimResult::Fail => 2,
                ClaimResult::Pass => 0,
                _ => 1,
            };
            if worst.as_ref().is_none_or(|(known, _, _)| (rank, share) > *known) {
                worst = Some(((rank, share), result, figures));
            }
        }
        worst.map(|(_, result, figures)| (result, figures))
    }

    fn leak(&mut self, plan: &Words, artifact: &Artifact<'_>) -> Leak {
        let words = plan.numbers.len();
        let Some(left) = self.left.checked_sub(words) else {
            return Leak { shingles: 0, repeated: 0, has_run: false, is_whole: false };
        };
        self.left = left;
        let leak = leak(&self.of_task, plan, artifact);
        Leak { is_whole: leak.is_whole && self.is_whole, ..leak }
    }
}

/// The runs of words in an artifact, collected once for all plans.
struct Artifact<'a> {
    shingles: HashSet<&'a [u32]>,
    runs: HashSet<&'a [u32]>,
    is_whole: bool,
}

impl<'a> Artifact<'a> {
    fn of(words: &'a Words) -> Self {
        let windows = |length| words.numbers.windows(length).collect();
        Self { shingles: windows(SHINGLE), runs: windows(RUN), is_whole: words.is_whole }
    }
}

/// Measures how much of one plan an artifact repeats verbatim.
fn leak(of_task: &HashSet<&[u32]>, plan: &Words, artifact: &Artifact<'_>) -> Leak {
    let own = |shingle: &[u32]| !of_task.contains(shingle);

    let shingles: HashSet<&[u32]> =
        plan.numbers.windows(SHINGLE).filter(|shingle| own(shingle)).collect();
    let repeated = shingles.iter().filter(|shingle| artifact.shingles.contains(*shingle)).count();
    let has_run = plan
        .numbers
        .windows(RUN)
        .any(|run| artifact.runs.contains(run) && run.windows(SHINGLE).all(own));
    let is_whole = plan.is_whole && artifact.is_whole;
    Leak { shingles: shingles.len(), repeated, has_run, is_whole }
}

impl Leak {
    /// Returns the result of the claim `plan_leak` that follows from the leak.
    fn result(&self) -> ClaimResult {
        let is_telling = self.shingles >= LEAST;
        if self.has_run || (is_telling && self.repeated * ONE_OF >= self.shingles) {
            ClaimResult::Fail
        } else if is_telling && self.is_whole {
            ClaimResult::Pass
        } else {
            ClaimResult::Unknown
        }
    }

    /// Returns the share of the plan's shingles that the artifact repeats, in percent.
    fn percent(&self) -> usize {
        (self.repeated * 100).checked_div(self.shingles).unwrap_or_default()
    }

    /// Describes the leak in figures. `whose` names the plan, with its round if there is a newer
    /// plan.
    fn figures(&self, whose: &str) -> String {
        let Self { shingles, repeated, has_run, is_whole } = self;
        let percent = self.percent();
        let run = if *has_run { "a" } else { "no" };
        let mut figures = format!(
            "the artifact repeats {repeated} of {whose} {shingles} runs of {SHINGLE} words \
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

    /// The work of comparing texts must grow with the sum of their lengths. If it grew with the
    /// product, the test would take minutes.
    #[test]
    fn long_texts_take_linear_time() {
        let long = Words { numbers: (0..40_000).collect(), is_whole: true };
        let found = leak(&HashSet::new(), &long, &Artifact::of(&long));
        assert_eq!((found.shingles, found.repeated, found.has_run), (39_993, 39_993, true));
    }

    #[test]
    fn a_plan_that_was_not_compared_leaves_the_claim_unknown() {
        let task = Words { numbers: Vec::new(), is_whole: true };
        let mut comparison = Comparison::with(&task, Lexicon::new());
        comparison.left = 150;
        let words = || Words { numbers: (0..100).collect(), is_whole: true };
        let plans: Vec<_> = (1..=2).map(|round| PlanWords { round, words: Ok(words()) }).collect();
        let mut worst = |plans| comparison.worst(plans, Ok("another thing")).unwrap().0;
        assert_eq!(worst(&plans[..1]), ClaimResult::Pass);
        assert_eq!(worst(&plans), ClaimResult::Unknown);
    }

    #[test]
    fn a_text_that_was_not_read_in_full_cannot_pass() {
        let leak = Leak { shingles: 100, repeated: 0, has_run: false, is_whole: true };
        assert_eq!(leak.result(), ClaimResult::Pass);
        let leak = Leak { is_whole: false, ..leak };
        assert_eq!(leak.result(), ClaimResult::Unknown);
        assert!(leak.figures("the plan's").contains("too long"), "{leak:?}");
        let leak = Leak { repeated: 20, ..leak };
        assert_eq!(leak.result(), ClaimResult::Fail);
    }
}
