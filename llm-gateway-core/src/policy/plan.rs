//! Resolve: a policy and a request give a plan.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Category, Error};
use crate::model::{ModelFacts, ModelId, NanoUsd, Target, TaskClass, closest_name};

use super::{Policy, Route, RouteKind, Shape, Visibility};

/// The output bound when neither the call, nor the class, nor the model's row sets one.
/// Every dialect is sent a bound, so that a runaway answer has a price.
const DEFAULT_MAX_TOKENS: u64 = 4_096;

/// What of a request decides its plan.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PlanRequest<'a> {
    /// The task class that was named.
    pub task_class: &'a str,
    /// The output bound that was asked for.
    pub max_tokens: Option<u64>,
    /// The model that was asked for in place of the policy's.
    pub override_model: Option<&'a str>,
}

impl<'a> PlanRequest<'a> {
    /// A request for `task_class` that leaves the rest to the policy.
    pub fn new(task_class: &'a str) -> Self {
        Self { task_class, max_tokens: None, override_model: None }
    }
}

/// A route, resolved for one request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// What was asked for.
    pub task_class: TaskClass,
    /// Who answers.
    pub shape: PlanShape,
    /// One clock over everything the request does.
    pub deadline: Duration,
}

/// The targets of a plan, by the way they are asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PlanShape {
    /// One after the other, until one answers. Never empty.
    Single(Vec<PlannedTarget>),
    /// All at once, blind to each other.
    Panel(PlannedPanel),
    /// The gate all at once, then perhaps the strong one.
    Cascade {
        /// The cheap models: a panel of which all must answer, as distinct models.
        gate: PlannedPanel,
        /// The strong one.
        otherwise: PlannedTarget,
    },
}

impl PlanShape {
    /// How many models answer, in one word.
    pub fn kind(&self) -> RouteKind {
        match self {
            Self::Single(_) => RouteKind::Single,
            Self::Panel(_) => RouteKind::Panel,
            Self::Cascade { .. } => RouteKind::Cascade,
        }
    }
}

/// A panel with the bounds that hold for this request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedPanel {
    /// Who is asked, in the policy's order; at least two.
    pub members: Vec<PlannedTarget>,
    /// Above this worst case the panel is refused before its first request, and a retry is not
    /// made.
    pub cost_cap: Option<NanoUsd>,
    /// What it promises.
    pub visibility: Visibility,
}

impl PlannedPanel {
    /// How many members must answer.
    pub fn quorum(&self) -> usize {
        self.visibility.quorum.map_or(self.members.len(), |quorum| quorum as usize)
    }
}

/// A target with the bounds that hold for this request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedTarget {
    /// Where the call goes.
    pub target: Target,
    /// What is known about the model; `None` = nothing, its price included.
    pub facts: Option<Arc<ModelFacts>>,
    /// The bound on output tokens that is sent.
    pub max_tokens: u64,
}

impl Policy {
    /// Resolves a request.
    ///
    /// # Errors
    /// [`Category::UnknownTaskClass`] for a class that the policy does not have,
    /// [`Category::PolicyBlocked`] for an override that it forbids,
    /// [`Category::InvalidRequest`] for a bound of zero or a malformed model id.
    pub fn plan(&self, request: PlanRequest<'_>) -> Result<Plan, Error> {
        let route = self.route(request.task_class).ok_or_else(|| self.unknown(&request))?;
        if request.max_tokens == Some(0) {
            return Err(Error::new(Category::InvalidRequest, "`max_tokens` is 0")
                .with_hint("ask for at least 1, or leave it out to use the policy's bound"));
        }
        let asked = request.max_tokens.or(route.max_tokens);
        let planned = |target: &Target| self.planned(target.clone(), asked);
        let all = |targets: &[Target]| targets.iter().map(planned).collect::<Vec<_>>();
        let overridden =
            request.override_model.map(|model| overriding_target(route, model)).transpose()?;
        let shape = match &route.shape {
            Shape::Single(chain) => PlanShape::Single(match overridden {
                Some(target) => {
                    let mut chain: Vec<_> =
                        chain.iter().skip(1).filter(|t| **t != target).cloned().collect();
                    chain.insert(0, target);
                    all(&chain)
                }
                None => all(chain),
            }),
            Shape::Panel(panel) => PlanShape::Panel(PlannedPanel {
                members: all(&panel.members),
                cost_cap: panel.cost_cap,
                visibility: panel.visibility,
            }),
            Shape::Cascade(cascade) => PlanShape::Cascade {
                gate: PlannedPanel {
                    members: all(&cascade.gate),
                    cost_cap: None,
                    visibility: Visibility::default(),
                },
                otherwise: planned(&cascade.otherwise),
            },
        };
        Ok(Plan {
            task_class: route.task_class.clone(),
            shape,
            deadline: route.deadline.unwrap_or(self.reliability.deadline),
        })
    }

    pub(super) fn planned(&self, target: Target, asked: Option<u64>) -> PlannedTarget {
        let facts = self.facts(&target).cloned();
        let limit = facts.as_ref().and_then(|facts| facts.max_output);
        let max_tokens = match (asked, limit) {
            (Some(asked), Some(limit)) => asked.min(limit),
            (Some(bound), None) | (None, Some(bound)) => bound,
            (None, None) => DEFAULT_MAX_TOKENS,
        };
        PlannedTarget { target, facts, max_tokens }
    }

    fn unknown(&self, request: &PlanRequest<'_>) -> Error {
        let names: Vec<_> = self.task_classes().map(TaskClass::as_str).collect();
        unknown_name(Category::UnknownTaskClass, "task class", request.task_class, &names)
    }
}

/// A name that a caller wrote, of a `thing` of which the policy has these `names`.
pub(super) fn unknown_name(
    category: Category,
    thing: &str,
    written: &str,
    names: &[&str],
) -> Error {
    let shown: String = written.chars().filter(|c| !c.is_control()).take(64).collect();
    let meant = closest_name(&shown, names.iter().copied());
    let meant = meant.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
    Error::new(category, format!("no {thing} is called `{shown}`"))
        .with_hint(format!("{meant}the policy has: {}", names.join(", ")))
}

/// The target that a caller's override means.
fn overriding_target(route: &Route, model: &str) -> Result<Target, Error> {
    let class = &route.task_class;
    let Shape::Single(chain) = &route.shape else {
        let message =
            format!("`override_model` cannot be used on `{class}`, which asks several models");
        return Err(Error::new(Category::InvalidRequest, message)
            .with_hint("leave `override_model` out, or name a task class of a single model"));
    };
    if !route.allow_override {
        let message = format!("the policy allows no `override_model` on `{class}`");
        return Err(
            Error::new(Category::PolicyBlocked, message).with_hint("leave `override_model` out")
        );
    }
    let invalid = |error| {
        Error::new(Category::InvalidRequest, "`override_model` is no model id").with_source(error)
    };
    let model = ModelId::new(model).map_err(|error| {
        let hint = error.to_string();
        invalid(error).with_hint(hint)
    })?;
    let first = chain.first().ok_or_else(|| {
        Error::new(Category::Internal, format!("task class `{class}` has no target"))
    })?;
    Ok(Target::new(first.provider.clone(), model))
}
