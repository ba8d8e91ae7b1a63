//! What the policy says about a task class.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{NanoUsd, Target, TaskClass};

/// A task class and how it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// What a caller asks for.
    pub task_class: TaskClass,
    /// Why it is routed so: what an agent reads when it chooses.
    pub rationale: String,
    /// Who answers.
    pub shape: Shape,
    /// The bound on output tokens, where the class sets one.
    pub max_tokens: Option<u64>,
    /// The class's own deadline, where it sets one.
    pub deadline: Option<Duration>,
    /// Whether a caller may name another model of the same provider.
    pub allow_override: bool,
}

/// The three ways to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// One model, then its fallbacks in order. Never empty.
    Single(Vec<Target>),
    /// Several models that cannot see each other.
    Panel(Panel),
    /// A cheap panel first, a strong model where it disagrees.
    Cascade(Cascade),
}

/// A [`Shape`] without its targets, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RouteKind {
    /// One model, then its fallbacks.
    Single,
    /// Several models that cannot see each other.
    Panel,
    /// A cheap panel, then perhaps a strong model.
    Cascade,
}

impl RouteKind {
    /// `single`, `panel` or `cascade`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Panel => "panel",
            Self::Cascade => "cascade",
        }
    }
}

/// Several models, asked the same question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Panel {
    /// Who is asked, in order; at least two.
    pub members: Vec<Target>,
    /// Above this worst case the panel is refused before its first request, and a retry is not
    /// made.
    pub cost_cap: Option<NanoUsd>,
    /// The independence contract.
    pub visibility: Visibility,
}

impl Panel {
    /// How many members must answer.
    pub fn quorum(&self) -> usize {
        self.visibility.quorum.map_or(self.members.len(), |quorum| quorum as usize)
    }
}

/// What a panel promises about its members' independence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Visibility {
    /// What happens when the promise cannot be certified.
    pub enforce: Enforce,
    /// The level that must be reached.
    pub require: Level,
    /// How many members must answer; `None` = all.
    pub quorum: Option<u32>,
}

impl Default for Visibility {
    fn default() -> Self {
        Self { enforce: Enforce::Soft, require: Level::ModelDistinct, quorum: None }
    }
}

/// What an uncertified panel leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Enforce {
    /// An error, with the answers attached.
    Hard,
    /// A result that says so.
    Soft,
}

/// Levels of independence, each including the one before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Level {
    /// Nothing is certified.
    None,
    /// No member saw another's answer.
    ContextBlind,
    /// The models that answered are pairwise distinct.
    ModelDistinct,
    /// Their developers are, too.
    VendorDistinct,
    /// Their families are, too.
    LineageDistinct,
}

impl Level {
    /// Its name in the policy file.
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

/// A cheap gate before a strong model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cascade {
    /// The cheap models, which answer blind; at least two.
    pub gate: Vec<Target>,
    /// Who answers where the gate disagrees.
    pub otherwise: Target,
}

impl Route {
    /// How many models answer, in one word.
    pub fn kind(&self) -> RouteKind {
        match self.shape {
            Shape::Single(_) => RouteKind::Single,
            Shape::Panel(_) => RouteKind::Panel,
            Shape::Cascade(_) => RouteKind::Cascade,
        }
    }

    /// Every target that the route names, in the order in which they would be asked.
    pub fn targets(&self) -> Vec<&Target> {
        match &self.shape {
            Shape::Single(chain) => chain.iter().collect(),
            Shape::Panel(panel) => panel.members.iter().collect(),
            Shape::Cascade(cascade) => cascade.gate.iter().chain([&cascade.otherwise]).collect(),
        }
    }
}
