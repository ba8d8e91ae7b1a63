//! The way of a task: it is resolved to a workflow, the workflow is run, and its end becomes a
//! reply or a failure, with a certificate and a receipt.
//!
//! The steps themselves are run by the room `orchestrate`.

use std::collections::BTreeMap;

use crate::certificate::{AttemptCost, OrchestrationEvidence, Receipt, StepEvidence};
use crate::error::{Category, Error};
use crate::model::{Blind, Message, Prompt, StepRole, TaskClass};
use crate::orchestrate::{self, OrchestrationEnd, OrchestrationRun, StepRun};
use crate::outcome::{Ending, Failure, FailureParts, OrchestrationOutcome, Reply, StepOutcome};
use crate::policy::{ORCHESTRATE, PlannedOrchestration, PlannedStep, Policy, Sight, Workflow};

use super::Task;
use super::active::ActiveRun;

/// The stage that a failure names if the task is refused before its first step.
const PREFLIGHT: &str = "preflight";

impl ActiveRun<'_> {
    /// Answers a task by an orchestration.
    pub(super) async fn orchestration(&self, task: Task) -> Result<Reply, Failure> {
        let refused = |error| self.refused(error);
        let policy = self.policy()?;
        let planned = policy.plan_orchestration(task.depth.as_deref());
        let orchestration = match (planned, task.check()) {
            (Ok(orchestration), Ok(())) => orchestration,
            (Err(error), Ok(())) | (Ok(_), Err(error)) => return Err(refused(error)),
            (Err(error), Err(empty)) => return Err(refused(error.and(empty))),
        };
        if policy.spending().is_capped() {
            self.caps_left.plan(orchestration.steps.iter().map(PlannedStep::target));
        }
        let class = TaskClass::new(ORCHESTRATE)
            .map_err(|error| refused(Error::new(Category::Internal, error.to_string())))?;
        let context = self.context(policy, &class, orchestration.deadline, task.deadline);
        self.check_keys(policy, &orchestration).map_err(refused)?;
        let prompt = Prompt::from_caller(None, vec![Message::user(task.text)]);
        let done = orchestrate::orchestrate(&context, &orchestration, &prompt).await;
        self.conclude(policy, &orchestration, &prompt, done.map_err(refused)?).await
    }

    /// Checks that planner and worker have their keys. Without one of them the task fails before
    /// the steps that come earlier are paid for. A verifier without a key is not an error: the
    /// artifact is then returned without a verdict.
    fn check_keys(
        &self,
        policy: &Policy,
        orchestration: &PlannedOrchestration,
    ) -> Result<(), Error> {
        let needed = orchestration.steps.iter().filter(|step| step.role() != StepRole::Verifier);
        let mut lacking =
            needed.filter_map(|step| self.missing_key(policy, step.target(), step.role().as_str()));
        lacking.next().map_or(Ok(()), Err)
    }

    /// Creates the reply or the failure of an orchestration that has ended, and writes its receipt.
    async fn conclude(
        &self,
        policy: &Policy,
        orchestration: &PlannedOrchestration,
        task: &Prompt<Blind>,
        done: OrchestrationRun,
    ) -> Result<Reply, Failure> {
        let OrchestrationRun { steps, rounds, end } = done;
        let StepRecords { outcomes, evidence, spent } = self.step_records(steps);
        let evidence = OrchestrationEvidence::new(task.texts().collect::<String>(), evidence);
        let (particulars, kinship) = (self.particulars(policy, spent), self.state.kinship(policy));
        let (receipt, bundle) =
            Receipt::issue_orchestration(particulars, evidence, kinship, self.salt());
        let orchestrated = OrchestrationOutcome {
            depth: orchestration.depth.clone(),
            ending: ending(end),
            rounds,
            steps: outcomes,
            verifier_sees: verifier_sees(&orchestration.workflow),
            budget: None,
            receipt_path: self.archive(policy, &receipt, &bundle).await,
            receipt,
            bundle,
            latency: self.started.elapsed(),
            run_id: self.run_id,
            offline: self.state.offline,
        };
        match &orchestrated.ending {
            Ending::Failed { stage } => {
                let stage = stage.clone();
                Err(self.failed_at(stage, orchestrated))
            }
            _ => Ok(Reply::Orchestration(Box::new(orchestrated))),
        }
    }

    /// Sorts what is known of the steps that ran into outcomes, evidence and costs. The steps'
    /// answers are also kept, to notice when a later panel's question quotes one.
    fn step_records(&self, steps: Vec<StepRun>) -> StepRecords {
        let mut recorded = StepRecords::default();
        for mut step in steps {
            recorded.spent.extend(std::mem::take(&mut step.spent));
            let (outcome, evidence) = self.step_outcome(step);
            if let Ok(answer) = &outcome.result {
                self.state.lasting.recent_answers.add(&answer.text());
            }
            recorded.outcomes.push(outcome);
            recorded.evidence.push(evidence);
        }
        recorded
    }

    /// Splits a step that ran into its outcome for the caller and its evidence for the certificate.
    fn step_outcome(&self, step: StepRun) -> (StepOutcome, StepEvidence) {
        let StepRun { evidence, again, target, result, attempts, latency, .. } = step;
        let instead = format!("name another {} in the policy", evidence.role.as_str());
        let outcome = StepOutcome {
            step: evidence.name.clone(),
            role: evidence.role,
            round: evidence.round,
            is_repair: again,
            target,
            result: self.outcome(result, attempts, latency, &instead),
        };
        (outcome, evidence)
    }

    /// Creates the failure of an orchestration that ended at `stage`, with all results so far.
    fn failed_at(&self, stage: String, orchestrated: OrchestrationOutcome) -> Failure {
        let parts = self.parts(failure_of(&stage, &orchestrated));
        Failure::new(FailureParts {
            attempts: orchestrated.attempts().cloned().collect(),
            orchestration: Some(Box::new(orchestrated)),
            failed_stage: Some(stage),
            ..parts
        })
    }

    /// Creates the failure of a task that is refused before its first step.
    fn refused(&self, error: Error) -> Failure {
        let failed_stage = Some(PREFLIGHT.to_owned());
        Failure::new(FailureParts { failed_stage, ..self.parts(error) })
    }
}

/// The outcomes, the evidence and the costs of the steps that ran.
#[derive(Default)]
struct StepRecords {
    /// The outcome of each step, for the caller.
    outcomes: Vec<StepOutcome>,
    /// The evidence of each step, for the certificate.
    evidence: Vec<StepEvidence>,
    /// The cost of each attempt, by the recorder's number of the moment at which it was sent.
    spent: BTreeMap<u64, AttemptCost>,
}

/// Returns how an orchestration ended, in the words of the envelope.
fn ending(end: OrchestrationEnd) -> Ending {
    match end {
        OrchestrationEnd::Accepted | OrchestrationEnd::Unjudged => Ending::Success,
        OrchestrationEnd::Refused => Ending::NeedsHumanReview,
        OrchestrationEnd::Unverified => Ending::Unverified,
        OrchestrationEnd::Failed { stage } => Ending::Failed { stage },
    }
}

/// Returns what the verifier may see, in the words of the envelope.
fn verifier_sees(workflow: &Workflow) -> Vec<&'static str> {
    let verifier = workflow.step_of(StepRole::Verifier);
    let sees = verifier.map(|step| step.sees.as_slice()).unwrap_or_default();
    let word = |sight: &Sight| match sight {
        Sight::Task => "task",
        Sight::Output(name) => {
            let seen = workflow.steps().iter().find(|step| step.name == *name);
            match seen.map(|step| step.role) {
                Some(StepRole::Planner) => "plan",
                Some(StepRole::Worker) | None => "artifact",
                Some(StepRole::Verifier) => "verdict",
            }
        }
        Sight::Reasons => "reasons",
    };
    sees.iter().map(word).collect()
}

/// Returns the error of an orchestration whose step at `stage` returned nothing: the error of the
/// step, with its name.
fn failure_of(stage: &str, orchestrated: &OrchestrationOutcome) -> Error {
    let last = orchestrated.steps.last().and_then(|step| step.result.as_ref().err());
    let Some(failure) = last else {
        return Error::new(Category::Internal, format!("step `{stage}` gave nothing"));
    };
    let cause = failure.error();
    let mut error = Error::new(cause.category(), format!("step `{stage}` failed: {cause}"));
    if let Some(hint) = cause.hint() {
        error = error.with_hint(hint);
    }
    if let Some(target) = cause.target() {
        error = error.with_target(target.clone());
    }
    if let Some(wait) = cause.retry_after() {
        error = error.with_retry_after(wait);
    }
    error.with_source(cause.clone())
}
