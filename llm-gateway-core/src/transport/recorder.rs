//! Records the exact bytes of each attempt: what was sent and what was received.
//!
//! A record may be shown, because the provider replaces every known key in the bytes before it
//! notes them here. One recorder serves one call. It holds one exchange per attempt: the newest
//! body in full, and one mebibyte of the bodies before it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::model::{Sequence, SharedBytes};

use super::{HttpRequest, SentMark};

/// The response to one attempt, as far as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The moment at which it had arrived, numbered by the recorder's [`Sequence`].
    pub sequence: u64,
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers of the response.
    pub headers: HeaderMap,
    /// The body as far as it arrived, with known keys replaced. It is empty if the bodies of later
    /// attempts needed the room.
    pub body: SharedBytes,
    /// Whether a key was replaced, so that the bytes differ from those that arrived.
    pub redacted: bool,
}

/// One attempt: the request, and the response as far as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// The moment at which the request was sent, numbered by the recorder's [`Sequence`].
    pub sent: u64,
    /// The request that was sent, without its credential.
    pub request: HttpRequest,
    /// The response; `None` if none arrived.
    pub response: Option<Response>,
}

/// The number of bytes that are kept of the bodies before the newest. Failures are short, and
/// twenty long bodies must not add up.
const ROOM_FOR_OLDER: usize = 1024 * 1024;

/// A recorder, which collects the exchanges of one call, and reports how much of its answer has
/// arrived.
#[derive(Default)]
pub struct Recorder {
    exchanges: Mutex<Vec<Exchange>>,
    sequence: Arc<Sequence>,
    listener: Option<Box<dyn Fn(u64) + Send + Sync>>,
    /// The mark of the newest attempt; `None` if the provider sets none.
    mark: Mutex<Option<SentMark>>,
    /// Whether the answer to the newest attempt has begun.
    has_begun: AtomicBool,
    room_wait: Mutex<RoomWait>,
}

/// The time for which a call has waited for room in this process to read its answers.
#[derive(Default)]
struct RoomWait {
    /// Sum of the waits that are over.
    over: Duration,
    /// The start of the current wait, if there is one.
    since: Option<Instant>,
}

/// A wait for room, which ends when the value is dropped.
#[must_use = "a wait that is dropped at once has ended"]
pub(crate) struct WaitingForRoom<'a>(&'a Recorder);

impl Drop for WaitingForRoom<'_> {
    fn drop(&mut self) {
        let mut wait = self.0.room_wait();
        let waited = wait.since.take().map(|since| since.elapsed());
        wait.over += waited.unwrap_or_default();
    }
}

impl Recorder {
    /// Creates an empty recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `listener` whenever the text of an answer grows, with the number of characters so far.
    /// The listener runs between two events of a stream, so it must not block.
    #[must_use]
    pub fn with_listener(self, listener: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Box::new(listener)), ..self }
    }

    /// Numbers moments by a sequence that other recorders share.
    #[must_use]
    pub fn with_sequence(self, sequence: Arc<Sequence>) -> Self {
        Self { sequence, ..self }
    }

    /// Records that `request` is about to be sent.
    pub fn sent(&self, request: &HttpRequest) {
        let sent = self.sequence.next();
        self.lock().push(Exchange { sent, request: request.clone(), response: None });
    }

    /// Records the response to the request that was sent last, in which no key was replaced.
    pub fn received(&self, status: StatusCode, headers: HeaderMap, body: impl Into<SharedBytes>) {
        let body = body.into();
        self.keep(|sequence| Response { sequence, status, headers, body, redacted: false });
    }

    /// Records the response to the request that was sent last, in which a key was replaced.
    pub fn received_redacted(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: impl Into<SharedBytes>,
    ) {
        let body = body.into();
        self.keep(|sequence| Response { sequence, status, headers, body, redacted: true });
    }

    /// Keeps a response, which is made for the number of its moment, and drops the oldest bodies
    /// that exceed the room.
    fn keep(&self, response: impl FnOnce(u64) -> Response) {
        let mut exchanges = self.lock();
        let Some((newest, older)) = exchanges.split_last_mut() else { return };
        newest.response = Some(response(self.sequence.next()));
        let mut room = ROOM_FOR_OLDER;
        for response in older.iter_mut().rev().filter_map(|exchange| exchange.response.as_mut()) {
            match room.checked_sub(response.body.len()) {
                Some(left) => room = left,
                None => response.body = SharedBytes::default(),
            }
        }
    }

    /// Records that the text of a streamed answer has grown to `chars` characters. A provider does
    /// not call this for an answer that arrives in one piece.
    pub fn heard(&self, chars: u64) {
        self.answer_began();
        if let Some(listener) = &self.listener {
            listener(chars);
        }
    }

    /// Begins an attempt, and returns the mark that shows when its first byte leaves.
    pub(crate) fn begin_attempt(&self) -> SentMark {
        let mark = SentMark::new();
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark.clone());
        self.has_begun.store(false, Ordering::SeqCst);
        mark
    }

    /// Returns whether bytes of the newest attempt may have left. A provider that does not say so
    /// may have sent everything.
    pub(crate) fn may_have_sent(&self) -> bool {
        let mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        mark.as_ref().is_none_or(SentMark::is_set)
    }

    /// Records that the answer to the newest attempt has begun, so that pings no longer count as a
    /// sign of it.
    pub(crate) fn answer_began(&self) {
        self.has_begun.store(true, Ordering::SeqCst);
    }

    /// Returns whether the answer to the newest attempt has begun.
    pub(crate) fn has_answer_begun(&self) -> bool {
        self.has_begun.load(Ordering::SeqCst)
    }

    /// Begins a wait for room. Only an answer that has begun waits for room, so it counts as begun.
    pub(crate) fn wait_for_room(&self) -> WaitingForRoom<'_> {
        self.answer_began();
        self.room_wait().since = Some(Instant::now());
        WaitingForRoom(self)
    }

    /// Returns how long the call has waited for room, including the current wait.
    pub(crate) fn waited_for_room(&self) -> Duration {
        let wait = self.room_wait();
        wait.over + wait.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn room_wait(&self) -> MutexGuard<'_, RoomWait> {
        // Every write is a single assignment.
        self.room_wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the exchanges so far, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.lock().clone()
    }

    /// Returns the number of the moment at which the newest request was sent.
    pub(crate) fn last_sent(&self) -> Option<u64> {
        self.lock().last().map(|exchange| exchange.sent)
    }

    /// Returns the status of the newest response.
    pub(crate) fn last_status(&self) -> Option<u16> {
        self.lock().last()?.response.as_ref().map(|response| response.status.as_u16())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Exchange>> {
        // Every write is a single push or assignment, so a poisoned list is still whole.
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("exchanges", &self.exchanges).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_failed_attempts_do_not_add_up() {
        let recorder = Recorder::new();
        let request = HttpRequest::post(String::new(), HeaderMap::new(), "asked");
        for attempt in 0..20 {
            recorder.sent(&request);
            let body = SharedBytes::from(vec![b'x'; 300_000]);
            recorder.received(StatusCode::OK, HeaderMap::new(), body);
            let kept = recorder.exchanges();
            assert_eq!(kept.len(), attempt + 1, "every attempt is there");
            let lengths = kept.iter().map(|it| it.response.as_ref().unwrap().body.len());
            assert_eq!(lengths.clone().last(), Some(300_000));
            assert!(lengths.sum::<usize>() <= 300_000 + ROOM_FOR_OLDER);
        }
    }
}
