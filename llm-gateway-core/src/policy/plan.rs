//! The plan of a request: the targets that a policy names, with the bounds that hold.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{BlockedBy, Category, Error};
use crate::model::{
    ModelFacts, ModelId, NanoUsd, Prompt, Target, TaskClass, closest_name, printable,
};

use super::{Agree, Policy, Route, RouteKind, Shape, Visibility};

/// The bound on output tokens if neither the request nor the task class nor the model's row sets
/// one. Every provider is sent a bound, so that the price of an endless answer is bounded.
const DEFAULT_MAX_TOKENS: u64 = 4_096;

/// The parts of a request that decide its plan.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PlanRequest<'a> {
    /// The task class that the caller asks for.
    pub task_class: &'a str,
    /// The bound on output tokens that the caller asks for; `None` = the policy's.
    pub max_tokens: Option<u64>,
    /// The model that the caller asks for in place of the policy's; `None` = the policy's.
    pub override_model: Option<&'a str>,
}

impl<'a> PlanRequest<'a> {
    /// Creates the request for a plan of `task_class`, which leaves the rest to the policy.
    pub fn new(task_class: &'a str) -> Self {
        Self { task_class, max_tokens: None, override_model: None }
    }
}

/// A route of the policy, resolved for one request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The task class that the caller asked for.
    pub task_class: TaskClass,
    /// The targets of the plan, by the way in which they are asked.
    pub shape: PlanShape,
    /// The longest time of the request, waits, retries and fallbacks included.
    pub deadline: Duration,
}

/// The targets of a plan, by the way in which they are asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PlanShape {
    /// A chain of targets that are asked one after the other until one answers. There is at least
    /// one.
    Single(Vec<PlannedTarget>),
    /// A panel, whose members are asked at the same time and cannot see each other.
    Panel(PlannedPanel),
    /// A cascade: a gate of cheap models, and a strong model that is asked where the gate cannot
    /// answer.
    Cascade {
        /// The gate of the cascade: a panel of cheap models in which every member must answer, as
        /// distinct models.
        gate: PlannedPanel,
        /// The strong model of the cascade, which is asked where the gate cannot answer.
        otherwise: PlannedTarget,
    },
}

impl PlanShape {
    /// Returns the kind of the plan, without its targets.
    pub fn kind(&self) -> RouteKind {
        match self {
            Self::Single(_) => RouteKind::Single,
            Self::Panel(_) => RouteKind::Panel,
            Self::Cascade { .. } => RouteKind::Cascade,
        }
    }

    /// Returns every target that the plan may ask.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        let (all, strong) = match self {
            Self::Single(chain) => (chain, None),
            Self::Panel(panel) => (&panel.members, None),
            Self::Cascade { gate, otherwise } => (&gate.members, Some(otherwise)),
        };
        all.iter().chain(strong).map(|planned| &planned.target)
    }
}

/// A panel with the bounds that hold for one request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedPanel {
    /// The members of the panel, in the order of the policy. There are at least two.
    pub members: Vec<PlannedTarget>,
    /// The most that the panel may cost; `None` = no cap. A panel whose worst case is higher is
    /// refused before its first request, and a retry that could exceed the cap is not made.
    pub cost_cap: Option<NanoUsd>,
    /// The policy's promise about the independence of the panel's members.
    pub visibility: Visibility,
    /// The reason why no answers of the panel can be certified, by what is declared of its models;
    /// `None` if answers can be.
    pub never_certified: Option<String>,
    /// The way in which the answers of the panel are compared.
    pub agree: Agree,
}

impl PlannedPanel {
    /// Returns the panel's quorum, the number of members that must answer.
    pub fn quorum(&self) -> usize {
        self.visibility.quorum_of(self.members.len())
    }
}

/// A target with the bounds that hold for one request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedTarget {
    /// The target that the gateway asks.
    pub target: Target,
    /// The facts that are known about the model; `None` = none, so its price is unknown.
    pub facts: Option<Arc<ModelFacts>>,
    /// The bound on output tokens that is sent to the target's provider.
    pub max_tokens: u64,
}

impl PlannedTarget {
    /// Returns the least that is held for any call to the target: the price of all output that the
    /// bound allows, and of the shortest prompt of one message. `None` = the price is unknown.
    pub(crate) fn least_cost(&self) -> Option<NanoUsd> {
        self.worst_case(<Prompt>::least_token_bound(1))
    }

    /// Returns the most that a call of at most `input_tokens` can cost. `None` = the price is
    /// unknown.
    pub(crate) fn worst_case(&self, input_tokens: u64) -> Option<NanoUsd> {
        let prices = self.facts.as_ref()?.prices.as_ref()?;
        Some(prices.worst_case(input_tokens, self.max_tokens))
    }
}

impl Policy {
    /// Resolves a request into the plan of its targets.
    ///
    /// # Errors
    /// [`Category::UnknownTaskClass`] for a task class that the policy does not have,
    /// [`Category::PolicyBlocked`] for a model override that the policy forbids, and
    /// [`Category::InvalidRequest`] for a bound of zero, a malformed model id, or an override on a
    /// task class that asks several models.
    pub fn plan(&self, request: PlanRequest<'_>) -> Result<Plan, Error> {
        let route = self.known_route(request.task_class)?;
        if request.max_tokens == Some(0) {
            return Err(no_tokens());
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
                never_certified: panel.never_certified.clone(),
                agree: panel.agree,
            }),
            Shape::Cascade(cascade) => PlanShape::Cascade {
                gate: PlannedPanel {
                    members: all(&cascade.gate),
                    cost_cap: None,
                    visibility: Visibility::default(),
                    never_certified: None,
                    agree: cascade.agree,
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

    /// Returns a planned target: with the facts about its model, and the bound on its output, which
    /// is the smaller one of what was asked for and what the model can write.
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

    /// Returns the route of a task class.
    ///
    /// # Errors
    /// [`Category::UnknownTaskClass`] with the nearest name and the list, if the policy has no such
    /// class.
    pub(super) fn known_route(&self, task_class: &str) -> Result<&Route, Error> {
        self.route(task_class).ok_or_else(|| {
            let names: Vec<_> = self.task_classes().map(TaskClass::as_str).collect();
            unknown_name(Category::UnknownTaskClass, "task class", task_class, &names)
        })
    }
}

/// Returns the error of a caller who wrote an unknown name of a `thing`, for which the policy has
/// other `names`.
pub(super) fn unknown_name(
    category: Category,
    thing: &str,
    written: &str,
    names: &[&str],
) -> Error {
    let shown = printable(written, 64);
    let meant = closest_name(&shown, names.iter().copied());
    let meant = meant.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
    Error::new(category, format!("no {thing} is called `{shown}`"))
        .with_hint(format!("{meant}the policy has: {}", names.join(", ")))
}

/// Returns the error of a question whose bound leaves no room for an answer.
pub(super) fn no_tokens() -> Error {
    Error::new(Category::InvalidRequest, "`max_tokens` is 0")
        .with_hint("ask for at least 1, or leave it out to use the policy's bound")
}

/// Reads a caller's model override.
pub(super) fn model_id(model: &str) -> Result<ModelId, Error> {
    ModelId::new(model).map_err(|error| {
        let hint = error.to_string();
        Error::new(Category::InvalidRequest, "`override_model` is no model id")
            .with_source(error)
            .with_hint(hint)
    })
}

/// Returns the target that a caller's model override names: that model at the provider of the
/// route's first target.
pub(super) fn overriding_target(route: &Route, model: &str) -> Result<Target, Error> {
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
            Error::blocked(BlockedBy::Caller, message).with_hint("leave `override_model` out")
        );
    }
    let model = model_id(model)?;
    let first = chain.first().ok_or_else(|| {
        Error::new(Category::Internal, format!("task class `{class}` has no target"))
    })?;
    Ok(Target::new(first.provider.clone(), model))
}
