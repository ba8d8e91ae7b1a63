//! The result of comparing two answers, or two parts of them.

/// The result of comparing two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// The two are the same answer to every reader.
    Same,
    /// The two may be one answer or two, and only a guess could decide.
    Unclear,
    /// The two are different answers to every reader.
    Different,
}

impl Likeness {
    /// Returns the likeness of two wholes from the likeness of their parts. A part that differs
    /// makes the wholes different, and a part that is unclear keeps them from being the same.
    pub(super) fn of_parts(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::Same)
    }
}
