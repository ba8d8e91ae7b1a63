//! The errors of a ledger: a cap refuses to set money aside, or the ledger cannot be used.

use std::fmt;

use crate::error::{BlockedBy, Category, Error};
use crate::model::NanoUsd;

use super::month::Month;
use super::scope::{Scope, ScopeTotal};

/// The refusal of calls by a monthly cap, with every figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the monthly cap of {cap} on {} leaves {} in {month}, and {asked} may be needed \
     (settled {settled}, held {held}{})",
    ScopeName(.scope), self.left(), DeadMoney(.unsettled)
)]
#[non_exhaustive]
pub struct CapRefusal {
    /// Month in which the refused calls would count.
    pub month: Month,
    /// Scope whose cap refused the calls.
    pub scope: Scope,
    /// Cap of the scope: the most that its calls may cost in a month.
    pub cap: NanoUsd,
    /// Settled cost of the scope in this month.
    pub settled: NanoUsd,
    /// Money held in the scope, for calls under way and for calls whose process died.
    pub held: NanoUsd,
    /// The part of the held money that is held by processes that ended: their calls will never be
    /// settled.
    pub unsettled: NanoUsd,
    /// Sum that the refused calls asked of the scope.
    pub asked: NanoUsd,
}

impl CapRefusal {
    /// Describes the refusal of calls that asked for `asked`, by a cap of `cap` a month on the
    /// scope of `total`.
    pub fn new(month: Month, cap: NanoUsd, total: ScopeTotal, asked: NanoUsd) -> Self {
        let ScopeTotal { scope, settled, held } = total;
        Self { month, scope, cap, settled, held, unsettled: NanoUsd::ZERO, asked }
    }

    /// Sets the part of the held money that is held by processes that ended.
    #[must_use]
    pub fn with_unsettled(self, unsettled: NanoUsd) -> Self {
        Self { unsettled, ..self }
    }

    /// Returns `advice`, followed by how to release the money that dead processes hold, if they
    /// hold any.
    pub(crate) fn hint(&self, advice: &str) -> String {
        match self.unsettled {
            NanoUsd::ZERO => advice.to_owned(),
            held => format!(
                "`llm-gateway spend --drop-unsettled` gives back {held}, held by a process that \
                 ended; else {advice}"
            ),
        }
    }

    /// Returns the amount that the cap still allows in the month.
    pub fn left(&self) -> NanoUsd {
        self.cap.saturating_sub(self.settled).saturating_sub(self.held)
    }
}

/// The money of dead processes, displayed as the end of a list of sums, or as nothing.
struct DeadMoney<'a>(&'a NanoUsd);

impl fmt::Display for DeadMoney<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            NanoUsd::ZERO => Ok(()),
            held => write!(f, ", of which {held} is held by a process that ended"),
        }
    }
}

/// A scope, displayed as a sentence names it, such as "everything".
pub(super) struct ScopeName<'a>(pub(super) &'a Scope);

impl fmt::Display for ScopeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Scope::Total => f.write_str("everything"),
            Scope::Provider(name) => write!(f, "provider `{name}`"),
        }
    }
}

/// The kind of problem that makes a ledger unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Another process keeps the ledger locked.
    Locked,
    /// The ledger may not be written.
    ReadOnly,
    /// The disk of the ledger is full.
    DiskFull,
    /// The file of the ledger is damaged, or is not a database.
    Corrupt,
    /// The file of the ledger exists, but was emptied.
    Emptied,
    /// The totals of the ledger no longer match its rows.
    Unbalanced,
    /// The file has a second name. Another process that used it would have another log and other
    /// locks.
    SeveralNames,
    /// The file system of the ledger lacks locks, or cannot map files into memory.
    FileSystem,
    /// The file is a database of another program.
    Foreign,
    /// A newer version of the gateway wrote the file.
    Newer,
    /// The files of the ledger were moved or replaced while it was open.
    Moved,
    /// The ledger cannot be opened or reached.
    Unreachable,
    /// A month comes to a larger sum than the ledger can count.
    BeyondCounting,
    /// The thread of the ledger has ended.
    Stopped,
    /// This process has no descriptor or no memory left to open the ledger. Nothing is wrong with
    /// the ledger.
    OutOfResources,
}

/// The error of a ledger that cannot be used: the problem, its place, and a way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the spend ledger {place} {}: {detail}", .problem.words())]
#[non_exhaustive]
pub struct UnusableLedger {
    /// Kind of the problem that makes the ledger unusable.
    pub problem: Problem,
    /// Path or name of the ledger.
    pub place: String,
    /// Message of the system below, such as the file system or SQLite.
    pub detail: String,
}

impl UnusableLedger {
    /// Creates the error that says what is wrong with the ledger at `place`.
    pub fn new(problem: Problem, place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { problem, place: place.into(), detail: detail.into() }
    }

    /// Creates the error of a ledger whose thread has ended.
    pub(super) fn stopped(place: impl Into<String>) -> Self {
        Self::new(Problem::Stopped, place, "its thread ended")
    }

    /// Returns advice for a person on how to repair the ledger.
    pub fn hint(&self) -> &'static str {
        self.problem.hint()
    }
}

impl Problem {
    /// Returns the problem as the verb of a sentence about the ledger.
    fn words(self) -> &'static str {
        match self {
            Self::Locked => "is locked by another process",
            Self::ReadOnly => "cannot be written",
            Self::DiskFull => "has no room to grow",
            Self::Corrupt => "is damaged",
            Self::Emptied => "has been emptied",
            Self::Unbalanced => "does not add up",
            Self::SeveralNames => "cannot be shared",
            Self::FileSystem => "stands where no ledger can be kept",
            Self::Foreign => "is not a ledger",
            Self::Newer => "was written by a newer version",
            Self::Moved => "does not stay in its place",
            Self::Unreachable => "cannot be opened",
            Self::BeyondCounting => "cannot count that much",
            Self::Stopped => "has stopped",
            Self::OutOfResources => "cannot be opened now",
        }
    }

    /// Returns advice for a person on how to repair the problem.
    fn hint(self) -> &'static str {
        match self {
            Self::Locked => "end the process that keeps the file open, such as a database browser",
            Self::ReadOnly => {
                "make the file and its directory writable, or set LLM_GATEWAY_LEDGER_PATH"
            }
            Self::DiskFull => "make room on the disk, or set LLM_GATEWAY_LEDGER_PATH to another",
            Self::Corrupt | Self::Emptied | Self::Unbalanced => {
                "stop every gateway, then move the file and those beside it (`-wal`, `-shm`, \
                 `-locks`) away; put a copy back from before, or begin a new one, for which this \
                 month has cost nothing yet"
            }
            Self::SeveralNames => {
                "remove the other name, or mount the directory in place of the file; every process \
                 must use the ledger under one name"
            }
            Self::FileSystem => "set LLM_GATEWAY_LEDGER_PATH to a file on a local disk",
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
            Self::OutOfResources => {
                "this process has no descriptor or no memory left: raise its limits (`ulimit -n`), \
                 or send it fewer requests at once"
            }
        }
    }
}

/// The error of [`Ledger::reserve`](super::Ledger::reserve), which then set nothing aside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum ReserveError {
    /// A monthly cap does not allow the calls.
    Refused(#[from] CapRefusal),
    /// The ledger cannot be used.
    Unusable(#[from] UnusableLedger),
}

impl From<CapRefusal> for Error {
    fn from(refused: CapRefusal) -> Self {
        let hint = refused.hint(
            "ask for fewer tokens, raise the cap, or see `llm-gateway spend` for what is held",
        );
        Self::blocked(BlockedBy::Cap, refused.to_string()).with_hint(hint)
    }
}

impl From<UnusableLedger> for Error {
    fn from(unusable: UnusableLedger) -> Self {
        let category = match unusable.problem {
            Problem::OutOfResources => Category::Internal,
            _ => Category::Ledger,
        };
        Self::new(category, unusable.to_string()).with_hint(unusable.hint())
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
