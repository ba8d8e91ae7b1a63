//! Plan, execute, verify: roles, instructions, depths.

use std::time::Duration;

use crate::config::node::Step;
use crate::config::raw::{RawDepth, RawOrchestration, RawRole, RawVerdict};
use crate::model::{PolicyText, StepRole};
use crate::policy::{Depth, Orchestration, OrchestrationRole, VerdictForm, Workflow};

use super::Scope;
use super::kinship::Shared;
use super::routes::usd;

/// Three long calls and a re-plan take minutes.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(600);

impl Scope<'_, '_, '_> {
    pub(super) fn orchestration(&mut self, raw: &RawOrchestration) -> Orchestration {
        let roles = raw.roles.as_ref();
        let words = raw.instructions.as_ref();
        let planner_told = self.told(StepRole::Planner, words.and_then(|it| it.planner.as_deref()));
        let worker_told = self.told(StepRole::Worker, words.and_then(|it| it.worker.as_deref()));
        let verifier_told =
            self.told(StepRole::Verifier, words.and_then(|it| it.verifier.as_deref()));
        let verdict = match raw.verdict {
            Some(RawVerdict::Structured) => VerdictForm::Structured,
            Some(RawVerdict::Plain) => VerdictForm::Plain,
            // An own instruction asks for its own form, which is the plain one of 1.0.0.
            None if verifier_told.is_some() => VerdictForm::Plain,
            None => VerdictForm::Structured,
        };
        let planner = self.role(
            StepRole::Planner,
            roles.and_then(|roles| roles.planner.as_ref()),
            planner_told,
        );
        let worker =
            self.role(StepRole::Worker, roles.and_then(|roles| roles.worker.as_ref()), worker_told);
        let verifier = self.role(
            StepRole::Verifier,
            roles.and_then(|roles| roles.verifier.as_ref()),
            verifier_told,
        );
        // What stands in the file counts: a role that was refused has been reported.
        let played = roles.map_or([false; 3], |roles| {
            [roles.planner.is_some(), roles.worker.is_some(), roles.verifier.is_some()]
        });
        let depths = self.depths(raw, played);
        if depths.iter().any(|depth| depth.workflow.step_of(StepRole::Verifier).is_some()) {
            self.judge(worker.as_ref(), verifier.as_ref());
        }
        Orchestration {
            planner,
            worker,
            verifier,
            depths,
            max_cost: raw.max_usd.and_then(usd),
            deadline: raw.deadline_s.map_or(DEFAULT_DEADLINE, Duration::from_secs_f64),
            verdict,
        }
    }

    /// A role's own instruction. One without a word tells a model nothing, so it counts as none.
    fn told<'r>(&mut self, role: StepRole, instruction: Option<&'r str>) -> Option<&'r str> {
        let role = role.as_str();
        let is_empty = instruction?.trim().is_empty();
        if is_empty {
            let path = ["orchestration", "instructions", role].map(Step::Key);
            self.problems.warning(
                self.compilation.root.place_of(&path),
                format!("`instructions.{role}` is empty, so the built-in one is used"),
                "write what the role is told, or take the key out",
            );
        }
        instruction.filter(|_| !is_empty)
    }

    fn role(
        &mut self,
        role: StepRole,
        raw: Option<&RawRole>,
        instruction: Option<&str>,
    ) -> Option<OrchestrationRole> {
        let path = ["orchestration", "roles", role.as_str()].map(Step::Key);
        let raw = raw?;
        let target = self.target(&raw.provider, &raw.model, &path)?;
        let instruction = instruction.map(PolicyText::mint);
        Some(OrchestrationRole { target, max_tokens: raw.max_tokens, instruction })
    }

    /// Who judges must be told apart from who worked: by model, developer and family.
    fn judge(&mut self, worker: Option<&OrchestrationRole>, verifier: Option<&OrchestrationRole>) {
        let (Some(worker), Some(verifier)) = (worker, verifier) else { return };
        let (worker, verifier) = (&worker.target, &verifier.target);
        let shared = match self.shared(worker, verifier) {
            Some(Shared::Model) if worker == verifier => format!("are both {worker}"),
            Some(Shared::Model) => format!("are one model ({worker}, {verifier})"),
            Some(Shared::Developer(developer)) => format!("are both of {developer}"),
            Some(Shared::Families(families)) => format!("both descend from {families}"),
            None => return,
        };
        self.problems.warning(
            self.compilation
                .root
                .key_place_of(&["orchestration", "roles", "verifier"].map(Step::Key)),
            format!("worker and verifier {shared}, so no verdict is ever certified"),
            "name a model of another developer and lineage",
        );
    }

    /// The depths of the file, else the built-in ones; those that can run.
    fn depths(&mut self, raw: &RawOrchestration, roles: [bool; 3]) -> Vec<Depth> {
        let Some(depths) = &raw.depth else {
            // Nobody asked for them, so nobody needs to hear that one of them cannot run.
            let sound = |shape: &Shape| shape.lacks(roles).is_none();
            return BUILT_IN.iter().filter(|shape| sound(shape)).filter_map(Shape::depth).collect();
        };
        [("trivial", &depths.trivial), ("standard", &depths.standard), ("complex", &depths.complex)]
            .into_iter()
            .filter_map(|(name, raw)| self.depth(name, raw.as_ref()?, roles))
            .collect()
    }

    fn depth(&mut self, name: &'static str, raw: &RawDepth, roles: [bool; 3]) -> Option<Depth> {
        let root = self.compilation.root;
        let path = ["orchestration", "depth", name].map(Step::Key);
        let verify = raw.verify.unwrap_or(false);
        let replan = raw.replan_on_fail.unwrap_or(false);
        if replan && !verify {
            let path = [path[0], path[1], path[2], "replan_on_fail".into()];
            self.problems.warning(
                root.key_place_of(&path),
                format!("depth `{name}` would re-plan what it never verifies"),
                "set verify: true, or take replan_on_fail out",
            );
        }
        let plan = raw.plan.unwrap_or(false);
        let max_replans = if replan && verify { raw.max_replans.unwrap_or(1) } else { 0 };
        let shape = Shape { name, plan, verify, max_replans };
        if let Some(role) = shape.lacks(roles) {
            let role = role.as_str();
            self.problems.warning(
                root.key_place_of(&path),
                format!("depth `{name}` cannot run: nobody is named as its {role}"),
                format!("add `orchestration.roles.{role}`"),
            );
            return None;
        }
        shape.depth()
    }
}

/// A depth as a file says it.
struct Shape {
    name: &'static str,
    plan: bool,
    verify: bool,
    max_replans: u32,
}

/// The depths of a file that has roles and says nothing of depths.
const BUILT_IN: [Shape; 3] = [
    Shape { name: "trivial", plan: false, verify: false, max_replans: 0 },
    Shape { name: "standard", plan: false, verify: true, max_replans: 0 },
    Shape { name: "complex", plan: true, verify: true, max_replans: 1 },
];

impl Shape {
    /// The first role that it needs and nobody plays, of planner, worker, verifier.
    fn lacks(&self, [planner, worker, verifier]: [bool; 3]) -> Option<StepRole> {
        let needed = [
            (StepRole::Planner, self.plan, planner),
            (StepRole::Worker, true, worker),
            (StepRole::Verifier, self.verify, verifier),
        ];
        let lacking = needed.into_iter().find(|(_, is_needed, is_there)| *is_needed && !is_there);
        lacking.map(|(role, ..)| role)
    }

    fn depth(&self) -> Option<Depth> {
        let workflow = Workflow::built_in(self.plan, self.verify, self.max_replans > 0).ok()?;
        Some(Depth { name: self.name.to_owned(), workflow, max_replans: self.max_replans })
    }
}
