//! The errors of a ledger: a cap refuses to set money aside, or the ledger cannot be used.

use crate::error::{Category, Error, RefusingCap};

use super::cap::{Cap, CapRefusal};

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
    /// A period comes to a larger sum than the ledger can count.
    BeyondCounting,
    /// A cap is for a length of time that no ledger counts, such as a session.
    NoSuchPeriod,
    /// The thread of the ledger has ended.
    Stopped,
    /// This process has no descriptor or no memory left to open the ledger. Nothing is wrong with
    /// the ledger.
    OutOfResources,
    /// The code of the ledger panicked, or was ended with its runtime.
    Interrupted,
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
            Self::NoSuchPeriod => "counts days and months only",
            Self::Stopped => "has stopped",
            Self::OutOfResources => "cannot be opened now",
            Self::Interrupted => "came to no end",
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
            Self::NoSuchPeriod => "let the gateway keep caps per session, which ends with it",
            Self::Stopped => "start the gateway again",
            Self::OutOfResources => {
                "this process has no descriptor or no memory left: raise its limits (`ulimit -n`), \
                 or send it fewer requests at once"
            }
            Self::Interrupted => {
                "look for the message of the panic where the program's panic hook writes it, by \
                 default on stderr"
            }
        }
    }
}

/// The error of [`Ledger::reserve`](super::Ledger::reserve), which then set nothing aside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum ReserveError {
    /// A cap does not allow the calls.
    Refused(#[from] CapRefusal),
    /// The ledger cannot be used.
    Unusable(#[from] UnusableLedger),
}

impl From<CapRefusal> for Error {
    fn from(refused: CapRefusal) -> Self {
        let hint = refused.hint(match refused.has_calls_under_way() {
            true => {
                "ask for fewer tokens, raise the cap, or see `llm-gateway spend` for what is held"
            }
            false => "ask for fewer tokens, or raise the cap",
        });
        Self::capped(RefusingCap::from(&refused), refused.to_string()).with_hint(hint)
    }
}

impl From<&CapRefusal> for RefusingCap {
    fn from(refused: &CapRefusal) -> Self {
        let is_in_vain = refused.is_above_limit();
        Self {
            left_usd: Some(refused.left()),
            resets_at: refused.resets_at().filter(|_| !is_in_vain),
            ..Self::from(&refused.cap)
        }
    }
}

/// Describes a cap that refuses calls whatever is left of it.
impl From<&Cap> for RefusingCap {
    fn from(Cap { scope, per, limit, .. }: &Cap) -> Self {
        Self {
            scope: scope.key(),
            per: per.as_str(),
            cap_usd: *limit,
            left_usd: None,
            resets_at: None,
        }
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
