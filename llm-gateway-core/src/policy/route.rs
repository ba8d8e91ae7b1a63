//! The routes of task classes: which models answer, and under which conditions.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{NanoUsd, Target, TaskClass};

/// The route of a task class: which models answer it, and with which bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The name of the task class.
    pub task_class: TaskClass,
    /// The reason why the task class is routed this way. An agent reads it to choose a task class.
    pub rationale: String,
    /// The targets of the task class, by the way in which they are asked.
    pub shape: Shape,
    /// The bound on output tokens of the task class; `None` = it sets none.
    pub max_tokens: Option<u64>,
    /// The deadline of a request for the task class; `None` = the policy's.
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
    /// A panel: models that are asked at the same time and cannot see each other.
    Panel(Panel),
    /// A cascade: cheap models are asked first, and a strong model where they disagree.
    Cascade(Cascade),
}

/// The kind of a route: a [`Shape`] without its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RouteKind {
    /// A route of the kind `single`: one target answers, or one of its fallbacks.
    Single,
    /// A route of the kind `panel`: several models answer that cannot see each other.
    Panel,
    /// A route of the kind `cascade`: cheap models answer, or a strong model where they disagree.
    Cascade,
}

impl RouteKind {
    /// Returns the name of the route's kind: `single`, `panel` or `cascade`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Panel => "panel",
            Self::Cascade => "cascade",
        }
    }
}

impl fmt::Display for RouteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A panel: several models that are asked the same question and cannot see each other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Panel {
    /// The members of the panel, in the order of the policy. There are at least two.
    pub members: Vec<Target>,
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

/// The way in which the answers of several models are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Agree {
    /// Answers are compared as they are written, less what their kind may lose: emphasis around a
    /// number, but no zero at its end.
    #[default]
    NormalizedExact,
    /// Answers that are numbers are compared by their values. All others are compared as they are
    /// written.
    ByValue,
}

impl Panel {
    /// Returns the panel's quorum, the number of members that must answer.
    pub fn quorum(&self) -> usize {
        self.visibility.quorum_of(self.members.len())
    }
}

/// The promise of a policy about the independence of a panel's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Visibility {
    /// The consequence of a panel that cannot be certified.
    pub enforce: Enforce,
    /// The level of independence that the panel has to reach.
    pub require: Level,
    /// The quorum of the panel, the number of members that must answer; `None` = all.
    pub quorum: Option<u32>,
}

impl Visibility {
    /// Returns how many of a number of members must answer.
    pub(crate) fn quorum_of(&self, members: usize) -> usize {
        self.quorum.map_or(members, |quorum| quorum as usize)
    }
}

impl Default for Visibility {
    fn default() -> Self {
        Self { enforce: Enforce::Soft, require: Level::ModelDistinct, quorum: None }
    }
}

/// The consequence of a panel that cannot be certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Enforce {
    /// The request for a panel that cannot be certified fails, with the answers attached.
    Hard,
    /// The request for a panel that cannot be certified succeeds, and its result says that it is
    /// not certified.
    Soft,
}

/// A level of independence of a panel's members. Each level includes the one before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Level {
    /// No independence is certified.
    None,
    /// No member of the panel saw the answer of another one.
    ContextBlind,
    /// The panel is context-blind, and the models that answered it are pairwise distinct.
    ModelDistinct,
    /// The panel is model-distinct, and the developers of the models that answered it are pairwise
    /// distinct.
    VendorDistinct,
    /// The panel is vendor-distinct, and the families of the models that answered it are pairwise
    /// distinct.
    LineageDistinct,
}

impl Level {
    /// Returns the name that the level of independence has in the policy file.
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

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A cascade: a gate of cheap models before a strong model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cascade {
    /// The gate: cheap models, which cannot see each other. There are at least two.
    pub gate: Vec<Target>,
    /// The strong model, which answers where the gate cannot.
    pub otherwise: Target,
    /// The way in which the answers of the gate are compared.
    pub agree: Agree,
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

    /// Returns the way in which the answers of the route's models are compared; `None` for a route
    /// of one answer.
    pub fn agree(&self) -> Option<Agree> {
        match &self.shape {
            Shape::Single(_) => None,
            Shape::Panel(panel) => Some(panel.agree),
            Shape::Cascade(cascade) => Some(cascade.agree),
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
