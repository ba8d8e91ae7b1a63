//! Keeps the exact bytes of each attempt: what was sent, and what came back.
//!
//! Bytes are kept after every known key was replaced in them (the reader of a response
//! does that before it hands them over), so a record can be shown. One recorder serves
//! one call; it holds one exchange per attempt, the newest body whole and a mebibyte of
//! those before it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, StatusCode};

use crate::model::SharedBytes;

use super::HttpRequest;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// When it had come, by the recorder's [`Sequence`].
    pub sequence: u64,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as far as it came, with known keys replaced. Empty where a later attempt needed
    /// the room.
    pub body: SharedBytes,
    /// Whether a key was replaced, so that the bytes are not quite those that came.
    pub redacted: bool,
}

/// One attempt: the request, and the response as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// When it was sent, by the recorder's [`Sequence`].
    pub sent: u64,
    /// What was sent, without its credential.
    pub request: HttpRequest,
    /// What came back; `None` when nothing did.
    pub response: Option<Response>,
}

/// Numbers moments 1, 2, 3, …: which request was fixed, sent or answered before which. Shared
/// by the recorders of calls that run at the same time.
#[derive(Debug, Default)]
pub struct Sequence(AtomicU64);

impl Sequence {
    /// The number of this moment.
    pub fn next(&self) -> u64 {
        // One counter that everybody adds to: no two moments have the same number.
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Bytes of the bodies of attempts before the newest that are kept: failures are short, and
/// twenty long ones must not add up.
const ROOM_FOR_OLDER: usize = 1024 * 1024;

/// Collects the exchanges of one call, and tells how far its answer has come.
#[derive(Default)]
pub struct Recorder {
    exchanges: Mutex<Vec<Exchange>>,
    sequence: Arc<Sequence>,
    listener: Option<Box<dyn Fn(u64) + Send + Sync>>,
}

impl Recorder {
    /// An empty recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `listener` as the text of an answer grows, with its characters so far. It runs
    /// between two events of a stream, so it must not block.
    #[must_use]
    pub fn with_listener(self, listener: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Box::new(listener)), ..self }
    }

    /// Numbers its moments by a sequence that it shares with others.
    #[must_use]
    pub fn with_sequence(self, sequence: Arc<Sequence>) -> Self {
        Self { sequence, ..self }
    }

    /// Notes that `request` is about to leave.
    pub fn sent(&self, request: &HttpRequest) {
        let sent = self.sequence.next();
        self.lock().push(Exchange { sent, request: request.clone(), response: None });
    }

    /// Notes what came back for the request that was sent last.
    pub fn received(&self, status: StatusCode, headers: HeaderMap, body: impl Into<SharedBytes>) {
        let body = body.into();
        self.keep(|sequence| Response { sequence, status, headers, body, redacted: false });
    }

    /// Notes what came back for the request that was sent last, with a key replaced in it.
    pub fn received_redacted(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: impl Into<SharedBytes>,
    ) {
        let body = body.into();
        self.keep(|sequence| Response { sequence, status, headers, body, redacted: true });
    }

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

    /// Notes that the text of the answer under way has grown to so many characters. Never
    /// called for an answer that comes in one piece.
    pub fn heard(&self, chars: u64) {
        if let Some(listener) = &self.listener {
            listener(chars);
        }
    }

    /// The exchanges so far, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.lock().clone()
    }

    /// When the newest request was sent.
    pub(crate) fn last_sent(&self) -> Option<u64> {
        self.lock().last().map(|exchange| exchange.sent)
    }

    /// The status of the newest response.
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
