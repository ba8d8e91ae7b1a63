//! Parses the bytes of a body as server-sent events:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.
//!
//! The crate `eventsource-stream` does the parsing. This file adds what untrusted bytes make
//! necessary: a bound on what the parser has to hold, and chunks that make it read each byte once.

use std::future::ready;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, Bytes, BytesMut};
use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::Deserialize;

/// The bound on one event and the comments before it, in bytes, exceeded by one [`BITE`] at most. A
/// real event has some hundred bytes, and even a whole answer in one event stays below the bound.
pub(super) const LARGEST_EVENT: usize = 1024 * 1024;

/// The most bytes that the parser is fed at once. It moves all that it was fed with every line that
/// it reads.
const BITE: usize = 4 * 1024;

/// A byte order mark, at which the parser (0.2.3) panics.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Why no more events can be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault<E> {
    /// The source of the bytes failed.
    Source(E),
    /// An event is larger than [`LARGEST_EVENT`].
    TooLarge,
    /// The bytes are not UTF-8.
    NotUtf8,
}

/// A server-sent event that has data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerSentEvent {
    /// The event's type; `message` if it names none.
    pub(super) name: String,
    /// The event's data, its lines joined.
    pub(super) data: String,
}

impl ServerSentEvent {
    /// Returns whether the event only shows that the server is there. Anthropic's `ping` has its
    /// name in the data too, for clients that read nothing else:
    /// <https://platform.claude.com/docs/en/build-with-claude/streaming#ping-events>.
    pub(super) fn is_ping(&self) -> bool {
        #[derive(Deserialize)]
        struct TypedData {
            r#type: String,
        }
        let is_typed_ping =
            || serde_json::from_str(&self.data).is_ok_and(|TypedData { r#type }| r#type == "ping");
        self.name == "ping" || is_typed_ping()
    }
}

/// Reads the events of a body. An event that has not ended when the bytes end does not count.
pub(super) fn read<E>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
) -> impl Stream<Item = Result<ServerSentEvent, Fault<E>>> {
    // The bytes that went into the parser since the last event, shared between its two ends.
    let unfinished = Arc::new(AtomicUsize::new(0));
    let fed = Arc::clone(&unfinished);
    let mut begun = false;
    lines(chunks)
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
            let event = event.map(|event| ServerSentEvent { name: event.event, data: event.data });
            event.map_err(|error| match error {
                EventStreamError::Transport(fault) => fault,
                EventStreamError::Utf8(_) | EventStreamError::Parser(_) => Fault::NotUtf8,
            })
        })
}

/// Cuts the bytes into whole lines, one or several at a time. The parser would otherwise read the
/// beginning of a line again with each chunk of it.
fn lines<E>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
) -> impl Stream<Item = Result<Bytes, Fault<E>>> {
    let mut line = BytesMut::new();
    chunks
        .map(move |chunk| {
            let chunk = chunk.map_err(Fault::Source)?;
            let (whole, rest) = chunk.split_at(chunk.iter().rposition(ends_line).map_or(0, after));
            line.extend_from_slice(whole);
            let whole = if whole.is_empty() { Bytes::new() } else { line.split().freeze() };
            line.extend_from_slice(rest);
            if line.len() > LARGEST_EVENT {
                return Err(Fault::TooLarge);
            }
            Ok(stream::iter(bites(whole).map(Ok)))
        })
        .try_flatten()
}

/// Cuts lines into portions of at most [`BITE`] bytes. A longer line is a portion of its own.
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

    /// What comes of these chunks, to the first fault.
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
        let expected = ["{\"t\": \"Grüße 👋\"}", "two\nlines", "three", "[DONE]"];
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(
                read([head, b"", tail]),
                (expected.map(str::to_owned).to_vec(), None),
                "{cut}"
            );
        }
        assert_eq!(read([&b"data: one\r\rdata: two\r\r"[..]]).0, ["one"], "the last may be a CRLF");
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
    fn what_is_no_text_is_a_fault() {
        let (events, fault) = read([&b"data: one\n\ndata: \xff\n\ndata: two\n\n"[..]]);
        assert_eq!((events, fault), (vec!["one".to_owned()], Some(Fault::NotUtf8)));
        // Cut in a character, not wrong.
        assert_eq!(read([&b"data: one\n\ndata: \xf0\x9f"[..]]), (vec!["one".to_owned()], None));
    }

    #[test]
    fn a_fault_of_the_source_is_handed_on() {
        let chunks = [Ok(Bytes::from_static(b"data: one\n\ndata: t")), Err("reset")];
        let events = super::read(stream::iter(chunks));
        let events = events.map_ok(|event| event.data).collect::<Vec<_>>().now_or_never().unwrap();
        assert_eq!(events, [Ok("one".to_owned()), Err(Fault::Source("reset"))]);
    }
}
