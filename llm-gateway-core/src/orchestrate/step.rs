//! Runs one step of an orchestration: its prompt, its bytes, its money, and its record.
//!
//! Every call goes through `dispatch`. The output of a step is stored as soon as it arrives, so
//! that neither a later failure nor a stop by the caller can lose it. `rounds` decides what follows
//! from an output.

use std::sync::Arc;

use crate::certificate::{Commitment, StepEvidence};
use crate::dispatch::{
    self, Allowance, Attempt, Context, Course, PreparedCall, Reach, Refusal, prepare,
};
use crate::error::Category;
use crate::event::Event;
use crate::evidence;
use crate::model::{Ask, ModelText, Part, Prompt, Sequence, StepRole};
use crate::policy::{PlannedOrchestration, PlannedStep};

use super::StepRun;
use super::bookings::{Bookings, CallKey};
use super::prompt::{self, JudgedArtifact, StepPrompt, View};

/// The steps of an orchestration: those that ran, and what the next step needs.
pub(super) struct Steps<'s, 'a> {
    context: &'s Context<'a>,
    orchestration: &'s PlannedOrchestration,
    bookings: Bookings<'a>,
    sequence: Arc<Sequence>,
    runs: Vec<StepRun>,
}

/// The call of a step: what the model was instructed and shown, the committed bytes, and the course
/// of the call.
struct StepCall {
    instruction: String,
    judged: Option<JudgedArtifact>,
    committed: Option<Commitment>,
    course: Course,
}

/// The reply of an orchestration's step.
pub(super) struct StepReply {
    /// Position of the step among all steps that ran, counted from 1.
    pub(super) position: u32,
    pub(super) text: ModelText,
    /// Reason why the reply did not come to its own end; `None` if it did.
    pub(super) unfinished: Option<String>,
    pub(super) judged: Option<JudgedArtifact>,
}

impl<'s, 'a> Steps<'s, 'a> {
    /// Creates the steps of an orchestration, for whose calls `bookings` holds the money.
    pub(super) fn new(
        context: &'s Context<'a>,
        orchestration: &'s PlannedOrchestration,
        bookings: Bookings<'a>,
    ) -> Self {
        let sequence = Arc::new(Sequence::default());
        Self { context, orchestration, bookings, sequence, runs: Vec::new() }
    }

    /// Returns the name of the step that was cut off because the caller stopped the task, if any.
    pub(super) fn stopped_at(&self) -> Option<String> {
        let last = self.runs.last().filter(|_| self.context.is_stopped())?;
        let refusal = last.result.as_ref().err()?;
        (refusal.error.category() == Category::Cancelled).then(|| last.evidence.name.clone())
    }

    /// Returns every call of the orchestration, in the order in which the calls were made.
    pub(super) fn into_runs(self) -> Vec<StepRun> {
        self.runs
    }

    /// Runs one step, sends its events, and keeps how it went. `ask` is the question to a verifier.
    /// Returns `None` if the step gave no answer; its [`StepRun`] shows why.
    pub(super) async fn run(
        &mut self,
        step: &PlannedStep,
        round: u32,
        view: View<'_>,
        ask: Option<Ask>,
    ) -> Option<StepReply> {
        let (name, target) = (step.name().to_owned(), step.target().clone());
        self.context.events.send(Event::Step { step: name.clone(), round, target });
        let call = self.ask(step, round, view, ask).await;
        let answered = call.course.result.is_ok();
        self.context.events.send(Event::StepEnded { step: name, round, answered });
        self.keep(step, round, ask, call)
    }

    /// Asks the model of a step. The prompt is built from what the step may see, and the bytes are
    /// committed before they are sent.
    async fn ask(
        &mut self,
        step: &PlannedStep,
        round: u32,
        view: View<'_>,
        ask: Option<Ask>,
    ) -> StepCall {
        let key = CallKey { round, step: step.name().to_owned(), again: is_again(ask) };
        let draw = || self.context.random.bits();
        match prompt::build(&self.orchestration.workflow, step, view, ask, draw) {
            Ok(StepPrompt { prompt, judged }) => {
                let instruction = prompt.system().map(Part::as_str).unwrap_or_default().to_owned();
                let (committed, course) = self.call(step, &prompt, &key).await;
                StepCall { instruction, judged, committed, course }
            }
            Err(error) => {
                let refusal = Refusal::new(step.target().clone(), error, None);
                let course = Course::refused(refusal);
                StepCall { instruction: String::new(), judged: None, committed: None, course }
            }
        }
    }

    /// Stores the course of a step and its output, and returns the step's reply.
    fn keep(
        &mut self,
        step: &PlannedStep,
        round: u32,
        ask: Option<Ask>,
        call: StepCall,
    ) -> Option<StepReply> {
        let StepCall { instruction, judged, committed, course } = call;
        let target = step.target().clone();
        let position = u32::try_from(self.runs.len()).unwrap_or(u32::MAX).saturating_add(1);
        let completion = course.result.as_ref().ok().map(|answered| &answered.completion);
        let said = completion.map(|it| (it.model_text(), it.unfinished(step.planned.max_tokens)));
        let call = evidence::call_evidence(self.context, position, &target, committed, &course);
        let mut evidence = StepEvidence::new(step.name(), step.role(), round, instruction, call);
        if let (Some(judged), Some(ask)) = (&judged, ask) {
            evidence = evidence.judging(judged.as_evidence(ask));
        }
        self.runs.push(StepRun {
            evidence,
            spent: evidence::costs(&course),
            again: is_again(ask),
            target,
            result: course.result,
            attempts: course.attempts,
            latency: course.latency,
        });
        said.map(|(text, unfinished)| StepReply { position, text, unfinished, judged })
    }

    /// Prepares the call of a step, commits its bytes and sends the request.
    async fn call(
        &mut self,
        step: &PlannedStep,
        prompt: &Prompt,
        key: &CallKey,
    ) -> (Option<Commitment>, Course) {
        let call = match prepare(self.context, &step.planned, prompt) {
            Ok(call) => call,
            Err(refusal) => return (None, Course::refused(refusal)),
        };
        let committed = evidence::commit(&call, &self.sequence);
        (committed, self.send(step.role(), call, key).await)
    }

    /// Sends a step's call with the money that was held for it, and with more if its bytes need
    /// more.
    ///
    /// If a provider billed more than a worst case, the holds of further steps no longer bound the
    /// cost. These holds are then released, and the call sets its money aside anew. The verifier
    /// keeps its money, so that the artifact can still be judged.
    async fn send(&mut self, role: StepRole, call: PreparedCall, key: &CallKey) -> Course {
        let is_kept = role == StepRole::Verifier || !self.is_overbilled();
        let booking = match self.bookings.take(key).filter(|_| is_kept) {
            Some(booking) => match booking.raised(self.context, &call).await {
                Ok(raised) => Some(raised),
                Err(error) => return Course::refused(call.refused(error, Reach::Request)),
            },
            None => None,
        };
        dispatch::run_alone(self.context, call, booking, Arc::clone(&self.sequence)).await
    }

    /// Returns whether a provider billed more for a call than its worst case.
    fn is_overbilled(&self) -> bool {
        let mut attempts = self.runs.iter().flat_map(|step| &step.attempts);
        attempts.any(Attempt::is_above_hold)
            || self.context.allowance.is_some_and(Allowance::is_overdrawn)
    }
}

/// Returns whether a question asks a verifier again for its verdict.
fn is_again(ask: Option<Ask>) -> bool {
    matches!(ask, Some(Ask::StructuredAgain | Ask::PlainAgain))
}
