//! The rounds of an orchestration: decides which step comes next, what follows from a verifier's
//! reply, and when the orchestration ends. How a single step is run is decided in `step`.

use crate::model::{Blind, ModelText, Prompt, StepRole};
use crate::policy::{PlannedOrchestration, PlannedStep};

use super::prompt::{self, StepOutput, View};
use super::step::{StepReply, Steps};
use super::verdict::{Decision, ParsedReply, Verdict, parse_reply};
use super::{OrchestrationEnd, OrchestrationRun, Round};

/// The rounds of an orchestration that is running, with its state so far.
pub(super) struct Rounds<'s, 'a> {
    orchestration: &'s PlannedOrchestration,
    task: &'s Prompt<Blind>,
    steps: Steps<'s, 'a>,
    rounds: Vec<Round>,
}

/// The verdict of a verifier, and the reply from which it was read.
struct Ruling {
    verdict: Verdict,
    reply: ModelText,
}

impl<'s, 'a> Rounds<'s, 'a> {
    /// Creates the rounds of an orchestration that has not begun yet.
    pub(super) fn new(
        orchestration: &'s PlannedOrchestration,
        task: &'s Prompt<Blind>,
        steps: Steps<'s, 'a>,
    ) -> Self {
        Self { orchestration, task, steps, rounds: Vec::new() }
    }

    /// Runs an orchestration's rounds until the artifact is accepted, or the policy allows no
    /// further round.
    pub(super) async fn run(mut self) -> OrchestrationRun {
        let end = self.every_round().await;
        // A step that was cut off is the end, whatever the end would be otherwise: the caller does
        // not wait for it.
        let end = self.steps.stopped_at().map_or(end, |stage| OrchestrationEnd::Failed { stage });
        OrchestrationRun { steps: self.steps.into_runs(), rounds: self.rounds, end }
    }

    /// Runs an orchestration's rounds one after another, and returns how the orchestration ends.
    async fn every_round(&mut self) -> OrchestrationEnd {
        let mut reasons = None;
        for round in 1..=self.orchestration.max_replans.saturating_add(1) {
            let Ruling { verdict, reply } = match self.round(round, reasons.as_ref()).await {
                Ok(Some(ruling)) => ruling,
                Ok(None) => return OrchestrationEnd::Unjudged,
                Err(end) => return end,
            };
            match verdict.decision {
                Decision::Accept => return OrchestrationEnd::Accepted,
                // The verdict names nothing that a further round could mend.
                Decision::CannotJudge => return OrchestrationEnd::Refused,
                Decision::Revise => reasons = Some(reply.excerpt(verdict.reasons.join("\n"))),
            }
        }
        OrchestrationEnd::Refused
    }

    /// Runs one round: every step once. Returns the verdict if the workflow has a verifier.
    async fn round(
        &mut self,
        round: u32,
        reasons: Option<&ModelText>,
    ) -> Result<Option<Ruling>, OrchestrationEnd> {
        let orchestration = self.orchestration;
        let mut outputs = Vec::new();
        let mut ruling = None;
        self.rounds.push(Round::default());
        for step in &orchestration.steps {
            let view = View { task: self.task, outputs: &outputs, reasons };
            if step.role() == StepRole::Verifier {
                let ruled =
                    self.verify(step, round, view).await.ok_or(OrchestrationEnd::Unverified)?;
                self.note(|round| round.verdict = Some(ruled.verdict.clone()));
                ruling = Some(ruled);
                continue;
            }
            let name = step.name().to_owned();
            let Some(reply) = self.steps.run(step, round, view, None).await else {
                return Err(OrchestrationEnd::Failed { stage: name });
            };
            let StepReply { position, text, .. } = reply;
            let kept = Some(text.as_str().to_owned());
            self.note(|round| match step.role() {
                StepRole::Planner => round.plan = kept,
                StepRole::Worker | StepRole::Verifier => round.artifact = kept,
            });
            outputs.push(StepOutput { step: name, role: step.role(), position, text });
        }
        Ok(ruling)
    }

    /// Records a result of the current round, such as its plan.
    fn note(&mut self, note: impl FnOnce(&mut Round)) {
        if let Some(round) = self.rounds.last_mut() {
            note(round);
        }
    }

    /// Asks the verifier for a verdict, and once more if the reply is not a verdict. Returns `None`
    /// if the verifier gave no answer.
    async fn verify(&mut self, step: &PlannedStep, round: u32, view: View<'_>) -> Option<Ruling> {
        let form = self.orchestration.verdict;
        let first = self.steps.run(step, round, view, Some(prompt::ask(form))).await?;
        let why = match self.read(&first) {
            ParsedReply::Verdict(verdict) => return Some(Ruling { verdict, reply: first.text }),
            ParsedReply::Malformed(why) => why,
        };
        let artifact = first.judged.as_ref().map(|judged| judged.artifact.as_str());
        let artifact = artifact.unwrap_or_default();
        let no_verdict = first.text;
        let again = Some(prompt::ask_again(form));
        let Some(repaired) = self.steps.run(step, round, view, again).await else {
            let why = format!("{why}, and asked again the verifier gave nothing");
            let verdict = Verdict::cannot_judge(&why, no_verdict.as_str(), artifact);
            return Some(Ruling { verdict, reply: no_verdict });
        };
        let verdict = match self.read(&repaired) {
            ParsedReply::Verdict(verdict) => verdict,
            ParsedReply::Malformed(why) => {
                Verdict::cannot_judge(&why, repaired.text.as_str(), artifact)
            }
        };
        let verdict = verdict.in_place_of(no_verdict.as_str());
        Some(Ruling { verdict, reply: repaired.text })
    }

    /// Reads the reply of a verifier in the form of verdict that it was asked for.
    fn read(&self, reply: &StepReply) -> ParsedReply {
        let Some(judged) = &reply.judged else {
            return ParsedReply::Malformed("there was nothing to judge".to_owned());
        };
        let (text, artifact) = (reply.text.as_str(), judged.artifact.as_str());
        let form = self.orchestration.verdict;
        parse_reply(text, reply.finish, artifact, form, judged.frame.nonce())
    }
}
