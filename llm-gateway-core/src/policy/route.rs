//! The route of a task class: who answers it, and under which conditions.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{NanoUsd, Target, TaskClass};

/// The route of a task class: who answers it, and with which bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The name of the task class.
    pub task_class: TaskClass,
    /// Why the task class is routed this way. An agent reads it to choose a task class.
    pub rationale: String,
    /// The targets, by the way in which they are asked.
    pub shape: Shape,
    /// The bound on output tokens; `None` = the class sets none.
    pub max_tokens: Option<u64>,
    /// The deadline of a request; `None` = the policy's.
    pub deadline: Option<Duration>,
    /// Whether a caller may ask for another model of the same provider.
    pub allow_override: bool,
}

/// The targets of a route, by the way in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// One target and its fallbacks, asked in order until one answers. There is at least one.
    Single(Vec<Target>),
    /// Several models that are asked at the same time and cannot see each other.
    Panel(Panel),
    /// Cheap models first, and a strong model where they disagree.
    Cascade(Cascade),
}

/// The kind of a route: a [`Shape`] without its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RouteKind {
    /// One target answers, or one of its fallbacks.
    Single,
    /// Several models answer that cannot see each other.
    Panel,
    /// Cheap models answer, or a strong model where they disagree.
    Cascade,
}

impl RouteKind {
    /// Returns the name of the kind: `single`, `panel` or `cascade`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Panel => "panel",
            Self::Cascade => "cascade",
        }
    }
}

/// Several models that are asked the same question and cannot see each other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Panel {
    /// The members, in the order of the policy. There are at least two.
    pub members: Vec<Target>,
    /// The most that the panel may cost; `None` = no cap. A panel whose worst case is higher is
    /// refused before its first request, and a retry that could exceed the cap is not made.
    pub cost_cap: Option<NanoUsd>,
    /// What the policy promises of the members' independence.
    pub visibility: Visibility,
}

impl Panel {
    /// Returns the number of members that must answer.
    pub fn quorum(&self) -> usize {
        self.visibility.quorum.map_or(self.members.len(), |quorum| quorum as usize)
    }
}

/// What a policy promises of the independence of a panel's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Visibility {
    /// What a panel that cannot be certified leads to.
    pub enforce: Enforce,
    /// The level of independence that the panel has to reach.
    pub require: Level,
    /// The number of members that must answer; `None` = all.
    pub quorum: Option<u32>,
}

impl Default for Visibility {
    fn default() -> Self {
        Self { enforce: Enforce::Soft, require: Level::ModelDistinct, quorum: None }
    }
}

/// What a panel that cannot be certified leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Enforce {
    /// The request fails, with the answers attached.
    Hard,
    /// The request succeeds, and its result says that it is not certified.
    Soft,
}

/// A level of independence. Each level includes the one before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Level {
    /// No independence is certified.
    None,
    /// No member saw the answer of another one.
    ContextBlind,
    /// The models that answered are pairwise distinct too.
    ModelDistinct,
    /// The developers of those models are pairwise distinct too.
    VendorDistinct,
    /// The families of those models are pairwise distinct too.
    LineageDistinct,
}

impl Level {
    /// Returns the name that the level has in the policy file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ContextBlind => "context_blind",
            Self::ModelDistinct => "model_distinct",
            Self::VendorDistinct => "vendor_distinct",
            Self::LineageDistinct => "lineage_distinct",
        }
    }
}

/// A gate of cheap models before a strong model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cascade {
    /// The cheap models, which cannot see each other. There are at least two.
    pub gate: Vec<Target>,
    /// The strong model, which answers where the gate cannot.
    pub otherwise: Target,
}

impl Route {
    /// Returns the kind of the route, without its targets.
    pub fn kind(&self) -> RouteKind {
        match self.shape {
            Shape::Single(_) => RouteKind::Single,
            Shape::Panel(_) => RouteKind::Panel,
            Shape::Cascade(_) => RouteKind::Cascade,
        }
    }

    /// Returns every target of the route, in the order in which they are asked.
    pub fn targets(&self) -> Vec<&Target> {
        match &self.shape {
            Shape::Single(chain) => chain.iter().collect(),
            Shape::Panel(panel) => panel.members.iter().collect(),
            Shape::Cascade(cascade) => cascade.gate.iter().chain([&cascade.otherwise]).collect(),
        }
    }
}
