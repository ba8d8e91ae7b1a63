//! Keeps the text of an answer that fails before it is whole, without keys and without reasoning.
//!
//! Whatever ends the answer (its caller, a clock, its connection or an error in it), what had come
//! until then was paid for.

use http::StatusCode;

use super::failure::Reporter;
use crate::error::Error;
use crate::model::Capability;
use crate::provider::dialect::{Assembly, DecodedAnswer, text_behind_thinking};
use crate::provider::{Call, SendContext};

/// The bytes of an answer that are searched for keys at a time.
const PIECE: usize = 64 * 1024;

/// An answer that is being assembled. Unless it is finished well, its text so far is kept: also if
/// it is dropped, because its attempt was ended.
pub(super) struct Unfinished<'a, A: Assembly> {
    pub(super) assembly: A,
    context: &'a SendContext<'a>,
    reporter: &'a Reporter<'a>,
}

impl<'a, A: Assembly> Unfinished<'a, A> {
    /// Creates an answer that has not begun.
    pub(super) fn new(context: &'a SendContext<'a>, reporter: &'a Reporter<'a>) -> Self {
        Self { assembly: A::default(), context, reporter }
    }

    /// Returns the answer, of which all has been read.
    pub(super) fn finish(mut self, status: StatusCode) -> Result<DecodedAnswer, Error> {
        let finished = self.assembly.finish();
        let finished =
            finished.map_err(|e| self.reporter.malformed_event(status, &e.to_string()))?;
        finished.ok_or_else(|| self.reporter.ended_early(status))
    }
}

impl<A: Assembly> Drop for Unfinished<'_, A> {
    fn drop(&mut self) {
        keep(self.assembly.settled(), self.context, self.reporter);
    }
}

/// Keeps the text of an answer that fails. An end of the text that may be the beginning of a key,
/// and tells more of it than a letter or two, is left out: the rest may have been about to come.
pub(super) fn keep(text: &str, context: &SendContext<'_>, reporter: &Reporter<'_>) {
    let text = without_reasoning(text, reporter.call);
    if !text.trim().is_empty() {
        let mut stream = reporter.scrubber.stream();
        let mut kept: String = pieces(text).map(|piece| stream.push(piece)).collect();
        kept.push_str(&stream.finish_cut());
        context.keep(kept);
    }
}

/// Splits a text into pieces of about [`PIECE`] bytes. What reads a piece needs many times its size.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = (PIECE..rest.len()).find(|end| rest.is_char_boundary(*end));
        let (piece, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Returns the text of an answer so far, without the reasoning that the model may write before it.
pub(super) fn without_reasoning<'t>(text: &'t str, call: &Call) -> &'t str {
    match call.capabilities.contains(&Capability::ThinkTags) {
        true => text_behind_thinking(text).unwrap_or_default(),
        false => text,
    }
}
