//! Why a ledger says no: a cap, or a ledger that cannot be used.

use std::fmt;

use crate::error::{Category, Error};
use crate::model::NanoUsd;

use super::month::Month;
use super::scope::Scope;

/// A cap that does not allow what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the monthly cap of {cap} on {} leaves {} in {month}, and {asked} may be needed \
     (settled {settled}, held {held})",
    ScopeName(.scope), self.left()
)]
#[non_exhaustive]
pub struct Refused {
    /// The month that it is about.
    pub month: Month,
    /// What is capped.
    pub scope: Scope,
    /// The most that it may cost in a month.
    pub cap: NanoUsd,
    /// What was spent.
    pub settled: NanoUsd,
    /// What is set aside: for calls on their way, and for those whose process died.
    pub held: NanoUsd,
    /// What the calls of the request asked of the scope together.
    pub asked: NanoUsd,
}

impl Refused {
    /// What the cap still allows.
    pub fn left(&self) -> NanoUsd {
        self.cap.saturating_sub(self.settled).saturating_sub(self.held)
    }
}

/// A scope as a sentence names it.
pub(super) struct ScopeName<'a>(pub(super) &'a Scope);

impl fmt::Display for ScopeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Scope::Total => f.write_str("everything"),
            Scope::Provider(name) => write!(f, "provider `{name}`"),
        }
    }
}

/// What is wrong with a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Another process keeps it locked.
    Locked,
    /// It may not be written.
    ReadOnly,
    /// The disk is full.
    DiskFull,
    /// Its content is damaged, or it is no database.
    Corrupt,
    /// It is a database of something else.
    Foreign,
    /// A newer version of the gateway wrote it.
    Newer,
    /// Its files do not stay in their place.
    Moved,
    /// It cannot be opened or reached.
    Unreachable,
    /// A month comes to more than it can count.
    BeyondCounting,
    /// Its thread is gone.
    Stopped,
}

/// A ledger that cannot be used: what is wrong, where, and a way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the spend ledger {place} {}: {detail}", .problem.words())]
#[non_exhaustive]
pub struct Unusable {
    /// What is wrong.
    pub problem: Problem,
    /// The path of the ledger.
    pub place: String,
    /// What the system below said.
    pub detail: String,
}

impl Unusable {
    /// Says what is wrong with the ledger at `place`.
    pub fn new(problem: Problem, place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { problem, place: place.into(), detail: detail.into() }
    }

    pub(super) fn stopped(place: impl Into<String>) -> Self {
        Self::new(Problem::Stopped, place, "its thread ended")
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        self.problem.hint()
    }
}

impl Problem {
    fn words(self) -> &'static str {
        match self {
            Self::Locked => "is locked by another process",
            Self::ReadOnly => "cannot be written",
            Self::DiskFull => "has no room to grow",
            Self::Corrupt => "is damaged",
            Self::Foreign => "is not a ledger",
            Self::Newer => "was written by a newer version",
            Self::Moved => "does not stay in its place",
            Self::Unreachable => "cannot be opened",
            Self::BeyondCounting => "cannot count that much",
            Self::Stopped => "has stopped",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Locked => "end the process that keeps the file open, such as a database browser",
            Self::ReadOnly => {
                "make the file and its directory writable, or set LLM_GATEWAY_LEDGER_PATH"
            }
            Self::DiskFull => "make room on the disk, or set LLM_GATEWAY_LEDGER_PATH to another",
            Self::Corrupt => {
                "stop every gateway, then move the file and those beside it (`-wal`, `-shm`, \
                 `-locks`) away to begin a new one; what this month has cost is then unknown"
            }
            Self::Foreign => "set LLM_GATEWAY_LEDGER_PATH to a file of its own",
            Self::Newer => "update llm-gateway, or set LLM_GATEWAY_LEDGER_PATH to another file",
            Self::Moved => "stop every gateway before you move or replace the file",
            Self::Unreachable => {
                "set LLM_GATEWAY_LEDGER_PATH to a file in a directory that you may write"
            }
            Self::BeyondCounting => {
                "look for a wrong price in the policy; set LLM_GATEWAY_LEDGER_PATH to a new file, \
                 or wait for the next month"
            }
            Self::Stopped => "start the gateway again",
        }
    }
}

/// Why nothing was reserved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum ReserveError {
    /// A cap does not allow it.
    Refused(#[from] Refused),
    /// The ledger cannot be used.
    Unusable(#[from] Unusable),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::new(Category::PolicyBlocked, refused.to_string()).with_hint(
            "ask for fewer tokens, raise the cap, or see `llm-gateway spend` for what is held",
        )
    }
}

impl From<Unusable> for Error {
    fn from(unusable: Unusable) -> Self {
        Self::new(Category::Ledger, unusable.to_string()).with_hint(unusable.hint())
    }
}

impl From<ReserveError> for Error {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Refused(refused) => refused.into(),
            ReserveError::Unusable(unusable) => unusable.into(),
        }
    }
}
