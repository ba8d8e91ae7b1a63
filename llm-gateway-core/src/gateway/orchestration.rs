//! From a task to what a caller gets: resolve, run, and tell how it ended.

use std::collections::BTreeMap;

use crate::certificate::{Receipt, StepEvidence, WorkEvidence};
use crate::dispatch::Context;
use crate::error::{Category, Error};
use crate::model::{Blind, Message, Prompt, StepRole, TaskClass};
use crate::orchestrate::{self, Done, End, StepRun};
use crate::outcome::{Ending, Failure, FailureParts, Orchestrated, Reply, StepOutcome};
use crate::policy::{PlannedOrchestration, Policy, Sight, Workflow};

use super::Task;
use super::passage::Passage;

/// The task class under which orchestrations spend.
pub(super) const ORCHESTRATE: &str = "orchestrate";

/// The stage of a task that is refused before its first step.
const PREFLIGHT: &str = "preflight";

impl Passage<'_> {
    /// Has a task done.
    pub(super) async fn orchestration(&self, task: Task) -> Result<Reply, Failure> {
        let refused = |error| self.refused(error);
        let policy = self.policy()?;
        let plan = policy.plan_orchestration(task.depth.as_deref()).map_err(refused)?;
        task.check().map_err(refused)?;
        let class = TaskClass::new(ORCHESTRATE)
            .map_err(|error| refused(Error::new(Category::Internal, error.to_string())))?;
        let context = self.context(policy, &class, plan.deadline);
        let context = Context { stop: task.stop.as_ref(), ..context };
        self.keys(policy, &plan).map_err(refused)?;
        let prompt = Prompt::from_caller(None, vec![Message::user(task.text)]);
        let done = orchestrate::orchestrate(&context, &plan, &prompt).await.map_err(refused)?;
        self.concluded(policy, &plan, &prompt, done).await
    }

    /// A planner or worker without a key ends the work; who comes before it is not paid in vain.
    /// A verifier without one leaves an artifact that nobody judged.
    fn keys(&self, policy: &Policy, plan: &PlannedOrchestration) -> Result<(), Error> {
        let needed = plan.steps.iter().filter(|step| step.step.role != StepRole::Verifier);
        let mut lacking = needed
            .filter_map(|step| self.keyless(policy, &step.planned.target, step.step.role.as_str()));
        lacking.next().map_or(Ok(()), Err)
    }

    /// Tells how it ended.
    async fn concluded(
        &self,
        policy: &Policy,
        plan: &PlannedOrchestration,
        task: &Prompt<Blind>,
        done: Done,
    ) -> Result<Reply, Failure> {
        let Done { steps, rounds, end } = done;
        let (mut outcomes, mut evidence) = (Vec::new(), Vec::new());
        let mut spent = BTreeMap::new();
        for mut step in steps {
            spent.extend(std::mem::take(&mut step.spent));
            let (outcome, recorded) = self.step_outcome(step);
            if let Ok(answer) = &outcome.result {
                self.state.recent.add(&answer.text());
            }
            outcomes.push(outcome);
            evidence.push(recorded);
        }
        let evidence = WorkEvidence::new(task.texts().collect::<String>(), evidence);
        let (particulars, kinship) = (self.particulars(policy, spent), self.state.kinship(policy));
        let (receipt, bundle) = Receipt::issue_work(particulars, evidence, kinship, self.salt());
        let ending = match end {
            End::Accepted | End::Unjudged => Ending::Success,
            End::Refused => Ending::NeedsHumanReview,
            End::Unverified => Ending::Unverified,
            End::Failed { stage } => Ending::Failed { stage },
        };
        let work = Orchestrated {
            depth: plan.depth.clone(),
            ending,
            rounds,
            steps: outcomes,
            verifier_sees: verifier_sees(&plan.workflow),
            receipt_path: self.archived(policy, &receipt, &bundle).await,
            receipt,
            bundle,
            latency: self.started.elapsed(),
            run_id: self.run_id,
            offline: self.state.offline,
        };
        match &work.ending {
            Ending::Failed { stage } => {
                let (error, stage) = (failure_of(stage, &work), stage.clone());
                let (attempts, failed_stage) = (work.attempts().cloned().collect(), Some(stage));
                let (orchestration, parts) = (Some(Box::new(work)), self.parts(error));
                Err(Failure::new(FailureParts { orchestration, failed_stage, attempts, ..parts }))
            }
            _ => Ok(Reply::Orchestration(Box::new(work))),
        }
    }

    fn step_outcome(&self, step: StepRun) -> (StepOutcome, StepEvidence) {
        let StepRun { evidence, again, target, result, attempts, latency, .. } = step;
        let instead = format!("name another {} in the policy", evidence.role.as_str());
        let result = self.outcome(result, attempts, latency, &instead);
        let (step, round, role) = (evidence.name.clone(), evidence.round, evidence.role);
        (StepOutcome { step, role, round, is_repair: again, target, result }, evidence)
    }

    /// A failure before the first step.
    fn refused(&self, error: Error) -> Failure {
        let failed_stage = Some(PREFLIGHT.to_owned());
        Failure::new(FailureParts { failed_stage, ..self.parts(error) })
    }
}

/// What the verifier may see, in the words of the envelope.
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

/// Why the step at `stage` gave nothing: its own error, with its name.
fn failure_of(stage: &str, work: &Orchestrated) -> Error {
    let last = work.steps.last().and_then(|step| step.result.as_ref().err());
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
    match cause.retry_after() {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}
