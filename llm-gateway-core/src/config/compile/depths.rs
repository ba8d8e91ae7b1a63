//! Compiles the depths of an orchestration: which can run, and which role is missing for the
//! others.

use crate::config::node::PathStep;
use crate::config::raw_orchestration::{RawDepth, RawOrchestration};
use crate::model::StepRole;
use crate::policy::{AbsentDepth, BuiltInSteps, Depth, Workflow};

use super::RouteCompiler;

/// The compiled depths of an orchestration.
#[derive(Default)]
pub(super) struct Depths {
    /// The depths that can run.
    pub(super) there: Vec<Depth>,
    /// The depths that cannot run.
    pub(super) absent: Vec<AbsentDepth>,
}

/// The roles that the file names a model for.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedRoles {
    pub(super) planner: bool,
    pub(super) worker: bool,
    pub(super) verifier: bool,
}

/// The steps of a depth, as the file or the built-in table has them.
#[derive(Clone, Copy)]
struct DepthSpec {
    name: &'static str,
    plan: bool,
    verify: bool,
    max_replans: u32,
}

/// The depths of a file that has roles but no depths.
const BUILT_IN_DEPTHS: [DepthSpec; 3] = [
    DepthSpec { name: "trivial", plan: false, verify: false, max_replans: 0 },
    DepthSpec { name: "standard", plan: false, verify: true, max_replans: 0 },
    DepthSpec { name: "complex", plan: true, verify: true, max_replans: 1 },
];

impl RouteCompiler<'_, '_, '_> {
    /// Compiles the depths of the file, or the built-in ones if it has none.
    pub(super) fn depths(&mut self, raw: &RawOrchestration, named: NamedRoles) -> Depths {
        let table = raw.depth.as_ref().map(|table| {
            let rows = [&table.trivial, &table.standard, &table.complex];
            let rows = BUILT_IN_DEPTHS.iter().zip(rows);
            rows.map(|(known, raw)| raw.as_ref().map(|raw| self.declared(known.name, raw)))
                .collect()
        });
        let shapes: Vec<_> = table.unwrap_or_else(|| BUILT_IN_DEPTHS.map(Some).to_vec());
        let mut depths = Depths::default();
        for (known, shape) in BUILT_IN_DEPTHS.iter().zip(shapes) {
            let missing_role = shape.and_then(|shape| shape.missing_role(named));
            match (shape.and_then(|shape| shape.depth()), missing_role) {
                (Some(depth), None) => depths.there.push(depth),
                _ => depths
                    .absent
                    .push(AbsentDepth { name: known.name.to_owned(), lacks: missing_role }),
            }
            // A built-in depth that cannot run is not reported: nobody asked for it.
            if let (Some(role), true) = (missing_role, raw.depth.is_some()) {
                self.warn_of_missing_role(role, known.name);
            }
        }
        depths
    }

    /// Warns of a depth that cannot run without a role.
    fn warn_of_missing_role(&mut self, role: StepRole, name: &str) {
        let role = role.as_str();
        self.problems.warning(
            self.compilation
                .root
                .key_place_of(&["orchestration", "depth", name].map(PathStep::Key)),
            format!("depth `{name}` cannot run: nobody is named as its {role}"),
            format!("add `orchestration.roles.{role}`"),
        );
    }

    /// Reads a depth of the file, and warns of settings that contradict each other.
    fn declared(&mut self, name: &'static str, raw: &RawDepth) -> DepthSpec {
        let verify = raw.verify.unwrap_or(false);
        let replan = raw.replan_on_fail.unwrap_or(false);
        if replan && !verify {
            let path = ["orchestration", "depth", name, "replan_on_fail"].map(PathStep::Key);
            self.problems.warning(
                self.compilation.root.key_place_of(&path),
                format!("depth `{name}` would re-plan what it never verifies"),
                "set verify: true, or take replan_on_fail out",
            );
        }
        if let (false, Some(unused @ 1..)) = (replan, raw.max_replans) {
            let path = ["orchestration", "depth", name, "max_replans"].map(PathStep::Key);
            self.problems.warning(
                self.compilation.root.key_place_of(&path),
                format!("depth `{name}` has {unused} `max_replans` and never re-plans"),
                "set replan_on_fail: true, or take max_replans out",
            );
        }
        let max_replans = if replan && verify { raw.max_replans.unwrap_or(1) } else { 0 };
        DepthSpec { name, plan: raw.plan.unwrap_or(false), verify, max_replans }
    }
}

impl DepthSpec {
    /// Returns the first role that the depth needs and the file does not name.
    fn missing_role(self, named: NamedRoles) -> Option<StepRole> {
        let needed = [
            (StepRole::Planner, self.plan, named.planner),
            (StepRole::Worker, true, named.worker),
            (StepRole::Verifier, self.verify, named.verifier),
        ];
        let missing = needed.into_iter().find(|(_, is_needed, is_there)| *is_needed && !is_there);
        missing.map(|(role, ..)| role)
    }

    /// Returns the depth as the policy has it; `None` if its steps make no workflow.
    fn depth(self) -> Option<Depth> {
        let replan = self.max_replans > 0;
        let steps = BuiltInSteps { plan: self.plan, verify: self.verify, replan };
        let workflow = Workflow::built_in(steps).ok()?;
        Some(Depth { name: self.name.to_owned(), workflow, max_replans: self.max_replans })
    }
}
