//! The part of a gateway's description about one task class: which targets answer it, and what
//! keeps it from running.

use serde::Serialize;

use crate::model::{Target, TaskClass};
use crate::policy::{Agree, Enforce, Escalations, Panel, Policy, Route, RouteKind, Shape};

use super::Keys;

/// A task class of the policy, and whether it can run now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskClassDescription {
    /// The name of the task class, to be used in a request.
    pub name: String,
    /// The kind of the task class: `single`, `panel` or `cascade`.
    pub kind: RouteKind,
    /// The targets of the task class, in the order in which they are asked.
    pub targets: Vec<Target>,
    /// The bound on output tokens of the task class; null where it sets none.
    pub max_tokens: Option<u64>,
    /// The reason why the policy routes the task class this way, in the words of its author.
    pub rationale: String,
    /// Whether the task class can run now. A class of one model can run if the key of any of its
    /// targets is set, a panel if the keys of a quorum are, and a cascade if that of its strong
    /// model is, to which it escalates where its gate cannot answer.
    pub available: bool,
    /// The advice on how to make the task class run; absent where it can run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable_because: Option<String>,
    /// Whether missing keys, and nothing else, keep the task class from running.
    #[serde(skip)]
    pub lacks_keys: bool,
    /// The environment variables of the missing keys, each once.
    pub missing_keys: Vec<String>,
    /// The way in which the answers of a panel or of a gate are compared: `normalized_exact` or
    /// `by_value`; absent for a single model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agree: Option<Agree>,
    /// The counts of the cascade's requests and escalations in this process; absent for other
    /// kinds.
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
    let lacking: Vec<Vec<&str>> =
        targets.iter().map(|target| keys.missing(policy, target)).collect();
    let mut missing: Vec<String> = Vec::new();
    for variable in lacking.iter().flatten().map(|name| (*name).to_owned()) {
        if !missing.contains(&variable) {
            missing.push(variable);
        }
    }
    let other_reason = policy.switches().way_on().or_else(|| never_certified(route));
    let keys_to_set = keys_to_set(route, &lacking, &missing);
    let lacks_keys = other_reason.is_none() && keys_to_set.is_some();
    let unavailable_because = other_reason.or(keys_to_set);
    TaskClassDescription {
        name: route.task_class.to_string(),
        kind: route.kind(),
        targets: targets.into_iter().cloned().collect(),
        max_tokens: route.max_tokens,
        rationale: route.rationale.clone(),
        available: unavailable_because.is_none(),
        unavailable_because,
        lacks_keys,
        missing_keys: missing,
        agree: route.agree(),
        escalation: matches!(route.shape, Shape::Cascade(_)).then(|| realised(&route.task_class)),
    }
}

/// Returns the advice on a panel whose members can never be certified, where its policy insists.
fn never_certified(route: &Route) -> Option<String> {
    match &route.shape {
        Shape::Panel(Panel { never_certified: Some(why), visibility, .. })
            if visibility.enforce == Enforce::Hard =>
        {
            Some(format!("name other members: {why}"))
        }
        _ => None,
    }
}

/// Returns the advice on which keys to set before a task class can run, or `None` if it has enough.
/// `lacking` has the missing variables of each target, in their order; `missing` has every missing
/// variable once.
fn keys_to_set(route: &Route, lacking: &[Vec<&str>], missing: &[String]) -> Option<String> {
    match &route.shape {
        // The strong model comes last. Without a key for its gate it always escalates.
        Shape::Cascade(cascade) => lacking.last().filter(|it| !it.is_empty()).map(|it| {
            format!("set {}, for {} to which it escalates", it.join(" and "), cascade.otherwise)
        }),
        Shape::Single(_) if !lacking.iter().any(Vec::is_empty) => {
            let mut ways: Vec<String> = lacking.iter().map(|it| it.join(" and ")).collect();
            ways.dedup();
            Some(format!("set {}", ways.join(" or ")))
        }
        Shape::Panel(panel) => {
            let (members, quorum) = (panel.members.len(), panel.quorum());
            let able = lacking.iter().filter(|lacks| lacks.is_empty()).count();
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
