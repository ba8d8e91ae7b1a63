//! The result of comparing two answers, or two parts of them.

/// What comparing two answers shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// Nobody could take the two for different answers.
    Same,
    /// The two may be one answer or two: to say either would be a guess.
    Unclear,
    /// Nobody could take the two for the same answer.
    Different,
}

impl Likeness {
    /// Returns the likeness of two wholes from that of their parts. One part that differs makes
    /// the wholes different, and one that is unclear keeps them from being the same.
    pub(super) fn of_parts(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::Same)
    }
}
