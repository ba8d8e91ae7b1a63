//! What the gateway tells of a task class: who answers, and what keeps it from running.

use serde::Serialize;

use crate::model::{Target, TaskClass};
use crate::policy::{Escalations, Policy, Route, RouteKind, Shape};

use super::Keys;

/// A task class as a caller sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskClassDescription {
    /// What to ask for.
    pub name: String,
    /// How many models answer.
    pub kind: RouteKind,
    /// Who answers, in order.
    pub targets: Vec<Target>,
    /// The bound on output tokens, where the class sets one.
    pub max_tokens: Option<u64>,
    /// Why it is routed so.
    pub rationale: String,
    /// Whether it can run now: a single model's class with any target that can be asked, a panel
    /// with the quorum, a cascade with its strong model, to which it escalates where its gate
    /// cannot answer.
    pub available: bool,
    /// Why it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable_because: Option<String>,
    /// The variables whose keys are missing.
    pub missing_keys: Vec<String>,
    /// How often a cascade has escalated in this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalations>,
}

pub(super) fn task_class(
    policy: &Policy,
    route: &Route,
    keys: &Keys<'_>,
    realised: &dyn Fn(&TaskClass) -> Escalations,
) -> TaskClassDescription {
    let targets = route.targets();
    let lacking: Vec<Option<&str>> =
        targets.iter().map(|target| keys.missing(policy, target)).collect();
    let mut missing: Vec<String> = Vec::new();
    for variable in lacking.iter().flatten().map(|name| (*name).to_owned()) {
        if !missing.contains(&variable) {
            missing.push(variable);
        }
    }
    let unavailable_because = unavailable(route, &lacking, &missing);
    TaskClassDescription {
        name: route.task_class.to_string(),
        kind: route.kind(),
        targets: targets.into_iter().cloned().collect(),
        max_tokens: route.max_tokens,
        rationale: route.rationale.clone(),
        available: unavailable_because.is_none(),
        unavailable_because,
        missing_keys: missing,
        escalation: matches!(route.shape, Shape::Cascade(_)).then(|| realised(&route.task_class)),
    }
}

/// Why a class cannot run, if so: by the variable that each of its targets lacks, in their order,
/// and by all that are `missing`, each once.
fn unavailable(route: &Route, lacking: &[Option<&str>], missing: &[String]) -> Option<String> {
    match &route.shape {
        // The strong model comes last. Without a key for its gate it always escalates.
        Shape::Cascade(cascade) => lacking.last().copied().flatten().map(|variable| {
            format!("set {variable}, for {} to which it escalates", cascade.otherwise)
        }),
        Shape::Single(_) if lacking.iter().all(Option::is_some) => {
            Some(format!("set {}", missing.join(" or ")))
        }
        Shape::Panel(panel) => {
            let (members, quorum) = (panel.members.len(), panel.quorum());
            let able = lacking.iter().filter(|lacks| lacks.is_none()).count();
            let short = able < quorum;
            let needed = match quorum == members {
                true => missing.join(" and "),
                false => format!("keys for {quorum} of {members} members: {}", missing.join(", ")),
            };
            short.then(|| format!("set {needed}"))
        }
        Shape::Single(_) => None,
    }
}
