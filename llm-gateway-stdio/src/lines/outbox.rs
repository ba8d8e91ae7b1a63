//! The messages that wait to be written, and the bound on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

/// The most messages that wait to be written before reading stops.
const MOST_MESSAGES: usize = 64;

/// The number of waiting messages from which on those of little weight are left out. It leaves most
/// of the room to answers.
const MOST_BEFORE_PROGRESS: usize = 16;

/// The most bytes that wait to be written before reading stops.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Returns an outbox, and the future end that writes its messages to `writer`.
pub(crate) fn outbox<W>(writer: W) -> (Outbox, Writing<W>) {
    let (messages, waiting) = mpsc::unbounded_channel();
    let backlog = Arc::new(Backlog::default());
    let writing = Writing { writer, waiting, backlog: Arc::clone(&backlog) };
    (Outbox { messages, backlog }, writing)
}

/// The end of an outbox into which messages are put.
pub(crate) struct Outbox {
    messages: mpsc::UnboundedSender<String>,
    backlog: Arc<Backlog>,
}

impl Outbox {
    /// Adds a message without waiting, because an answer must not wait for a client that does not
    /// read.
    pub(crate) fn put(&self, message: String) {
        self.backlog.messages.fetch_add(1, Ordering::AcqRel);
        self.backlog.bytes.fetch_add(message.len(), Ordering::AcqRel);
        // If the writer has gone, the message is lost with its reader.
        let _ = self.messages.send(message);
    }

    /// Returns a way to add messages that does not keep the outbox open.
    pub(crate) fn weak(&self) -> WeakOutbox {
        WeakOutbox { messages: self.messages.downgrade(), backlog: Arc::clone(&self.backlog) }
    }

    /// Waits until the client no longer reads.
    pub(crate) async fn closed(&self) {
        self.messages.closed().await;
    }

    /// Waits until the backlog is small enough, or the client no longer reads.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn room(&self) {
        while !self.messages.is_closed() && self.backlog.is_full() {
            tokio::select! {
                () = self.backlog.written.notified() => {}
                () = self.messages.closed() => {}
            }
        }
    }
}

/// A way to add messages of little weight to an outbox, as long as it is open.
#[derive(Clone)]
pub(crate) struct WeakOutbox {
    messages: mpsc::WeakUnboundedSender<String>,
    backlog: Arc<Backlog>,
}

impl WeakOutbox {
    /// Adds a message, unless many wait already: a client that does not read has no use for it, and
    /// it must not take the room of an answer.
    pub(crate) fn put_if_read(&self, message: String) {
        if self.backlog.messages.load(Ordering::Acquire) >= MOST_BEFORE_PROGRESS {
            return;
        }
        if let Some(messages) = self.messages.upgrade() {
            Outbox { messages, backlog: Arc::clone(&self.backlog) }.put(message);
        }
    }
}

/// The backlog: how much is waiting to be written.
#[derive(Default)]
struct Backlog {
    messages: AtomicUsize,
    bytes: AtomicUsize,
    written: Notify,
}

impl Backlog {
    fn is_full(&self) -> bool {
        self.messages.load(Ordering::Acquire) >= MOST_MESSAGES
            || self.bytes.load(Ordering::Acquire) >= MOST_BYTES
    }
}

/// The end of an outbox that writes the messages.
pub(crate) struct Writing<W> {
    writer: W,
    waiting: mpsc::UnboundedReceiver<String>,
    backlog: Arc<Backlog>,
}

impl<W: AsyncWrite + Unpin> Writing<W> {
    /// Writes every message, until the outbox is dropped or the writer fails.
    pub(crate) async fn run(mut self) {
        while let Some(message) = self.waiting.recv().await {
            let bytes = message.len();
            if let Err(error) = self.write(message).await {
                tracing::debug!(%error, "the client reads no more");
                return;
            }
            self.backlog.messages.fetch_sub(1, Ordering::AcqRel);
            self.backlog.bytes.fetch_sub(bytes, Ordering::AcqRel);
            self.backlog.written.notify_one();
        }
    }

    async fn write(&mut self, mut message: String) -> std::io::Result<()> {
        message.push('\n');
        self.writer.write_all(message.as_bytes()).await?;
        self.writer.flush().await
    }
}
