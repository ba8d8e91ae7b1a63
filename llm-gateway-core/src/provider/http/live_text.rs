//! Passes on the text of a streamed answer while it arrives, without keys and without what may
//! still be taken back.

use super::failure::Reporter;
use super::so_far::without_reasoning;
use crate::provider::{Call, SendContext};
use crate::transport::StreamScrubber;

/// The text of one streamed answer, as far as it was passed on.
pub(super) struct LiveText<'a> {
    context: &'a SendContext<'a>,
    scrubber: StreamScrubber,
    call: &'a Call,
    /// The number of bytes of the text that the scrubber has read.
    scrubbed: usize,
}

impl<'a> LiveText<'a> {
    /// Creates the text of an answer that has not begun.
    pub(super) fn new(context: &'a SendContext<'a>, reporter: &'a Reporter<'_>) -> Self {
        let scrubber = reporter.scrubber.stream();
        Self { context, scrubber, call: reporter.call, scrubbed: 0 }
    }

    /// Passes on what is new of the text, of which `settled` is not taken back. The end of the text
    /// that may be the beginning of a key is held back; the end of the answer brings it.
    pub(super) async fn grown(&mut self, settled: &str) {
        if !self.context.is_heard() {
            return;
        }
        let text = without_reasoning(settled, self.call);
        let new = text.get(self.scrubbed..).unwrap_or_default();
        if !new.is_empty() {
            self.scrubbed = text.len();
            self.context.pass_on(&self.scrubber.push(new)).await;
        }
    }
}
