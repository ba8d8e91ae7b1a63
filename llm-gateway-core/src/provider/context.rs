//! What a provider is given beside the call that it sends.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::relay::TextRelay;
use crate::credential::{Lease, LeasedKey};
use crate::stream::ContentSink;
use crate::transport::{CallProgress, Recorder, SentMark, StreamScrubber};

/// The context of one attempt: where its bytes are recorded, and where the text goes while it
/// arrives.
///
/// A provider that streams passes on what it hears, and so can be tested without a gateway:
///
/// ```
/// use async_trait::async_trait;
/// use llm_gateway_core::Error;
/// use llm_gateway_core::model::{Completion, ModelId};
/// use llm_gateway_core::prompt::{Message, Prompt};
/// use llm_gateway_core::provider::{Call, Prepared, Provider, SendContext};
/// use llm_gateway_core::stream::{self, Delta};
/// use llm_gateway_core::transport::Recorder;
///
/// /// Answers with two words, one after the other.
/// struct Slow;
///
/// #[async_trait]
/// impl Provider for Slow {
///     fn prepare(&self, call: Call) -> Result<Prepared, Error> {
///         Ok(Prepared::unrecorded(call))
///     }
///
///     async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
///         self.send_with(prepared, &SendContext::new(recorder)).await
///     }
///
///     async fn send_with(
///         &self,
///         _: &Prepared,
///         context: &SendContext<'_>,
///     ) -> Result<Completion, Error> {
///         context.heard("good ").await;
///         context.heard("morning").await;
///         Ok(Completion::text("good morning"))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let prompt = Prompt::from_messages([Message::user("hello")]);
/// let prepared = Slow.prepare(Call::new(ModelId::new("slow-1")?, prompt, 64))?;
/// let (recorder, (sink, mut content)) = (Recorder::new(), stream::channel());
/// let context = SendContext::new(&recorder).with_content(&sink);
/// Slow.send_with(&prepared, &context).await?;
/// assert_eq!(context.chars(), 12);
/// assert!(matches!(content.next().await, Some(Delta::Text { text, .. }) if text == "good "));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SendContext<'a> {
    recorder: &'a Recorder,
    progress: Arc<CallProgress>,
    content: Option<&'a ContentSink>,
    /// The leases of the attempt; `None` if nobody has leased anything for it.
    leases: Option<Vec<LeasedKey>>,
    /// The way of the text if the attempt is made in a task of its own.
    relay: Option<TextRelay>,
    /// The scrubber of the text that is heard; `None` if the provider scrubs by itself.
    scrubber: Option<Arc<Mutex<StreamScrubber>>>,
}

// Without the text that is held back.
impl fmt::Debug for SendContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SendContext");
        let shown = shown.field("progress", &self.progress).field("leases", &self.leases);
        shown.finish_non_exhaustive()
    }
}

impl<'a> SendContext<'a> {
    /// Creates the context of an attempt whose bytes `recorder` keeps, and whose text nobody hears
    /// before it is whole.
    pub fn new(recorder: &'a Recorder) -> Self {
        Self {
            recorder,
            progress: Arc::default(),
            content: None,
            leases: None,
            relay: None,
            scrubber: None,
        }
    }

    /// Passes on the text of the answer to `content` while it arrives.
    #[must_use]
    pub fn with_content(self, content: &'a ContentSink) -> Self {
        Self { content: Some(content), ..self }
    }

    /// Sets what was leased for the attempt.
    #[must_use]
    pub(crate) fn with_leases(self, leases: &[LeasedKey]) -> Self {
        Self { leases: Some(leases.to_vec()), ..self }
    }

    /// Removes keys by `scrubber` from the text that is heard.
    #[must_use]
    pub(crate) fn scrubbed_by(self, scrubber: StreamScrubber) -> Self {
        Self { scrubber: Some(Arc::new(Mutex::new(scrubber))), ..self }
    }

    /// Reports the progress of the attempt to `progress`.
    #[must_use]
    pub(crate) fn with_progress(self, progress: Arc<CallProgress>) -> Self {
        Self { progress, ..self }
    }

    /// Returns what the same attempt needs in a task of its own, which hands its text to `relay`.
    pub(super) fn detached(&self, relay: TextRelay) -> DetachedContext {
        let (progress, leases) = (Arc::clone(&self.progress), self.leases.clone());
        DetachedContext { progress, leases, relay }
    }

    /// Returns the recorder that keeps the bytes of the attempt.
    pub fn recorder(&self) -> &'a Recorder {
        self.recorder
    }

    /// Returns what was leased for `variable`, a variable that the provider's entry in the policy
    /// names; `None` if there is nothing for it. The lease ends with the attempt.
    pub(crate) fn lease(&self, variable: &str) -> Option<&Lease> {
        let mut leases = self.leases.iter().flatten();
        leases.find(|leased| leased.variable == variable).map(|leased| &leased.lease)
    }

    /// Returns whether the keys of the attempt were leased, if only to find that there are none.
    pub(crate) fn is_leased(&self) -> bool {
        self.leases.is_some()
    }

    /// Returns a mark that the provider sets when the first byte of its request is about to leave,
    /// or when the work that costs money begins.
    ///
    /// Without it the attempt counts as sent from its beginning: a caller who leaves, a deadline
    /// that passes and a panic then cost the whole hold. A provider that waits for something before
    /// it sends, such as a place in a queue, takes the mark first. Until the mark is set, an
    /// attempt that ends costs nothing. While another target is ready, the mark must be set within
    /// a quarter of the time that is left, or the next target is asked. All calls return the one
    /// mark of the attempt: what has left once has left.
    #[must_use = "a mark that is never set says that nothing was sent"]
    pub fn sent_mark(&self) -> SentMark {
        self.progress.attempt_mark()
    }

    /// Returns the number of characters of the answer that have arrived so far.
    pub fn chars(&self) -> u64 {
        self.progress.chars()
    }

    /// Records that the answer goes on with `text`, and passes the text on. A provider calls this
    /// for each piece of a streamed answer, and not at all for an answer that arrives in one piece.
    /// If the attempt fails or is stopped, the pieces are kept as the [partial
    /// text](crate::Failure::partial) of the failure, up to 16 MiB.
    ///
    /// The pieces must be the beginning of the text that the provider returns in the end. The
    /// future waits while the reader of the pieces is behind, which is not counted as the
    /// provider's time.
    pub async fn heard(&self, text: &str) {
        if let Some(relay) = &self.relay {
            return relay.heard(text).await;
        }
        self.progress.sign();
        let more = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if more > 0 {
            self.progress.grown_to(self.chars().saturating_add(more));
        }
        match self.without_keys(text) {
            Some(text) => self.said(&text).await,
            None => self.said(text).await,
        }
    }

    /// Keeps text that holds no key, and passes it on.
    async fn said(&self, text: &str) {
        self.progress.said(text);
        self.pass_on(text).await;
    }

    /// Returns the text that is certain to be free of keys once `text` was added; `None` if the
    /// provider scrubs by itself.
    fn without_keys(&self, text: &str) -> Option<String> {
        let scrubber = self.scrubber.as_ref()?;
        Some(scrubber.lock().unwrap_or_else(PoisonError::into_inner).push(text))
    }

    /// Passes on text whose characters are counted already.
    pub(crate) async fn pass_on(&self, text: &str) {
        if let Some(content) = self.content.filter(|_| !text.is_empty()) {
            let _waiting = self.progress.wait_here();
            content.text(text).await;
        }
    }

    /// Keeps the text of an answer that fails, which nobody has [heard](Self::heard). It must hold no
    /// key.
    pub(crate) fn keep(&self, text: String) {
        self.progress.said_in_all(text);
    }

    /// Returns whether anybody hears the text while it arrives.
    pub(crate) fn is_heard(&self) -> bool {
        self.content.is_some_and(|content| !content.is_unread())
    }

    /// Returns the progress of the attempt.
    pub(crate) fn progress(&self) -> &CallProgress {
        &self.progress
    }
}

/// The context of an attempt that is made in a task of its own.
pub(super) struct DetachedContext {
    progress: Arc<CallProgress>,
    leases: Option<Vec<LeasedKey>>,
    relay: TextRelay,
}

impl DetachedContext {
    /// Returns the context, with the recorder that keeps the bytes of the attempt.
    pub(super) fn recorded_by(self, recorder: &Recorder) -> SendContext<'_> {
        let Self { progress, leases, relay } = self;
        SendContext { progress, leases, relay: Some(relay), ..SendContext::new(recorder) }
    }
}
