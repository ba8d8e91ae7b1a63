//! Server-sent events out of the bytes of a body:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.
//!
//! The parsing is `eventsource-stream`'s. Added here is what a stranger's bytes make
//! necessary: a bound on what it has to hold, and no byte order mark.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, Bytes};
use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

/// The bound on one event, with the comments before it. A real one is some hundred bytes, and
/// a whole answer in one event stays below it.
pub(super) const LARGEST_EVENT: usize = 1024 * 1024;

/// The parser moves all that it holds with every line, so it is fed a little at a time.
const BITE: usize = 4 * 1024;

/// Why there are no more events.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault<E> {
    /// No more bytes came.
    Source(E),
    /// An event is larger than [`LARGEST_EVENT`].
    TooLarge,
    /// The bytes are no text.
    NotUtf8,
}

/// The data of each event. An event that has not ended when the bytes do is none.
pub(super) fn data<E>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
) -> impl Stream<Item = Result<String, Fault<E>>> {
    // Shared between the two ends of the parser.
    let unfinished = Arc::new(AtomicUsize::new(0));
    let fed = Arc::clone(&unfinished);
    let mut mark = 0;
    chunks
        .map_err(Fault::Source)
        .map_ok(|chunk| stream::iter(bites(chunk).map(Ok)))
        .try_flatten()
        .map(move |bite| {
            let bite = bite?;
            let held = fed.fetch_add(bite.len(), Ordering::Relaxed).saturating_add(bite.len());
            if held > LARGEST_EVENT { Err(Fault::TooLarge) } else { Ok(unmarked(bite, &mut mark)) }
        })
        .eventsource()
        .map(move |event| {
            unfinished.store(0, Ordering::Relaxed);
            event.map(|event| event.data).map_err(|error| match error {
                EventStreamError::Transport(fault) => fault,
                EventStreamError::Utf8(_) | EventStreamError::Parser(_) => Fault::NotUtf8,
            })
        })
}

fn bites(mut chunk: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!chunk.is_empty()).then(|| chunk.split_to(BITE.min(chunk.len()))))
}

/// Takes a byte order mark off the start of a stream, of which `seen` bytes were taken before.
/// The parser (0.2.3) panics at one.
fn unmarked(mut bite: Bytes, seen: &mut usize) -> Bytes {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    while let (Some(expected), Some(byte)) = (MARK.get(*seen), bite.first()) {
        if byte == expected {
            bite.advance(1);
            *seen += 1;
        } else {
            *seen = MARK.len();
        }
    }
    bite
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
        let mut events = Box::pin(data(stream::iter(chunks)));
        let (mut read, mut fault) = (Vec::new(), None);
        while let Some(event) = events.next().now_or_never().unwrap() {
            match event {
                Ok(data) => read.push(data),
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
        let singly = bytes.chunks(1);
        assert_eq!(read(singly).0, expected);
    }

    #[test]
    fn an_event_above_the_bound_is_not_held() {
        // Long lines, which the parser goes through again with every bite, are left to one case.
        let line = format!("data: {}\n", "x".repeat(1000));
        let fits = format!("{}\n", line.repeat(LARGEST_EVENT / line.len() - 8));
        let (events, fault) = read([fits.repeat(2).as_bytes()]);
        assert_eq!((events.len(), fault), (2, None), "the bound is on one event");
        for endless in ["x", ": a comment\n", &line] {
            let endless = endless.repeat(LARGEST_EVENT / endless.len() + 1);
            let (events, fault) = read([endless.as_bytes()]);
            assert_eq!((events.len(), fault), (0, Some(Fault::TooLarge)), "{}", &endless[..9]);
        }
    }

    #[test]
    fn what_is_no_text_is_a_fault() {
        let (events, fault) = read([&b"data: one\n\ndata: \xff\n\ndata: two\n\n"[..]]);
        assert_eq!((events, fault), (vec!["one".to_owned()], Some(Fault::NotUtf8)));
        assert_eq!(read([&b"data: one\n\n\xf0\x9f"[..]]).1, Some(Fault::NotUtf8));
    }

    #[test]
    fn a_fault_of_the_source_is_handed_on() {
        let chunks = [Ok(Bytes::from_static(b"data: one\n\ndata: t")), Err("reset")];
        let events = data(stream::iter(chunks)).collect::<Vec<_>>().now_or_never().unwrap();
        assert_eq!(events, [Ok("one".to_owned()), Err(Fault::Source("reset"))]);
    }
}
