//! The rounds of an orchestration: decides which step comes next, what follows from a verifier's
//! reply, and when the orchestration ends. How a single step is run is decided in `step`.

use crate::model::{Blind, ModelText, Prompt, StepRole};
use crate::policy::{PlannedOrchestration, PlannedStep, VerdictForm};

use super::prompt::{self, StepOutput, View};
use super::step::{StepReply, Steps};
use super::verdict::{Decision, ParsedReply, Question, Verdict, VerifierReply, parse_reply};
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
        let task: String = self.task.texts().collect();
        let first = self.steps.run(step, round, view, Some(prompt::ask(form))).await?;
        let why = match read(&first, form, &task) {
            ParsedReply::Verdict(verdict) => return Some(Ruling { verdict, reply: first.text }),
            ParsedReply::Malformed(why) => why,
        };
        let again = Some(prompt::ask_again(form));
        let Some(repaired) = self.steps.run(step, round, view, again).await else {
            let why = format!("{why}, and asked again the verifier gave nothing");
            let verdict = cannot_judge(&why, &first, form, &task);
            return Some(Ruling { verdict, reply: first.text });
        };
        let verdict = match read(&repaired, form, &task) {
            ParsedReply::Verdict(verdict) => verdict,
            ParsedReply::Malformed(why) => cannot_judge(&why, &repaired, form, &task),
        };
        let verdict = verdict.in_place_of(first.text.as_str());
        Some(Ruling { verdict, reply: repaired.text })
    }
}

/// Reads the reply of a verifier in the form of verdict that it was asked for.
fn read(reply: &StepReply, form: VerdictForm, task: &str) -> ParsedReply {
    let Some(question) = question(reply, form, task) else {
        return ParsedReply::Malformed("there was nothing to judge".to_owned());
    };
    let unfinished = reply.unfinished.as_deref();
    parse_reply(VerifierReply { text: reply.text.as_str(), unfinished }, question)
}

/// Returns the verdict on an artifact whose verifier gave a reply that is no verdict.
fn cannot_judge(why: &str, reply: &StepReply, form: VerdictForm, task: &str) -> Verdict {
    let nothing = Question { form, nonce: "", task, artifact: "" };
    let question = question(reply, form, task).unwrap_or(nothing);
    Verdict::cannot_judge(why, reply.text.as_str(), question)
}

/// Returns the question that a reply answers; `None` if there was nothing to judge.
fn question<'a>(reply: &'a StepReply, form: VerdictForm, task: &'a str) -> Option<Question<'a>> {
    let judged = reply.judged.as_ref()?;
    let (nonce, artifact) = (judged.frame.nonce(), judged.artifact.as_str());
    Some(Question { form, nonce, task, artifact })
}
