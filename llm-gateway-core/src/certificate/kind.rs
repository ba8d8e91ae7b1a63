//! The kinds of run that a receipt may be about, panel and orchestration, and the speakers in each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of run that a receipt is about: a panel or an orchestration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReceiptKind {
    /// A panel: several models were asked at the same time.
    Panel,
    /// An orchestration: steps ran one after the other.
    Orchestration,
}

impl ReceiptKind {
    /// Returns the panel member or orchestration step at `position`, counted from 1.
    pub(super) fn speaker(self, position: u32) -> Speaker {
        match self {
            Self::Panel => Speaker::Member(position),
            Self::Orchestration => Speaker::Step(position),
        }
    }

    /// Returns the plural noun for the speakers in a run of this kind: members or steps.
    pub(super) fn units(self) -> &'static str {
        match self {
            Self::Panel => "members",
            Self::Orchestration => "steps",
        }
    }
}

impl fmt::Display for ReceiptKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panel => "a panel",
            Self::Orchestration => "an orchestration",
        })
    }
}

/// The speaker that answered a model call: a member of a panel or a step of an orchestration,
/// counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Member(u32),
    Step(u32),
}

impl Speaker {
    /// Returns the position of the panel member or orchestration step, counted from 1.
    pub(super) fn position(self) -> u32 {
        match self {
            Self::Member(position) | Self::Step(position) => position,
        }
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(position) => write!(f, "member {position}"),
            Self::Step(position) => write!(f, "step {position}"),
        }
    }
}
