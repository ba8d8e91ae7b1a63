//! Compiles orchestrations (plan, execute, verify): roles, instructions and the form of a verdict.

use std::time::Duration;

use crate::config::node::{NodeContent, PathStep};
use crate::config::raw_orchestration::{
    RawInstructions, RawOrchestration, RawRole, RawRoles, RawVerdict,
};
use crate::model::{PolicyText, StepRole};
use crate::policy::{Level, Orchestration, OrchestrationRole, VerdictForm};

use super::RouteCompiler;
use super::depths::{Depths, NamedRoles};
use super::kinship::ModelRelation;
use super::routes::usd;

/// The longest time of an orchestration by default. Three long calls and a new round take minutes.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(600);

impl RouteCompiler<'_, '_, '_> {
    /// Compiles the section `orchestration`.
    pub(super) fn orchestration(&mut self, raw: &RawOrchestration) -> Orchestration {
        let (nobody, nothing) = (RawRoles::default(), RawInstructions::default());
        let roles = raw.roles.as_ref().unwrap_or(&nobody);
        let words = raw.instructions.as_ref().unwrap_or(&nothing);
        let planner_words = self.instruction(StepRole::Planner, words.planner.as_deref());
        let worker_words = self.instruction(StepRole::Worker, words.worker.as_deref());
        let verifier_words = self.instruction(StepRole::Verifier, words.verifier.as_deref());
        let verdict = match raw.verdict {
            Some(RawVerdict::Structured) => VerdictForm::Structured,
            Some(RawVerdict::Plain) => VerdictForm::Plain,
            // An instruction in the policy asks for a form of its own: the plain one of 1.0.0.
            None if verifier_words.is_some() => VerdictForm::Plain,
            None => VerdictForm::Structured,
        };
        let planner = self.role(StepRole::Planner, roles.planner.as_ref(), planner_words);
        let worker = self.role(StepRole::Worker, roles.worker.as_ref(), worker_words);
        let verifier = self.role(StepRole::Verifier, roles.verifier.as_ref(), verifier_words);
        // A role that is in the file but invalid has been reported.
        let named = NamedRoles {
            planner: roles.planner.is_some(),
            worker: roles.worker.is_some(),
            verifier: roles.verifier.is_some(),
        };
        let Depths { there: depths, absent } = self.depths(raw, named);
        if depths.iter().any(|depth| depth.workflow.step_of(StepRole::Verifier).is_some()) {
            self.warn_of_related_verifier(worker.as_ref(), verifier.as_ref());
        }
        Orchestration {
            planner,
            worker,
            verifier,
            depths,
            absent,
            max_cost: raw.max_usd.and_then(usd),
            deadline: raw.deadline_s.map_or(DEFAULT_DEADLINE, Duration::from_secs_f64),
            verdict,
        }
    }

    /// Returns the file's instruction for a role. A blank instruction counts as absent.
    fn instruction<'r>(&mut self, role: StepRole, instruction: Option<&'r str>) -> Option<&'r str> {
        let role = role.as_str();
        let is_empty = instruction?.trim().is_empty();
        if is_empty {
            let path = ["orchestration", "instructions", role].map(PathStep::Key);
            self.problems.warning(
                self.compilation.root.place_of(&path),
                format!("`instructions.{role}` is empty, so the built-in one is used"),
                "write what the role is told, or take the key out",
            );
        }
        instruction.filter(|_| !is_empty)
    }

    /// Warns of an orchestration that can run nothing, unless another problem says why.
    pub(super) fn warn_of_idle_orchestration(&mut self, raw: Option<&RawOrchestration>) {
        let root = self.compilation.root;
        let holds = |path: &[&str]| {
            let path: Vec<PathStep<'_>> = path.iter().map(|key| PathStep::Key(key)).collect();
            root.find(&path).is_some_and(|node| match &node.content {
                NodeContent::Map(entries) => !entries.is_empty(),
                _ => false,
            })
        };
        // A section that is neither empty nor a mapping has been reported.
        let is_there = root
            .find(&["orchestration".into()])
            .is_some_and(|node| matches!(node.content, NodeContent::Null | NodeContent::Map(_)));
        let has_table = raw.is_some_and(|raw| raw.depth.is_some());
        let (why, hint) = match (is_there, holds(&["orchestration", "roles", "worker"])) {
            // For each depth of a table another warning says which role is missing.
            (true, false) if !holds(&["orchestration", "depth"]) => (
                "nobody is named as its worker",
                "add `orchestration.roles` with a worker and a verifier",
            ),
            (true, true) if has_table && !holds(&["orchestration", "depth"]) => {
                ("its `depth` table is empty", "take `depth` out for the built-in ones")
            }
            _ => return,
        };
        self.problems.warning(
            root.key_place_of(&["orchestration".into()]),
            format!("`orchestration` can run nothing: {why}"),
            hint,
        );
    }

    /// Compiles a role.
    fn role(
        &mut self,
        role: StepRole,
        raw: Option<&RawRole>,
        instruction: Option<&str>,
    ) -> Option<OrchestrationRole> {
        let path = ["orchestration", "roles", role.as_str()].map(PathStep::Key);
        let raw = raw?;
        let target = self.target(&raw.provider, &raw.model, &path)?;
        let instruction = instruction.map(PolicyText::mint);
        Some(OrchestrationRole { target, max_tokens: raw.max_tokens, instruction })
    }

    /// Warns of a verifier that shares its model, developer or families with the worker, or that is
    /// not known to differ: a verdict that may be the worker's own is never certified.
    fn warn_of_related_verifier(
        &mut self,
        worker: Option<&OrchestrationRole>,
        verifier: Option<&OrchestrationRole>,
    ) {
        let (Some(worker), Some(verifier)) = (worker, verifier) else { return };
        let (worker, verifier) = (&worker.target, &verifier.target);
        let path = ["orchestration", "roles", "verifier"].map(PathStep::Key);
        let shared = match self.shared(worker, verifier) {
            Some(ModelRelation::Model) if worker == verifier => format!("are both {worker}"),
            Some(ModelRelation::Model) => format!("are one model ({worker}, {verifier})"),
            Some(ModelRelation::Name) => format!("may be one model ({worker}, {verifier})"),
            Some(ModelRelation::Developer(developer)) => format!("are both of {developer}"),
            Some(ModelRelation::Families(families)) => format!("both descend from {families}"),
            None => {
                let so = "so a verdict is certified only if the answers name models";
                let judges = [worker, verifier];
                return self.warn_of_undeclared(judges, Level::LineageDistinct, so, &path);
            }
        };
        self.problems.warning(
            self.compilation.root.key_place_of(&path),
            format!("worker and verifier {shared}, so no verdict is ever certified"),
            "name a model of another developer and lineage",
        );
    }
}
