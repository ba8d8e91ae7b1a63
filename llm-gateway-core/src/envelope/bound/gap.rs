//! Cuts a text to its head and its tail, with a marked gap between them.

use super::width::{bytes_that_fit, escaped_chars};

/// The share of a cut text's room that goes to its head: two thirds, because an answer says at its
/// beginning what it is.
const HEAD_SHARE: (usize, usize) = (2, 3);

/// The marker of a gap in a text, which counts what was left out.
pub(in crate::envelope) struct Gap {
    before: &'static str,
    after: &'static str,
}

/// The marker of a gap whose text is on the result's pages.
pub(in crate::envelope) const PAGED_GAP: Gap =
    Gap { before: "\n\n[... ", after: " characters left out; llm_result has them ...]\n\n" };

/// The marker of a gap whose text is nowhere else.
pub(in crate::envelope) const PLAIN_GAP: Gap =
    Gap { before: "\n\n[... ", after: " characters left out ...]\n\n" };

/// The marker of a gap where there is room for next to nothing.
pub(super) const SHORT_GAP: Gap = Gap { before: "[... ", after: " left out ...]" };

impl Gap {
    /// Returns the marker for a number of characters.
    fn marker(&self, omitted: usize) -> String {
        format!("{}{omitted}{}", self.before, self.after)
    }

    /// Returns the most characters that a gap in this text takes in JSON, or those of the text if
    /// they are fewer. `width` is that of the text.
    pub(super) fn least_room(&self, width: usize) -> usize {
        escaped_chars(&self.marker(width)).min(width)
    }

    /// Returns the head and the tail of `text`, which take at most `room` characters in JSON, with
    /// a marker between them that counts what was left out.
    pub(super) fn head_and_tail(&self, text: &str, room: usize) -> String {
        let head_room = room * HEAD_SHARE.0 / HEAD_SHARE.1;
        let head_end = bytes_that_fit(text.chars(), head_room);
        let tail = bytes_that_fit(text.chars().rev(), room - head_room);
        let tail_start = text.len() - tail;
        if head_end >= tail_start {
            return text.to_owned();
        }
        let (start, rest) = text.split_at(head_end);
        let (middle, end) = rest.split_at(tail_start - head_end);
        let omitted = middle.chars().count();
        format!("{start}{}{end}", self.marker(omitted))
    }
}
