//! How far the attempts of one call have come: whether a request has left, whether its answer has
//! begun, and how much text of it has arrived. Nothing of this is evidence; the
//! [recorder](super::Recorder) keeps that.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::SentMark;
use super::so_far::{TextOf, TextSoFar};

/// The progress of one call, which the code that makes an attempt reports and the code that limits
/// its time reads.
#[derive(Default)]
pub(crate) struct CallProgress {
    listener: Option<Box<dyn Fn(u64) + Send + Sync>>,
    /// The characters of the newest attempt's answer that have arrived.
    chars: AtomicU64,
    /// The mark of the newest attempt; `None` if the provider sets none.
    mark: Mutex<Option<SentMark>>,
    /// Whether the answer to the newest attempt has begun.
    has_begun: AtomicBool,
    wait: Mutex<OwnWait>,
    said: TextSoFar,
    /// The last moment at which the provider showed that it works; `None` if it never did.
    last_sign: Mutex<Option<Instant>>,
}

/// The time for which a call has waited for this process: for room to read its answers, and for the
/// reader of its text.
#[derive(Default)]
struct OwnWait {
    /// Sum of the waits that are over.
    over: Duration,
    /// The start of the current wait, if there is one.
    since: Option<Instant>,
}

/// A wait of an attempt for this process, which ends when the value is dropped.
#[must_use = "a wait that is dropped at once has ended"]
pub(crate) struct WaitingHere<'a>(&'a CallProgress);

impl Drop for WaitingHere<'_> {
    fn drop(&mut self) {
        let mut wait = self.0.own_wait();
        let waited = wait.since.take().map(|since| since.elapsed());
        wait.over += waited.unwrap_or_default();
        drop(wait);
        // While this process kept it waiting, the provider could show nothing.
        self.0.sign();
    }
}

impl CallProgress {
    /// Creates the progress of a call that has not begun.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Calls `listener` whenever the text of an answer grows, with the number of characters so far.
    /// The listener runs between two events of a stream, so it must not block.
    #[must_use]
    pub(crate) fn with_listener(self, listener: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Box::new(listener)), ..self }
    }

    /// Records that the text of a streamed answer has grown to `chars` characters.
    pub(crate) fn grown_to(&self, chars: u64) {
        self.answer_began();
        self.chars.store(chars, Ordering::SeqCst);
        if let Some(listener) = &self.listener {
            listener(chars);
        }
    }

    /// Returns the characters of the newest attempt's answer that have arrived.
    pub(crate) fn chars(&self) -> u64 {
        self.chars.load(Ordering::SeqCst)
    }

    /// Begins an attempt of a provider that does not say when its first byte leaves.
    pub(crate) fn begin_unmarked(&self) {
        self.begin(None);
    }

    fn begin(&self, mark: Option<SentMark>) {
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = mark;
        self.has_begun.store(false, Ordering::SeqCst);
        self.chars.store(0, Ordering::SeqCst);
        self.said.begin();
    }

    /// Begins an attempt, and returns the mark that shows when its first byte leaves.
    pub(crate) fn begin_attempt(&self) -> SentMark {
        let mark = SentMark::new();
        self.begin(Some(mark.clone()));
        mark
    }

    /// Returns the mark of the attempt that is under way, which has one from now on.
    pub(crate) fn attempt_mark(&self) -> SentMark {
        let mut mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        mark.get_or_insert_with(SentMark::new).clone()
    }

    /// Records that the provider showed that it works.
    pub(crate) fn sign(&self) {
        *self.last_sign.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Returns the last moment at which the provider showed that it works: now, while it waits for
    /// this process.
    pub(crate) fn last_sign(&self) -> Option<Instant> {
        match self.own_wait().since {
            Some(_) => Some(Instant::now()),
            None => *self.last_sign.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Returns whether the newest attempt shows when its first byte leaves.
    pub(crate) fn is_marked(&self) -> bool {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner).is_some()
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

    /// Adds a piece to the text that is kept in case the newest attempt fails.
    pub(crate) fn said(&self, piece: &str) {
        self.said.add(piece);
    }

    /// Sets the whole text that is kept of the newest attempt, which fails.
    pub(crate) fn said_in_all(&self, text: String) {
        self.said.set(text);
    }

    /// Takes the text of a call that failed; `None` if no attempt brought any.
    pub(crate) fn take_text(&self, of: TextOf) -> Option<String> {
        self.said.take(of)
    }

    /// Begins a wait for this process. Only an answer that has begun waits so, and it counts as
    /// begun.
    pub(crate) fn wait_here(&self) -> WaitingHere<'_> {
        self.answer_began();
        self.own_wait().since = Some(Instant::now());
        WaitingHere(self)
    }

    /// Returns how long the call has waited for this process, including the current wait.
    pub(crate) fn waited_here(&self) -> Duration {
        let wait = self.own_wait();
        wait.over + wait.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn own_wait(&self) -> MutexGuard<'_, OwnWait> {
        // Every write is a single assignment.
        self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CallProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("CallProgress");
        let shown =
            shown.field("chars", &self.chars()).field("has_begun", &self.has_answer_begun());
        shown.finish_non_exhaustive()
    }
}
