//! The two kinds of run that a receipt may be about, and who speaks in each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of run a receipt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReceiptKind {
    /// Several models were asked at the same time.
    Panel,
    /// Steps were run one after the other.
    Orchestration,
}

impl ReceiptKind {
    /// Who speaks at a position.
    pub(super) fn speaker(self, position: u32) -> Speaker {
        match self {
            Self::Panel => Speaker::Member(position),
            Self::Orchestration => Speaker::Step(position),
        }
    }

    /// What its calls are of.
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

/// Who answered: a member of a panel, or a step of an orchestration, each counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Member(u32),
    Step(u32),
}

impl Speaker {
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
