//! Parses the bytes of a body as server-sent events:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.
//!
//! The crate `eventsource-stream` does the parsing. This module adds what untrusted bytes make
//! necessary: a bound on the parser's memory, and chunks that make the parser read each byte once.

use std::borrow::Cow;
use std::future::ready;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::{Buf, Bytes, BytesMut};
use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use crate::provider::dialect::is_object;

/// The bound on one event, give or take a [`BITE`], with the comments before it. Usual events have
/// about a hundred bytes, and a whole answer in one event stays below the bound.
pub(super) const LARGEST_EVENT: usize = 1024 * 1024;

/// The most bytes that the parser is fed at once. The parser moves all bytes that it was fed with
/// every line that it reads.
const BITE: usize = 4 * 1024;

/// A byte order mark, at which the parser (0.2.3) panics.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The fault because of which no more events can be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault<E> {
    /// The source of the bytes failed.
    Source(E),
    /// An event is larger than [`LARGEST_EVENT`].
    TooLarge,
    /// The parser gave up.
    Unreadable,
}

/// A server-sent event that has data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerSentEvent {
    /// The event's type; `message` if it names none.
    pub(super) name: String,
    /// The event's data, its lines joined.
    pub(super) data: String,
    /// Whether the body ended before the empty line that ends an event, so that the data may be
    /// cut.
    pub(super) may_be_cut: bool,
}

impl ServerSentEvent {
    /// Returns whether the event is a ping, or blank. Anthropic's ping has its name in the data
    /// too, for clients that read only the data:
    /// <https://platform.claude.com/docs/en/build-with-claude/streaming#ping-events>.
    pub(super) fn is_ping(&self) -> bool {
        #[derive(Deserialize)]
        struct TypedData {
            r#type: String,
        }
        // Most events are no ping, and are then read once less. An escape may spell the word.
        let may_say_ping = self.data.contains("ping") || self.data.contains('\\');
        let is_typed_ping =
            || serde_json::from_str(&self.data).is_ok_and(|TypedData { r#type }| r#type == "ping");
        self.name == "ping" || self.data.trim().is_empty() || may_say_ping && is_typed_ping()
    }

    /// Returns whether the event only shows that the server is alive: a ping, or the word that a
    /// proxy sends in its place.
    pub(super) fn is_heartbeat(&self) -> bool {
        let ends_a_stream = self.data.trim() == "[DONE]";
        self.is_ping() || !(is_object(&self.data) || ends_a_stream)
    }
}

/// Reads events from a stream of bytes. The end of the bytes ends the last line and its event.
pub(super) fn read<E>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
) -> impl Stream<Item = Result<ServerSentEvent, Fault<E>>> {
    // The bytes that went into the parser since the last event, shared between its two ends.
    let unfinished = Arc::new(AtomicUsize::new(0));
    let fed = Arc::clone(&unfinished);
    let at_end = Arc::new(AtomicBool::new(false));
    let mut begun = false;
    lines(chunks, Arc::clone(&at_end))
        .map_ok(move |mut lines| {
            if !begun && lines.starts_with(MARK) {
                lines.advance(MARK.len());
            }
            begun = true;
            lines
        })
        .and_then(move |lines| {
            let held = fed.fetch_add(lines.len(), Ordering::Relaxed).saturating_add(lines.len());
            ready(if held > LARGEST_EVENT { Err(Fault::TooLarge) } else { Ok(lines) })
        })
        .eventsource()
        .map(move |event| {
            unfinished.store(0, Ordering::Relaxed);
            let may_be_cut = at_end.load(Ordering::Relaxed);
            let event = event.map(|event| ServerSentEvent {
                name: event.event,
                data: event.data,
                may_be_cut,
            });
            event.map_err(|error| match error {
                EventStreamError::Transport(fault) => fault,
                EventStreamError::Utf8(_) | EventStreamError::Parser(_) => Fault::Unreadable,
            })
        })
}

/// Returns the bytes as whole lines of text, one or more at a time, because the parser would read
/// the beginning of a line again with each of its chunks. Sets `at_end` before it ends the last
/// line.
fn lines<E>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
    at_end: Arc<AtomicBool>,
) -> impl Stream<Item = Result<Bytes, Fault<E>>> {
    let mut line = BytesMut::new();
    let mut is_broken = false;
    chunks
        .map(Some)
        .chain(stream::once(ready(None)))
        .map(move |chunk| {
            let Some(chunk) = chunk else {
                at_end.store(true, Ordering::Relaxed);
                if is_broken {
                    line.clear();
                }
                line.extend_from_slice(b"\n\n");
                return Ok(stream::iter(bites(as_text(line.split().freeze())).map(Ok)));
            };
            let chunk = chunk.map_err(Fault::Source).inspect_err(|_| is_broken = true)?;
            let (whole, rest) = chunk.split_at(chunk.iter().rposition(ends_line).map_or(0, after));
            line.extend_from_slice(whole);
            let whole = if whole.is_empty() { Bytes::new() } else { line.split().freeze() };
            line.extend_from_slice(rest);
            if line.len() > LARGEST_EVENT {
                return Err(Fault::TooLarge);
            }
            Ok(stream::iter(bites(as_text(whole)).map(Ok)))
        })
        .try_flatten()
}

/// Returns whole lines with U+FFFD for every byte that is no UTF-8.
fn as_text(lines: Bytes) -> Bytes {
    match String::from_utf8_lossy(&lines) {
        Cow::Borrowed(_) => lines,
        Cow::Owned(text) => text.into(),
    }
}

/// Returns lines in portions of at most [`BITE`], or a single line that is longer.
fn bites(mut lines: Bytes) -> impl Iterator<Item = Bytes> {
    iter::from_fn(move || {
        let end = if lines.len() <= BITE {
            lines.len()
        } else {
            let (first, rest) = lines.split_at(BITE);
            let within = first.iter().rposition(ends_line).map(after);
            within.unwrap_or_else(|| BITE + rest.iter().position(ends_line).map_or(0, after))
        };
        (end > 0).then(|| lines.split_to(end))
    })
}

fn ends_line(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn after(index: usize) -> usize {
    index + 1
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// Returns the events of these chunks, up to the first fault.
    fn read<'a>(
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<String>, Option<Fault<&'static str>>) {
        let chunks: Vec<_> = chunks.into_iter().map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        let mut events = Box::pin(super::read(stream::iter(chunks)));
        let (mut read, mut fault) = (Vec::new(), None);
        while let Some(event) = events.next().now_or_never().unwrap() {
            match event {
                Ok(event) => read.push(event.data),
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
        (read, fault)
    }

    const STREAM: &str = "\u{feff}: hello\r\n\r\nevent: a\r\ndata: {\"t\": \"Grüße 👋\"}\r\nid: 1\r\n\
        \r\ndata:two\ndata: lines\n\nretry: 5\n\ndata: three\r\rdata: [DONE]\n\ndata: never ends";

    #[test]
    fn every_cut_of_a_stream_gives_the_same_events() {
        let bytes = STREAM.as_bytes();
        let expected = ["{\"t\": \"Grüße 👋\"}", "two\nlines", "three", "[DONE]", "never ends"];
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(
                read([head, b"", tail]),
                (expected.map(str::to_owned).to_vec(), None),
                "{cut}"
            );
        }
        assert_eq!(read([&b"data: one\r\rdata: two\r\r"[..]]).0, ["one", "two"]);
        let singly = bytes.chunks(1);
        assert_eq!(read(singly).0, expected);
    }

    #[test]
    fn an_event_above_the_bound_is_not_held() {
        let line = format!("data: {}\n", "x".repeat(1000));
        for fits in [
            format!("data: {}\n\n", "x".repeat(LARGEST_EVENT - 2 * BITE)),
            format!("{}\n", line.repeat((LARGEST_EVENT - 2 * BITE) / line.len())),
        ] {
            let (events, fault) = read([fits.repeat(2).as_bytes()]);
            assert_eq!((events.len(), fault), (2, None), "the bound is on one event");
        }
        for endless in ["x", "data:x\r", ": a comment\n", &line] {
            let name = endless.chars().take(9).collect::<String>();
            let endless = endless.repeat(LARGEST_EVENT / endless.len() + 1);
            let (events, fault) = read([endless.as_bytes()]);
            assert_eq!((events.len(), fault), (0, Some(Fault::TooLarge)), "{name:?}");
        }
    }

    #[test]
    fn a_byte_that_is_no_text_loses_no_event() {
        let (events, fault) = read([&b"data: one\n\ndata: caf\xe9\n\ndata: two\n\n"[..]]);
        assert_eq!((events, fault), (vec!["one".into(), "caf\u{fffd}".into(), "two".into()], None));
    }

    #[test]
    fn the_end_of_the_bytes_ends_the_last_event() {
        for end in ["", "\n", "\r", "\r\n"] {
            let bytes = format!("data: one\n\ndata: two{end}");
            let chunks = [Ok::<_, &str>(Bytes::from(bytes))];
            let events = super::read(stream::iter(chunks)).map_ok(|e| (e.data, e.may_be_cut));
            let events = events.try_collect::<Vec<_>>().now_or_never().unwrap().unwrap();
            assert_eq!(events, [("one".to_owned(), false), ("two".to_owned(), true)], "{end:?}");
        }
    }

    #[test]
    fn a_fault_of_the_source_is_handed_on() {
        let chunks = [Ok(Bytes::from_static(b"data: one\n\ndata: t")), Err("reset")];
        let events = super::read(stream::iter(chunks));
        let events = events.map_ok(|event| event.data).collect::<Vec<_>>().now_or_never().unwrap();
        assert_eq!(events, [Ok("one".to_owned()), Err(Fault::Source("reset"))]);
    }
}
