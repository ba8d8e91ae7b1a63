//! The steps of an orchestration, their order, and what each of them may see.
//!
//! One declaration has three uses: the prompt of a step is built from what the step may see, the
//! certificate checks the recorded bytes against it, and a caller is shown it. A [`Workflow`] is
//! checked when it is made: every step sees only what there is, no step waits for itself, and a
//! verifier sees the task and the artifact, but no plan and no verdict.

use std::fmt;

use crate::model::{Grant, StepRole};

/// Something that a step of an orchestration may see.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sight {
    /// The task of the orchestration, as the caller wrote it.
    Task,
    /// The output of the step of this name in the same round.
    Output(String),
    /// The reasons why the artifact of the last round was refused.
    Reasons,
}

/// A step of an orchestration, and what it may see.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The name of the step, by which other steps and the trace refer to it.
    pub name: String,
    /// The role of the step.
    pub role: StepRole,
    /// Everything that the step may see, in the order in which it is shown.
    pub sees: Vec<Sight>,
}

impl Step {
    /// Creates a step of an orchestration from its name, its role and what it may see.
    pub(crate) fn new(
        name: impl Into<String>,
        role: StepRole,
        sees: impl IntoIterator<Item = Sight>,
    ) -> Self {
        Self { name: name.into(), role, sees: sees.into_iter().collect() }
    }
}

/// A workflow: the checked steps of an orchestration, each after those whose output it sees. A
/// workflow comes from the policy: see [`Depth::workflow`](super::Depth::workflow).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    steps: Vec<Step>,
}

/// The steps of a depth's built-in workflow beside the worker, which does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BuiltInSteps {
    /// Whether a planner runs before the worker.
    pub(crate) plan: bool,
    /// Whether a verifier runs after the worker.
    pub(crate) verify: bool,
    /// Whether planner and worker see why the last artifact was refused.
    pub(crate) replan: bool,
}

/// The error of steps that do not make a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnsoundWorkflow {
    /// Two steps of the workflow have the same name.
    Twice(String),
    /// A step sees the output of a step that does not exist.
    UnknownStep {
        /// The name of the step that would see the missing output.
        step: String,
        /// The name of the missing step.
        sees: String,
    },
    /// The step of this name would have to wait for itself.
    Cycle(String),
    /// The workflow has no worker.
    NoWorker,
    /// A verifier would see a plan.
    SeesPlan {
        /// The name of the verifier that would see the plan.
        step: String,
        /// The name of the planner that wrote the plan.
        plan: String,
    },
    /// The verifier of this name would see why an earlier artifact was refused.
    SeesHistory(String),
    /// The verifier of this name does not see both the task and exactly one artifact, so it has
    /// nothing to judge, or nothing to judge it by.
    JudgesNothing(String),
    /// A step would see a verdict. Only the reasons of a refusal may be seen.
    SeesVerdict {
        /// The name of the step that would see the verdict.
        step: String,
        /// The name of the verifier that wrote the verdict.
        verdict: String,
    },
}

impl fmt::Display for UnsoundWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(step) => write!(f, "two steps are called `{step}`"),
            Self::UnknownStep { step, sees } => {
                write!(f, "step `{step}` sees `{sees}`, and no step is called so")
            }
            Self::Cycle(step) => write!(f, "step `{step}` would wait for itself"),
            Self::NoWorker => f.write_str("no step does the work"),
            Self::SeesPlan { step, plan } => {
                write!(f, "verifier `{step}` could see the plan of `{plan}`")
            }
            Self::SeesHistory(step) => {
                write!(f, "verifier `{step}` could see why an artifact was refused")
            }
            Self::JudgesNothing(step) => {
                write!(f, "verifier `{step}` does not see the task and one artifact")
            }
            Self::SeesVerdict { step, verdict } => {
                write!(f, "step `{step}` could see the verdict of `{verdict}`")
            }
        }
    }
}

impl std::error::Error for UnsoundWorkflow {}

impl Workflow {
    /// Creates a workflow: checks the steps, and puts each after those whose output it sees.
    ///
    /// # Errors
    /// [`UnsoundWorkflow`] for the first step that is wrong.
    pub(crate) fn new(steps: Vec<Step>) -> Result<Self, UnsoundWorkflow> {
        for (n, step) in steps.iter().enumerate() {
            if steps.iter().take(n).any(|earlier| earlier.name == step.name) {
                return Err(UnsoundWorkflow::Twice(step.name.clone()));
            }
        }
        let steps = in_order(steps)?;
        let workflow = Self { steps };
        if !workflow.steps.iter().any(|step| step.role == StepRole::Worker) {
            return Err(UnsoundWorkflow::NoWorker);
        }
        workflow.steps.iter().try_for_each(|step| workflow.check(step))?;
        Ok(workflow)
    }

    /// Creates the built-in workflow of a depth that has these steps. The planner sees the task,
    /// the worker sees the task and the plan, and the verifier sees the task and the artifact. If a
    /// refused artifact is worked on again, planner and worker see the reasons too.
    pub(crate) fn built_in(parts: BuiltInSteps) -> Result<Self, UnsoundWorkflow> {
        let BuiltInSteps { plan, verify, replan } = parts;
        let seen = |step: &str| Sight::Output(step.to_owned());
        let reasons = || replan.then_some(Sight::Reasons);
        let planner =
            Step::new("plan", StepRole::Planner, [Sight::Task].into_iter().chain(reasons()));
        let seen_plan = plan.then(|| seen("plan"));
        let sees = [Sight::Task].into_iter().chain(seen_plan).chain(reasons());
        let worker = Step::new("execute", StepRole::Worker, sees);
        let verifier = Step::new("verify", StepRole::Verifier, [Sight::Task, seen("execute")]);
        let steps = plan.then_some(planner).into_iter().chain([worker]);
        Self::new(steps.chain(verify.then_some(verifier)).collect())
    }

    /// Returns the steps of the workflow in the order in which they run.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the workflow's first step of a role, if there is one.
    pub fn step_of(&self, role: StepRole) -> Option<&Step> {
        self.steps.iter().find(|step| step.role == role)
    }

    /// Returns the permission to show `step` what `sight` names, or `None` unless the step declares
    /// that it sees it.
    pub(crate) fn grant(&self, step: &Step, sight: &Sight) -> Option<Grant> {
        let declared = self.steps.iter().find(|known| *known == step)?;
        declared.sees.contains(sight).then(Grant::for_declared_edge)
    }

    fn find(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    fn check(&self, step: &Step) -> Result<(), UnsoundWorkflow> {
        let seen = || outputs(step).filter_map(|name| self.find(name));
        if let Some(verdict) = seen().find(|seen| seen.role == StepRole::Verifier) {
            let (step, verdict) = (step.name.clone(), verdict.name.clone());
            return Err(UnsoundWorkflow::SeesVerdict { step, verdict });
        }
        if step.role != StepRole::Verifier {
            return Ok(());
        }
        if let Some(plan) = seen().find(|seen| seen.role == StepRole::Planner) {
            let (step, plan) = (step.name.clone(), plan.name.clone());
            return Err(UnsoundWorkflow::SeesPlan { step, plan });
        }
        if step.sees.contains(&Sight::Reasons) {
            return Err(UnsoundWorkflow::SeesHistory(step.name.clone()));
        }
        match (step.sees.contains(&Sight::Task), seen().count()) {
            (true, 1) => Ok(()),
            _ => Err(UnsoundWorkflow::JudgesNothing(step.name.clone())),
        }
    }
}

/// Returns the names of the steps whose output a step sees.
fn outputs(step: &Step) -> impl Iterator<Item = &str> {
    step.sees.iter().filter_map(|sight| match sight {
        Sight::Output(name) => Some(name.as_str()),
        Sight::Task | Sight::Reasons => None,
    })
}

/// Orders steps so that each comes after those whose output it sees: takes, again and again, the
/// first step that sees nothing but the outputs of steps that were taken.
fn in_order(mut waiting: Vec<Step>) -> Result<Vec<Step>, UnsoundWorkflow> {
    let mut ordered: Vec<Step> = Vec::new();
    while let Some(first) = waiting.first() {
        let is_there = |name: &str| ordered.iter().any(|done| done.name == name);
        let ready = waiting.iter().position(|step| outputs(step).all(is_there));
        let Some(ready) = ready else {
            let known =
                |name: &&str| is_there(name) || waiting.iter().any(|step| step.name == *name);
            let unknown = |step: &Step| {
                let sees = outputs(step).find(|name| !known(name))?.to_owned();
                Some(UnsoundWorkflow::UnknownStep { step: step.name.clone(), sees })
            };
            let cycle = UnsoundWorkflow::Cycle(first.name.clone());
            return Err(waiting.iter().find_map(unknown).unwrap_or(cycle));
        };
        ordered.push(waiting.remove(ready));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLEX: BuiltInSteps = BuiltInSteps { plan: true, verify: true, replan: true };

    fn seen(step: &str) -> Sight {
        Sight::Output(step.to_owned())
    }

    fn step(name: &str, role: StepRole, sees: &[Sight]) -> Step {
        Step::new(name, role, sees.iter().cloned())
    }

    fn names(workflow: &Workflow) -> Vec<&str> {
        workflow.steps().iter().map(|step| step.name.as_str()).collect()
    }

    #[test]
    fn steps_run_after_those_that_they_see() {
        use StepRole::{Planner, Verifier, Worker};
        let workflow = Workflow::new(vec![
            step("judge", Verifier, &[Sight::Task, seen("work")]),
            step("work", Worker, &[seen("plan"), Sight::Task]),
            step("plan", Planner, &[Sight::Task, Sight::Reasons]),
        ]);
        assert_eq!(names(&workflow.unwrap()), ["plan", "work", "judge"]);
    }

    #[test]
    fn the_built_in_depths_are_sound_and_see_what_the_design_says() {
        for (plan, verify, replan, expected) in [
            (false, false, false, vec!["execute"]),
            (false, true, false, vec!["execute", "verify"]),
            (false, true, true, vec!["execute", "verify"]),
            (true, true, true, vec!["plan", "execute", "verify"]),
            (true, false, false, vec!["plan", "execute"]),
        ] {
            let workflow = Workflow::built_in(BuiltInSteps { plan, verify, replan }).unwrap();
            assert_eq!(names(&workflow), expected);
            if let Some(verifier) = workflow.step_of(StepRole::Verifier) {
                assert_eq!(verifier.sees, [Sight::Task, seen("execute")]);
            }
        }
        let complex = Workflow::built_in(COMPLEX).unwrap();
        assert_eq!(complex.steps()[0].sees, [Sight::Task, Sight::Reasons]);
        assert_eq!(complex.steps()[1].sees, [Sight::Task, seen("plan"), Sight::Reasons]);
    }

    #[test]
    fn what_is_unsound_is_not_made() {
        use StepRole::{Planner, Verifier, Worker};
        use UnsoundWorkflow as Unsound;
        let plan = || step("plan", Planner, &[Sight::Task]);
        let work = || step("work", Worker, &[Sight::Task, seen("plan")]);
        let judge = |sees: &[Sight]| step("judge", Verifier, sees);
        let refused = |steps: Vec<Step>| Workflow::new(steps).unwrap_err();
        let named = |name: &str| name.to_owned();

        assert_eq!(refused(vec![plan(), plan(), work()]), Unsound::Twice(named("plan")));
        assert_eq!(refused(vec![plan()]), Unsound::NoWorker);
        assert_eq!(
            refused(vec![work()]),
            Unsound::UnknownStep { step: named("work"), sees: named("plan") }
        );
        let waits = step("plan", Planner, &[seen("work")]);
        assert_eq!(refused(vec![waits, work()]), Unsound::Cycle(named("plan")));
        let itself = step("work", Worker, &[seen("work")]);
        assert_eq!(refused(vec![itself]), Unsound::Cycle(named("work")));
        assert_eq!(
            refused(vec![plan(), work(), judge(&[Sight::Task, seen("work"), seen("plan")])]),
            Unsound::SeesPlan { step: named("judge"), plan: named("plan") }
        );
        assert_eq!(
            refused(vec![plan(), work(), judge(&[Sight::Task, seen("work"), Sight::Reasons])]),
            Unsound::SeesHistory(named("judge"))
        );
        for nothing in [&[Sight::Task][..], &[seen("work")], &[]] {
            assert_eq!(
                refused(vec![plan(), work(), judge(nothing)]),
                Unsound::JudgesNothing(named("judge"))
            );
        }
        let peeks = step("again", Worker, &[Sight::Task, seen("judge")]);
        assert_eq!(
            refused(vec![plan(), work(), judge(&[Sight::Task, seen("work")]), peeks]),
            Unsound::SeesVerdict { step: named("again"), verdict: named("judge") }
        );
    }

    #[test]
    fn only_a_declared_edge_grants_sight() {
        let workflow = Workflow::built_in(COMPLEX).unwrap();
        let verifier = workflow.step_of(StepRole::Verifier).unwrap();
        assert!(workflow.grant(verifier, &seen("execute")).is_some());
        assert!(workflow.grant(verifier, &seen("plan")).is_none());
        assert!(workflow.grant(verifier, &Sight::Reasons).is_none());
        let stranger = step("verify", StepRole::Verifier, &[seen("plan")]);
        assert!(workflow.grant(&stranger, &seen("plan")).is_none());
    }
}
