//! Compiles the budgets of task classes and of orchestrations into caps, and warns of budgets that
//! are below what is asked at once.

use crate::config::diagnostic::Collector;
use crate::config::node::PathStep;
use crate::config::raw::RawPolicy;
use crate::config::raw_budget::{RawBudget, RawPer};
use crate::ledger::{Cap, Per, Scope};
use crate::model::{NanoUsd, TaskClass};
use crate::policy::{
    ORCHESTRATE, PlanRequest, PlanShape, PlannedOrchestration, PlannedTarget, Policy,
};

use super::Compilation;
use super::routes::usd;

/// The budget of the policy file for one task class.
struct ClassBudget {
    class: TaskClass,
    cap: Cap,
    /// The keys that lead to the budget in the file.
    path: Vec<String>,
}

impl Compilation<'_> {
    /// Returns the caps that the file's budgets set, each with the key of its budget.
    pub(super) fn budget_caps(&self, raw: &RawPolicy) -> Vec<(Cap, String)> {
        let capped = |budget: ClassBudget| (budget.cap, budget.path.join("."));
        budgets(raw).into_iter().map(capped).collect()
    }

    /// Warns of each budget below what is asked at once for its task class: such a call is refused,
    /// however little was spent before. Only the bounds on output are known here, and what is added
    /// to each message, so the real worst case is higher.
    pub(super) fn warn_of_narrow_budgets(
        &self,
        raw: &RawPolicy,
        policy: &Policy,
        problems: &mut Collector<'_>,
    ) {
        for ClassBudget { class, cap, path } in budgets(raw) {
            let keys = path.iter().map(String::as_str).chain(["usd"]);
            let steps: Vec<PathStep<'_>> = keys.map(PathStep::Key).collect();
            let place = self.root.place_of(&steps);
            let (limit, per) = (cap.limit, cap.per.as_str());
            let is_shared = class.as_str() == ORCHESTRATE;
            let tasks = if is_shared { tasks(policy) } else { Vec::new() };
            let asked = calls(&class, policy).into_iter().chain(tasks);
            for (what, cost) in asked.filter(|(_, cost)| *cost > limit) {
                let message = format!(
                    "`budget` is {limit} per {per}, and {what} may cost {cost} or more, so it is \
                     refused unless fewer tokens are asked for"
                );
                problems.warning(place, message, "raise it, or lower max_tokens");
            }
            if is_shared && path.first().is_some_and(|key| key == "defaults") {
                let message = "this `budget` limits orchestrations too, which are counted in the \
                               task class `orchestrate`";
                problems.warning(place, message, "give the task class another name");
            }
        }
    }
}

/// Returns every budget of the file. A name that no task class can have is reported elsewhere.
fn budgets(raw: &RawPolicy) -> Vec<ClassBudget> {
    let budget = |class: &str, path: &[&str], raw: Option<&RawBudget>| {
        let (class, raw) = (TaskClass::new(class).ok()?, raw?);
        let cap = Cap::new(Scope::Class(class.clone()), per_of(raw.per), limit_of(raw.usd));
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        Some(ClassBudget { class, cap, path })
    };
    let classes = raw.defaults.iter().filter_map(|(name, route)| {
        budget(name, &["defaults", name, "budget"], route.budget.as_ref())
    });
    let of_tasks = raw.orchestration.as_ref().and_then(|it| it.budget.as_ref());
    classes.chain(budget(ORCHESTRATE, &["orchestration", "budget"], of_tasks)).collect()
}

/// Compiles the amount of a budget. An amount that cannot be converted lets through only what costs
/// nothing: what is written must never vanish.
fn limit_of(raw: f64) -> NanoUsd {
    usd(raw).unwrap_or_default()
}

/// Compiles the length of time of a budget.
fn per_of(raw: RawPer) -> Per {
    match raw {
        RawPer::Session => Per::Session,
        RawPer::Day => Per::Day,
        RawPer::Month => Per::Month,
    }
}

/// Returns the calls of a task class that are held as one, in words, with the least that each group
/// may cost. A group with an unknown price is left out: it is refused for that.
fn calls(class: &TaskClass, policy: &Policy) -> Vec<(String, NanoUsd)> {
    let Ok(plan) = policy.plan(PlanRequest::new(class.as_str())) else { return Vec::new() };
    let alone = |target: &PlannedTarget| vec![target.clone()];
    let groups: Vec<Vec<PlannedTarget>> = match plan.shape {
        PlanShape::Single(chain) => chain.iter().map(alone).collect(),
        PlanShape::Panel(panel) => vec![panel.members],
        PlanShape::Cascade { gate, otherwise } => vec![[gate.members, alone(&otherwise)].concat()],
    };
    let group = |group: Vec<PlannedTarget>| {
        let cost = NanoUsd::total(group.iter().map(PlannedTarget::least_cost))?;
        let names: Vec<String> = group.iter().map(|it| it.target.to_string()).collect();
        Some(match names.as_slice() {
            [one] => (format!("a call to {one}"), cost),
            all => (format!("asking {} together", all.join(", ")), cost),
        })
    };
    groups.into_iter().filter_map(group).collect()
}

/// Returns a task of each depth, in words, with the least that is held for it.
fn tasks(policy: &Policy) -> Vec<(String, NanoUsd)> {
    let task = |(plan, cost): (PlannedOrchestration, NanoUsd)| {
        let asked: Vec<String> = plan.steps.iter().map(|step| step.target().to_string()).collect();
        (format!("a task of depth `{}` ({})", plan.depth, asked.join(", ")), cost)
    };
    policy.least_costs_of_depths().map(task).collect()
}
