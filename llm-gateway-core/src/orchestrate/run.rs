//! The way of an orchestration: round after round, step after step.
//!
//! Every call goes through dispatch. What a step gave is kept the moment it is there, so that
//! no later failure can lose it, nor a stop, which dispatch hears wherever it waits.

use std::sync::Arc;

use crate::certificate::{Commitment, StepEvidence};
use crate::dispatch::{
    self, Allowance, Attempt, Context, Course, PreparedCall, Refusal, Sequence, prepare,
};
use crate::error::Category;
use crate::event::Event;
use crate::evidence;
use crate::model::{Ask, Blind, FinishReason, ModelText, Part, Prompt, StepRole};
use crate::policy::{PlannedOrchestration, PlannedStep};

use super::budget::{Budget, Place};
use super::prompt::{self, Judged, Output, Shown, View};
use super::verdict::{Decision, Judgement, Verdict, judge, looks_like_a_verdict};
use super::{Done, End, Round, StepRun};

/// An orchestration under way.
pub(super) struct Work<'w, 'a> {
    pub(super) context: &'w Context<'a>,
    pub(super) plan: &'w PlannedOrchestration,
    pub(super) task: &'w Prompt<Blind>,
    pub(super) budget: Budget<'a>,
    pub(super) sequence: Arc<Sequence>,
    pub(super) steps: Vec<StepRun>,
    pub(super) rounds: Vec<Round>,
}

/// What a step gave, and where it stands among all that ran.
struct Given {
    position: u32,
    text: ModelText,
    /// Why it ends where it does.
    finish: FinishReason,
    judged: Option<Judged>,
}

/// A verdict, and the reply that it was read from.
type Judging = (Verdict, ModelText);

impl Work<'_, '_> {
    /// Works until the artifact is accepted, or the policy allows no further round.
    pub(super) async fn run(mut self) -> Done {
        let end = self.every_round().await;
        // Whatever the end would be without the step that was cut off: nobody waited for it.
        let end = self.stopped_at().map_or(end, |stage| End::Failed { stage });
        Done { steps: self.steps, rounds: self.rounds, end }
    }

    /// The step that a stop cut off, if one did.
    fn stopped_at(&self) -> Option<String> {
        let last = self.steps.last().filter(|_| self.context.is_stopped())?;
        let refusal = last.result.as_ref().err()?;
        (refusal.error.category() == Category::Cancelled).then(|| last.evidence.name.clone())
    }

    async fn every_round(&mut self) -> End {
        let mut reasons = None;
        for round in 1..=self.plan.max_replans.saturating_add(1) {
            let judged = match self.round(round, reasons.as_ref()).await {
                Ok(Some(judged)) => judged,
                Ok(None) => return End::Unjudged,
                Err(end) => return end,
            };
            let (verdict, reply) = judged;
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
    ) -> Result<Option<Judging>, End> {
        let (plan, mut outputs, mut verdict) = (self.plan, Vec::new(), None);
        self.rounds.push(Round::default());
        for step in &plan.steps {
            let view = View { task: self.task, outputs: &outputs, reasons };
            let (name, role) = (step.step.name.clone(), step.step.role);
            if role == StepRole::Verifier {
                let judged = self.verify(step, round, view).await.ok_or(End::Unverified)?;
                self.note(|round| round.verdict = Some(judged.0.clone()));
                verdict = Some(judged);
                continue;
            }
            let given = self.step(step, round, view, None).await;
            let Given { position, text, .. } = given.ok_or(End::Failed { stage: name.clone() })?;
            let kept = Some(text.as_str().to_owned());
            self.note(|round| match role {
                StepRole::Planner => round.plan = kept,
                StepRole::Worker | StepRole::Verifier => round.artifact = kept,
            });
            outputs.push(Output { step: name, role, position, text });
        }
        Ok(verdict)
    }

    fn note(&mut self, note: impl FnOnce(&mut Round)) {
        if let Some(round) = self.rounds.last_mut() {
            note(round);
        }
    }

    /// Asks for a verdict, and once more where the reply is none; `None` = the verifier could
    /// not be had.
    async fn verify(&mut self, step: &PlannedStep, round: u32, view: View<'_>) -> Option<Judging> {
        let [first, again] = [false, true].map(|again| prompt::ask(self.plan.verdict, again));
        let given = self.step(step, round, view, Some(first)).await?;
        let why = match self.read(&given) {
            Judgement::Verdict(verdict) => return Some((verdict, given.text)),
            Judgement::Malformed(why) => why,
        };
        let artifact = given.judged.as_ref().map(|judged| judged.artifact.as_str());
        let is_suspect = artifact.is_some_and(looks_like_a_verdict);
        let first = given.text.as_str();
        let Some(repaired) = self.step(step, round, view, Some(again)).await else {
            let why = format!("{why}, and asked again the verifier gave nothing");
            return Some((Verdict::cannot_judge(&why, first, is_suspect), given.text));
        };
        let verdict = match self.read(&repaired) {
            Judgement::Verdict(verdict) => verdict,
            Judgement::Malformed(why) => {
                Verdict::cannot_judge(&why, repaired.text.as_str(), is_suspect)
            }
        };
        Some((verdict.in_place_of(first), repaired.text))
    }

    fn read(&self, given: &Given) -> Judgement {
        let Some(judged) = &given.judged else {
            return Judgement::Malformed("there was nothing to judge".to_owned());
        };
        let (reply, artifact) = (given.text.as_str(), judged.artifact.as_str());
        judge(reply, given.finish, artifact, self.plan.verdict, judged.frame.nonce())
    }

    /// Runs one step: its prompt from what it may see, its bytes committed before they leave.
    /// `ask` is what a verifier is asked for. `None` where it gave nothing; the run says why.
    async fn step(
        &mut self,
        step: &PlannedStep,
        round: u32,
        view: View<'_>,
        ask: Option<Ask>,
    ) -> Option<Given> {
        let (name, target) = (step.step.name.clone(), step.planned.target.clone());
        let again = matches!(ask, Some(Ask::StructuredAgain | Ask::PlainAgain));
        let place = Place { round, step: name.clone(), again };
        let started = Event::Step { step: name.clone(), round, target: target.clone() };
        self.context.events.send(started);
        let draw = || self.context.random.bits();
        let shown = prompt::build(&self.plan.workflow, step, view, ask, draw);
        let (instruction, judged, committed, course) = match shown {
            Ok(Shown { prompt, judged }) => {
                let instruction = prompt.system().map(Part::as_str).unwrap_or_default().to_owned();
                let (committed, course) = self.call(step, &prompt, &place).await;
                (instruction, judged, committed, course)
            }
            Err(error) => {
                let refused = Course::refused(Refusal::new(target.clone(), error, None));
                (String::new(), None, None, refused)
            }
        };
        let answered = course.result.is_ok();
        self.context.events.send(Event::StepEnded { step: name.clone(), round, answered });
        let position = u32::try_from(self.steps.len()).unwrap_or(u32::MAX).saturating_add(1);
        let completion = course.result.as_ref().ok().map(|answered| &answered.completion);
        let said = completion.map(|it| (it.model_text(), it.finish_reason));
        let call = evidence::of_call(self.context.policy, position, &target, committed, &course);
        let mut evidence = StepEvidence::new(name, step.step.role, round, instruction, call);
        if let (Some(judged), Some(ask)) = (&judged, ask) {
            evidence = evidence.judging(judged.as_evidence(ask));
        }
        self.steps.push(StepRun {
            evidence,
            spent: evidence::spent(&course),
            again,
            target,
            result: course.result,
            attempts: course.attempts,
            latency: course.latency,
        });
        said.map(|(text, finish)| Given { position, text, finish, judged })
    }

    /// Sends a prompt on the money that was set aside for it, and on more where its bytes turned
    /// out to need it.
    async fn call(
        &mut self,
        step: &PlannedStep,
        prompt: &Prompt,
        place: &Place,
    ) -> (Option<Commitment>, Course) {
        let call = match prepare(self.context, &step.planned, prompt) {
            Ok(call) => call,
            Err(refusal) => return (None, Course::refused(refusal)),
        };
        let committed = evidence::commit(&call, &self.sequence);
        (committed, self.send(step.step.role, call, place).await)
    }

    /// Where somebody billed more than a worst case, what was set aside for further work is no
    /// bound on anything: it goes back, and the call asks for its money as things stand. What has
    /// been made is judged on what was set aside for that.
    async fn send(&mut self, role: StepRole, call: PreparedCall, place: &Place) -> Course {
        let is_kept = role == StepRole::Verifier || !self.is_overbilled();
        let reserved = match self.budget.take(place).filter(|_| is_kept) {
            Some(reserved) => match reserved.raised(self.context, &call).await {
                Ok(raised) => Some(raised),
                Err(error) => return Course::refused(call.refused(error, true)),
            },
            None => None,
        };
        dispatch::run_alone(self.context, call, reserved, Arc::clone(&self.sequence)).await
    }

    fn is_overbilled(&self) -> bool {
        let mut attempts = self.steps.iter().flat_map(|step| &step.attempts);
        attempts.any(Attempt::is_above_hold)
            || self.context.allowance.is_some_and(Allowance::is_overdrawn)
    }
}
