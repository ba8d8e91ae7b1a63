//! Records the exact bytes of each attempt: what was sent and what was received.
//!
//! One recorder serves one call. It holds one exchange per attempt: the newest body in full, and
//! one mebibyte of the bodies before it.
//!
//! Who keeps keys out of what is shown: the recorder leaves out credentials by the names of their
//! headers and URL parameters, whoever records. The built-in providers replace known keys before
//! they record. For all providers, the gateway replaces known keys once more as the last thing
//! before it makes a receipt or a bundle.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, StatusCode};

use crate::model::{Sequence, SharedBytes};

use super::HttpRequest;
use super::credential_names::without_credentials;

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

/// A recorder, which collects the exchanges of one call: the evidence of what was sent and
/// received.
///
/// A provider of a program's own records what it really sends and receives, its credential included.
/// The recorder does not keep a credential: in the place of the value of a header such as
/// `authorization`, `proxy-authorization`, `x-api-key`, `api-key`, `x-goog-api-key` or `cookie`, of
/// a value that is marked as sensitive, and of a URL parameter such as `key`, it keeps
/// `[redacted]`, and it drops the user info of a URL. Before a receipt or a bundle is made, the
/// gateway replaces every key that it knows in what was recorded: keys that its
/// [`CredentialSource`](crate::credential::CredentialSource) lent or named, those of the environment
/// that the policy names, and passwords of proxies. A key that only the provider knows, in a body,
/// is kept as it is: such a provider leaves it out by itself, or names it by
/// `CredentialSource::known`.
#[derive(Default)]
pub struct Recorder {
    exchanges: Arc<Mutex<Vec<Exchange>>>,
    sequence: Arc<Sequence>,
    /// Whether the attempt is over that this recorder was lent to; `None` if it was lent to none.
    is_over: Option<Arc<AtomicBool>>,
}

/// A guard of a recorder that was lent to an attempt. When it is dropped, the attempt is over, and
/// what its code goes on to record is ignored: the record is that of the next attempt by then.
#[must_use = "an attempt records nothing after this is dropped"]
pub(crate) struct RecordedAttempt(Arc<AtomicBool>);

impl Drop for RecordedAttempt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Recorder {
    /// Creates an empty recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Numbers moments by a sequence that other recorders share.
    #[must_use]
    pub fn with_sequence(self, sequence: Arc<Sequence>) -> Self {
        Self { sequence, ..self }
    }

    /// Returns a recorder for one attempt, which adds to the same record until the guard is
    /// dropped.
    pub(crate) fn for_attempt(&self) -> (Self, RecordedAttempt) {
        let is_over = Arc::new(AtomicBool::new(false));
        let (exchanges, sequence) = (Arc::clone(&self.exchanges), Arc::clone(&self.sequence));
        let lent = Self { exchanges, sequence, is_over: Some(Arc::clone(&is_over)) };
        (lent, RecordedAttempt(is_over))
    }

    /// Returns the record while the attempt that this recorder was lent to may add to it.
    fn open(&self) -> Option<MutexGuard<'_, Vec<Exchange>>> {
        let exchanges = self.lock();
        let is_over = self.is_over.as_ref().is_some_and(|it| it.load(Ordering::SeqCst));
        (!is_over).then_some(exchanges)
    }

    /// Records that `request` is about to be sent. Its credentials are left out.
    pub fn sent(&self, request: &HttpRequest) {
        let Some(mut exchanges) = self.open() else { return };
        let sent = self.sequence.next();
        let request = request.without_credentials();
        exchanges.push(Exchange { sent, request, response: None });
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
        let Some(mut exchanges) = self.open() else { return };
        let Some((newest, older)) = exchanges.split_last_mut() else { return };
        let response = response(self.sequence.next());
        let headers = without_credentials(&response.headers);
        newest.response = Some(Response { headers, ..response });
        let mut room = ROOM_FOR_OLDER;
        for response in older.iter_mut().rev().filter_map(|exchange| exchange.response.as_mut()) {
            match room.checked_sub(response.body.len()) {
                Some(left) => room = left,
                None => response.body = SharedBytes::default(),
            }
        }
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
    fn an_attempt_that_is_over_adds_nothing() {
        let recorder = Recorder::new();
        let request = HttpRequest::post(String::new(), HeaderMap::new(), "asked");
        let (lent, attempt) = recorder.for_attempt();
        lent.sent(&request);
        drop(attempt);
        lent.received(StatusCode::OK, HeaderMap::new(), "late");
        lent.sent(&request);
        recorder.sent(&request);
        let kept = recorder.exchanges();
        let numbers: Vec<_> = kept.iter().map(|it| (it.sent, it.response.is_none())).collect();
        assert_eq!(numbers, [(1, true), (2, true)], "no moment is missing");
    }

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
