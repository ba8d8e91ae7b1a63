//! Plan, execute, verify: roles, instructions, depths.

use std::time::Duration;

use crate::config::node::Step;
use crate::config::raw::{RawDepth, RawOrchestration, RawRole, RawVerdict};
use crate::model::PolicyText;
use crate::policy::{Depth, Orchestration, OrchestrationRole, VerdictForm};

use super::Scope;
use super::routes::usd;

/// Three long calls and a re-plan take minutes.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(600);

impl Scope<'_, '_, '_> {
    pub(super) fn orchestration(&mut self, raw: &RawOrchestration) -> Orchestration {
        let roles = raw.roles.as_ref();
        let words = raw.instructions.as_ref();
        let own_verifier = words.is_some_and(|words| words.verifier.is_some());
        let verdict = match raw.verdict {
            Some(RawVerdict::Structured) => VerdictForm::Structured,
            Some(RawVerdict::Plain) => VerdictForm::Plain,
            // An own instruction asks for its own form, which is the plain one of 1.0.0.
            None if own_verifier => VerdictForm::Plain,
            None => VerdictForm::Structured,
        };
        Orchestration {
            planner: self.role(
                "planner",
                roles.and_then(|r| r.planner.as_ref()),
                words.and_then(|w| w.planner.as_deref()),
            ),
            worker: self.role(
                "worker",
                roles.and_then(|r| r.worker.as_ref()),
                words.and_then(|w| w.worker.as_deref()),
            ),
            verifier: self.role(
                "verifier",
                roles.and_then(|r| r.verifier.as_ref()),
                words.and_then(|w| w.verifier.as_deref()),
            ),
            depths: self.depths(raw),
            max_cost: raw.max_usd.and_then(usd),
            deadline: raw.deadline_s.map_or(DEFAULT_DEADLINE, Duration::from_secs_f64),
            verdict,
        }
    }

    fn role(
        &mut self,
        name: &str,
        raw: Option<&RawRole>,
        instruction: Option<&str>,
    ) -> Option<OrchestrationRole> {
        let path = ["orchestration", "roles", name].map(Step::Key);
        let raw = raw?;
        let target = self.target(&raw.provider, &raw.model, &path)?;
        let instruction = instruction.map(PolicyText::mint);
        Some(OrchestrationRole { target, max_tokens: raw.max_tokens, instruction })
    }

    fn depths(&mut self, raw: &RawOrchestration) -> Vec<Depth> {
        let Some(depths) = &raw.depth else { return Vec::new() };
        [("trivial", &depths.trivial), ("standard", &depths.standard), ("complex", &depths.complex)]
            .into_iter()
            .filter_map(|(name, raw)| Some(self.depth(name, raw.as_ref()?)))
            .collect()
    }

    fn depth(&mut self, name: &str, raw: &RawDepth) -> Depth {
        let verify = raw.verify.unwrap_or(false);
        let replan = raw.replan_on_fail.unwrap_or(false);
        if replan && !verify {
            self.problems.warning(
                self.compilation.root.key_place_of(
                    &["orchestration", "depth", name, "replan_on_fail"].map(Step::Key),
                ),
                format!("depth `{name}` would re-plan what it never verifies"),
                "set verify: true, or take replan_on_fail out",
            );
        }
        Depth {
            name: name.to_owned(),
            plan: raw.plan.unwrap_or(false),
            verify,
            max_replans: if replan { raw.max_replans.unwrap_or(1) } else { 0 },
        }
    }
}
