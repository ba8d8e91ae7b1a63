//! Decides the claim `plan_leak`: no artifact repeats much of a plan verbatim.
//!
//! The verifier is shown the artifact, and so it also sees every passage of the plan that the
//! artifact repeats. The amount is measured in [`repetition`](super::repetition), without passages
//! of the task. Only verbatim repetition is detected: a plan in other words passes.

use super::repetition::{AllowedShingles, COMPARED, Repetition, SearchedArtifact, SeenWords};
use super::step_answer::StepAnswer;
use super::tokens::Lexicon;
use crate::certificate::claims::{Claim, ClaimResult, sentence};
use crate::model::StepRole;

/// The reason of a claim about a run without a plan.
const NO_PLAN: &str = "there was no plan that could leak";

/// Decides the claim `plan_leak` over each artifact and all plans made before the artifact. The
/// plan of the first round may leak into the artifact of the second.
pub(super) fn plan_leak(task: &str, said: &[StepAnswer<'_>]) -> Claim {
    // Without a plan none of the texts need be read.
    if !said.iter().any(|it| it.is_of(StepRole::Planner)) {
        return Claim::new(ClaimResult::NotApplicable, NO_PLAN);
    }
    let mut lexicon = Lexicon::new();
    let task = SeenWords::of(task, &mut lexicon);
    let mut comparison = Comparison { common: AllowedShingles::of(&task), lexicon, left: COMPARED };
    let mut plans: Vec<PlanWords<'_>> = Vec::new();
    let (mut against, mut open, mut pass) = (Vec::new(), Vec::new(), Vec::new());
    let mut short = Vec::new();
    for step in said {
        let Some(answer) = &step.answer else { continue };
        let answer = answer.as_deref().map_err(String::as_str);
        let round = step.step.round;
        match step.step.role {
            StepRole::Planner => {
                let words = answer.map(|plan| SeenWords::of(plan, &mut comparison.lexicon));
                plans.push(PlanWords { round, words });
            }
            StepRole::Worker => {
                let Some((result, figures)) = comparison.worst(&plans, answer) else { continue };
                let points = match result {
                    ClaimResult::Pass => &mut pass,
                    ClaimResult::Fail => &mut against,
                    ClaimResult::Unknown => &mut open,
                    ClaimResult::NotApplicable => &mut short,
                };
                points.push(format!("round {round}: {figures}"));
            }
            StepRole::Verifier => {}
        }
    }
    if !(against.is_empty() && open.is_empty() && pass.is_empty()) {
        return Claim::weigh(&against, &open, sentence(&pass));
    }
    let because = if short.is_empty() { NO_PLAN.to_owned() } else { sentence(&short) };
    Claim::new(ClaimResult::NotApplicable, because)
}

/// The words of a plan, or the reason why the plan is unknown.
struct PlanWords<'a> {
    round: u32,
    words: Result<SeenWords, &'a str>,
}

/// A comparison of a run's artifacts with its plans.
struct Comparison<'a> {
    /// The runs of words of the task, which do not count as repeated.
    common: AllowedShingles<'a>,
    lexicon: Lexicon,
    /// The number of words of plans that may still be compared.
    left: usize,
}

impl Comparison<'_> {
    /// Returns the worst result of comparing an artifact with the plans before it: a failed one,
    /// else an unknown one, else the one with the highest share. Returns `None` if there is no
    /// plan.
    fn worst(
        &mut self,
        plans: &[PlanWords<'_>],
        artifact: Result<&str, &str>,
    ) -> Option<(ClaimResult, String)> {
        let newest = plans.last()?;
        let artifact = match artifact {
            Ok(artifact) => SeenWords::of(artifact, &mut self.lexicon),
            Err(why) => return Some((ClaimResult::Unknown, why.to_owned())),
        };
        let artifact = SearchedArtifact::of(&artifact);
        let mut worst: Option<((u8, usize), ClaimResult, String)> = None;
        for plan in plans.iter().rev() {
            let (rank, result, figures) = match &plan.words {
                Err(why) => ((2, 0), ClaimResult::Unknown, (*why).to_owned()),
                Ok(words) => {
                    let leak = Repetition::within(&mut self.left, words, &artifact, &self.common);
                    let leak = leak.unwrap_or_default();
                    let whose = match plan.round == newest.round {
                        true => "the plan's".to_owned(),
                        false => format!("the round {} plan's", plan.round),
                    };
                    (leak.rank(), leak.result(), leak.figures(&whose))
                }
            };
            if worst.as_ref().is_none_or(|(known, _, _)| rank > *known) {
                worst = Some((rank, result, figures));
            }
        }
        worst.map(|(_, result, figures)| (result, figures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_was_not_compared_leaves_the_claim_unknown() {
        let task = SeenWords::default();
        let mut lexicon = Lexicon::new();
        let text: String = (0..100).map(|n| format!("word{n} ")).collect();
        let mut words = || SeenWords::of(&text, &mut lexicon);
        let plans: Vec<_> = (1..=2).map(|round| PlanWords { round, words: Ok(words()) }).collect();
        let mut comparison = Comparison { common: AllowedShingles::of(&task), lexicon, left: 150 };
        let mut worst = |plans| comparison.worst(plans, Ok("another thing")).unwrap().0;
        assert_eq!(worst(&plans[..1]), ClaimResult::Pass);
        assert_eq!(worst(&plans), ClaimResult::Unknown);
    }
}
