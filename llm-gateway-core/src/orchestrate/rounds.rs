//! The way of an orchestration: round after round, what a verifier's reply leads to, and when it
//! ends. How a single step is run is `step`'s to say.

use crate::model::{Blind, ModelText, Prompt, StepRole};
use crate::policy::{PlannedOrchestration, PlannedStep};

use super::prompt::{self, Output, View};
use super::step::{Given, Steps};
use super::verdict::{Decision, Judgement, Verdict, judge, looks_like_a_verdict};
use super::{Done, End, Round};

/// An orchestration under way, round after round.
pub(super) struct Rounds<'s, 'a> {
    orchestration: &'s PlannedOrchestration,
    task: &'s Prompt<Blind>,
    steps: Steps<'s, 'a>,
    rounds: Vec<Round>,
}

/// A verdict, and the reply that it was read from.
struct Ruling {
    verdict: Verdict,
    reply: ModelText,
}

impl<'s, 'a> Rounds<'s, 'a> {
    /// No round has begun yet.
    pub(super) fn new(
        orchestration: &'s PlannedOrchestration,
        task: &'s Prompt<Blind>,
        steps: Steps<'s, 'a>,
    ) -> Self {
        Self { orchestration, task, steps, rounds: Vec::new() }
    }

    /// Works until the artifact is accepted, or the policy allows no further round.
    pub(super) async fn run(mut self) -> Done {
        let end = self.every_round().await;
        // Whatever the end would be without the step that was cut off: nobody waited for it.
        let end = self.steps.stopped_at().map_or(end, |stage| End::Failed { stage });
        Done { steps: self.steps.into_runs(), rounds: self.rounds, end }
    }

    async fn every_round(&mut self) -> End {
        let mut reasons = None;
        for round in 1..=self.orchestration.max_replans.saturating_add(1) {
            let Ruling { verdict, reply } = match self.round(round, reasons.as_ref()).await {
                Ok(Some(ruling)) => ruling,
                Ok(None) => return End::Unjudged,
                Err(end) => return end,
            };
            match verdict.decision {
                Decision::Accept => return End::Accepted,
                // It names nothing that a next round could put right.
                Decision::CannotJudge => return End::Refused,
                Decision::Revise => reasons = Some(reply.excerpt(verdict.reasons.join("\n"))),
            }
        }
        End::Refused
    }

    /// Runs every step once, and gives the verdict, if anybody was asked for one.
    async fn round(
        &mut self,
        round: u32,
        reasons: Option<&ModelText>,
    ) -> Result<Option<Ruling>, End> {
        let orchestration = self.orchestration;
        let mut outputs = Vec::new();
        let mut ruling = None;
        self.rounds.push(Round::default());
        for step in &orchestration.steps {
            let view = View { task: self.task, outputs: &outputs, reasons };
            if step.role() == StepRole::Verifier {
                let ruled = self.verify(step, round, view).await.ok_or(End::Unverified)?;
                self.note(|round| round.verdict = Some(ruled.verdict.clone()));
                ruling = Some(ruled);
                continue;
            }
            let name = step.name().to_owned();
            let Some(given) = self.steps.run(step, round, view, None).await else {
                return Err(End::Failed { stage: name });
            };
            let Given { position, text, .. } = given;
            let kept = Some(text.as_str().to_owned());
            self.note(|round| match step.role() {
                StepRole::Planner => round.plan = kept,
                StepRole::Worker | StepRole::Verifier => round.artifact = kept,
            });
            outputs.push(Output { step: name, role: step.role(), position, text });
        }
        Ok(ruling)
    }

    fn note(&mut self, note: impl FnOnce(&mut Round)) {
        if let Some(round) = self.rounds.last_mut() {
            note(round);
        }
    }

    /// Asks for a verdict, and once more where the reply is none; `None` = the verifier could
    /// not be had.
    async fn verify(&mut self, step: &PlannedStep, round: u32, view: View<'_>) -> Option<Ruling> {
        let [ask, ask_again] =
            [false, true].map(|again| prompt::ask(self.orchestration.verdict, again));
        let given = self.steps.run(step, round, view, Some(ask)).await?;
        let why = match self.read(&given) {
            Judgement::Verdict(verdict) => return Some(Ruling { verdict, reply: given.text }),
            Judgement::Malformed(why) => why,
        };
        let artifact = given.judged.as_ref().map(|judged| judged.artifact.as_str());
        let is_suspect = artifact.is_some_and(looks_like_a_verdict);
        let no_verdict = given.text;
        let Some(repaired) = self.steps.run(step, round, view, Some(ask_again)).await else {
            let why = format!("{why}, and asked again the verifier gave nothing");
            let verdict = Verdict::cannot_judge(&why, no_verdict.as_str(), is_suspect);
            return Some(Ruling { verdict, reply: no_verdict });
        };
        let verdict = match self.read(&repaired) {
            Judgement::Verdict(verdict) => verdict,
            Judgement::Malformed(why) => {
                Verdict::cannot_judge(&why, repaired.text.as_str(), is_suspect)
            }
        };
        let verdict = verdict.in_place_of(no_verdict.as_str());
        Some(Ruling { verdict, reply: repaired.text })
    }

    fn read(&self, given: &Given) -> Judgement {
        let Some(judged) = &given.judged else {
            return Judgement::Malformed("there was nothing to judge".to_owned());
        };
        let (reply, artifact) = (given.text.as_str(), judged.artifact.as_str());
        let form = self.orchestration.verdict;
        judge(reply, given.finish, artifact, form, judged.frame.nonce())
    }
}
