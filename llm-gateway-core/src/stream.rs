//! The text of an answer while it arrives: a channel that loses nothing, beside the
//! [events](crate::Event), of which a reader that lags misses some.
//!
//! A provider hears text and passes it on by
//! [`SendContext::heard`](crate::provider::SendContext::heard). A reader that is slow slows the
//! provider down: at most 64 pieces of 4 KiB wait to be read, and until one is taken the answer is
//! not read on. A reader that is gone stops nothing, because the answer is returned whole in any
//! case. What was passed on is never taken back, and the joined pieces are the text of the answer.
//!
//! A [`Gateway`](crate::Gateway) returns its answers whole. The channel is for a program that calls
//! a provider of its own, such as in a test.
//!
//! ```
//! use llm_gateway_core::stream::{self, Delta};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (sink, mut content) = stream::channel();
//! sink.text("Par").await;
//! sink.text("is.").await;
//! drop(sink);
//! let mut text = String::new();
//! while let Some(Delta::Text { text: piece, .. }) = content.next().await {
//!     text.push_str(&piece);
//! }
//! assert_eq!(text, "Paris.");
//! # }
//! ```

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

/// The number of pieces that may be unread. With [`LARGEST_PIECE`] it bounds what is unread to
/// 256 KiB.
const MOST_PIECES: usize = 64;

/// The largest piece, in bytes. Longer texts are passed on in several pieces. Providers send some
/// words at a time, so most pieces have far less.
const LARGEST_PIECE: usize = 4 * 1024;

/// A piece of an answer, as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delta {
    /// Text of the answer, which follows the text before it without a gap.
    #[non_exhaustive]
    Text {
        /// The text, without keys.
        text: String,
    },
}

/// The reader of an answer's pieces, in order. It is a `Stream` of [`Delta`], as `futures_core` 0.3
/// defines it.
#[derive(Debug)]
pub struct Content(mpsc::Receiver<Delta>);

impl Content {
    /// Waits for the next piece. Returns `None` once the answer is over.
    ///
    /// # Cancel safety
    /// No piece is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Delta> {
        self.0.recv().await
    }
}

impl Stream for Content {
    type Item = Delta;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delta>> {
        self.0.poll_recv(cx)
    }
}

/// The sink for an answer's pieces.
#[derive(Debug)]
pub struct ContentSink {
    pieces: mpsc::Sender<Delta>,
    /// The length in bytes of the text that was passed on.
    passed: AtomicUsize,
}

impl ContentSink {
    /// Passes on a text, and waits while the reader has too many unread pieces.
    ///
    /// # Cancel safety
    /// If the future is dropped, a part of the text may have been passed on.
    pub async fn text(&self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = first_piece(rest);
            let piece_length = piece.len();
            let delta = Delta::Text { text: piece.to_owned() };
            // Nobody listens any more, and the answer is returned whole in any case.
            let Ok(place) = self.pieces.reserve().await else { return };
            place.send(delta);
            self.passed.fetch_add(piece_length, Ordering::SeqCst);
            rest = after;
        }
    }

    /// Passes on what is left of an answer whose whole text is `whole`.
    pub(crate) async fn rest_of(&self, whole: &str) {
        let passed = self.passed.load(Ordering::SeqCst);
        self.text(whole.get(passed..).unwrap_or_default()).await;
    }

    /// Returns whether any text was passed on. Another answer must not follow it.
    pub fn has_begun(&self) -> bool {
        self.passed.load(Ordering::SeqCst) > 0
    }

    /// Returns whether nobody reads the pieces any more.
    pub fn is_unread(&self) -> bool {
        self.pieces.is_closed()
    }
}

/// Splits a text behind its first piece, between two characters.
fn first_piece(text: &str) -> (&str, &str) {
    let most = text.len().min(LARGEST_PIECE);
    let split = (0..=most).rev().find_map(|end| text.split_at_checked(end));
    split.unwrap_or((text, ""))
}

/// Creates the channel of one answer: its sink and its reader.
pub fn channel() -> (ContentSink, Content) {
    let (sender, receiver) = mpsc::channel(MOST_PIECES);
    (ContentSink { pieces: sender, passed: AtomicUsize::new(0) }, Content(receiver))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn joined(mut content: Content) -> (String, usize) {
        let (mut text, mut longest) = (String::new(), 0);
        while let Some(Delta::Text { text: piece }) = content.next().await {
            longest = longest.max(piece.len());
            text.push_str(&piece);
        }
        (text, longest)
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_lost_however_slow_the_reader_is() {
        let (sink, mut content) = channel();
        let texts: Vec<_> = (0..500).map(|number| format!("{number} ü ")).collect();
        let writes = async {
            for text in &texts {
                sink.text(text).await;
            }
            drop(sink);
        };
        let reads = async {
            let mut read = Vec::new();
            while let Some(Delta::Text { text }) = content.next().await {
                tokio::time::sleep(Duration::from_secs(1)).await;
                read.push(text);
            }
            read
        };
        assert_eq!(tokio::join!(writes, reads).1, texts);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_unread_is_bounded() {
        let (sink, content) = channel();
        let large = "ü€".repeat(1_000_000);
        let stalls = tokio::time::timeout(Duration::from_secs(60), sink.text(&large)).await;
        assert!(stalls.is_err(), "a reader that stops stops the writer");
        let passed = sink.passed.load(Ordering::SeqCst);
        assert!(
            passed <= MOST_PIECES * LARGEST_PIECE && passed > MOST_PIECES * (LARGEST_PIECE - 4)
        );
        let (rest, (text, longest)) = tokio::join!(
            async {
                sink.rest_of(&large).await;
                drop(sink);
            },
            joined(content)
        );
        assert_eq!((rest, text.len(), longest <= LARGEST_PIECE), ((), large.len(), true));
        assert_eq!(text, large);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_stops_nobody() {
        let (sink, content) = channel();
        assert!(!sink.has_begun() && !sink.is_unread());
        sink.text("").await;
        assert!(!sink.has_begun(), "nothing was said");
        sink.text("a").await;
        assert!(sink.has_begun());
        drop(content);
        for _ in 0..1_000 {
            sink.text("b").await;
        }
        assert!(sink.is_unread());
    }

    #[tokio::test]
    async fn the_rest_of_an_answer_is_what_was_not_passed_on() {
        for (said, whole, left) in [
            ("", "Paris", "Paris"),
            ("Par", "Paris", "is"),
            ("Paris", "Paris", ""),
            ("Paris", "P", ""),
        ] {
            let (sink, content) = channel();
            sink.text(said).await;
            sink.rest_of(whole).await;
            drop(sink);
            assert_eq!(joined(content).await.0, format!("{said}{left}"));
        }
    }
}
