//! The layer of lines before rmcp: it converts the lines of a client into well-formed requests, or
//! answers them with an error at once.
//!
//! rmcp ignores a line that it cannot parse, ends at a notification that comes early, and answers a
//! request that it cannot read without an id. In this layer every line gets its answer: `splitter`
//! cuts bytes into lines within a bound, `json` reads one tolerantly, `message` checks it, `calls`
//! gives each request an id that is used once, and `session` decides; all of these are pure.
//! `outbox` writes, and [`Lines`] is the transport that rmcp reads from and writes to.
//!
//! Reading stops while too many answers wait for a client that does not read them, so that memory
//! has a bound.

mod calls;
mod glance;
mod id;
mod initialize;
mod json;
mod message;
mod outbox;
mod params;
mod session;
mod splitter;
mod told;
mod unanswered;

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage, ProtocolVersion, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub(crate) use outbox::{Outbox, outbox};
use session::Session;
use splitter::{LONGEST_LINE, Line, Splitter};
pub(crate) use told::{Teller, ToldRequests};
pub(crate) use unanswered::Unanswered;

/// The number of requests under way from which on lines are read slowly. If answers are produced
/// faster than the client reads them, the rest then waits in the pipe as questions.
const CROWD: usize = 512;

/// The longest time for which a line waits for a crowd of requests before it. A crowd of slow calls
/// delays the lines behind it by this time only, until the next answer.
const CROWD_WAIT: Duration = Duration::from_millis(100);

/// The transport between a client's byte streams and rmcp.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    splitter: Splitter,
    session: Session,
    waiting: VecDeque<ClientJsonRpcMessage>,
    outbox: Outbox,
    unanswered: Unanswered,
    /// The notification after each answer.
    answered: Notify,
    /// Whether a line has waited in vain since the last answer.
    is_slow: bool,
    /// The token that is cancelled when the reader has ended, or the client no longer reads.
    ended: CancellationToken,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Returns a transport that reads from `reader`, and cancels `ended` at the end of the reader.
    pub(crate) fn new(
        reader: R,
        outbox: Outbox,
        versions: Vec<ProtocolVersion>,
        ended: CancellationToken,
        unanswered: Unanswered,
        told: ToldRequests,
    ) -> Self {
        Self {
            reader: BufReader::new(reader),
            splitter: Splitter::new(LONGEST_LINE),
            session: Session::new(versions, told),
            waiting: VecDeque::new(),
            outbox,
            unanswered,
            answered: Notify::new(),
            is_slow: false,
            ended,
        }
    }

    /// Reads the next line; `None` once the reader has ended. The last line need not end.
    ///
    /// # Cancel safety
    /// The part of a line that was read is kept.
    async fn line(&mut self) -> Option<Line> {
        while !self.ended.is_cancelled() {
            let read = tokio::select! {
                read = self.reader.fill_buf() => read,
                () = self.outbox.closed() => Ok([].as_slice()),
            };
            let bytes = read.unwrap_or_else(|error| {
                tracing::debug!(%error, "stdin cannot be read");
                &[]
            });
            if bytes.is_empty() {
                self.ended.cancel();
                return self.splitter.end();
            }
            let (taken, line) = self.splitter.feed(bytes);
            self.reader.consume(taken);
            if line.is_some() {
                return line;
            }
        }
        None
    }

    /// Waits until there is room for the answers to another message.
    async fn room(&mut self) {
        self.outbox.room().await;
        // The messages of a batch are under way from the time when its line was read.
        let is_request =
            |message: &&ClientJsonRpcMessage| matches!(message, JsonRpcMessage::Request(_));
        let handed_on = || {
            let waiting = self.waiting.iter().filter(is_request).count();
            self.session.under_way().saturating_sub(waiting)
        };
        if self.session.under_way() >= CROWD && !self.is_slow && handed_on() >= CROWD {
            self.is_slow = timeout(CROWD_WAIT, self.answered.notified()).await.is_err();
        }
    }
}

impl<R: AsyncRead + Send + Unpin + 'static> Transport<RoleServer> for Lines<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let is_answer = matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_));
        let line = match &message {
            JsonRpcMessage::Response(response) if self.unanswered.take(&response.id) => {
                self.session.unanswered(&response.id)
            }
            _ => self.session.outgoing(message),
        };
        if let Some(line) = line {
            self.outbox.put(line);
        }
        if is_answer {
            self.is_slow = false;
            self.answered.notify_one();
        }
        let sent: Ready<io::Result<()>> = ready(Ok(()));
        sent
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            self.room().await;
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            let line = self.line().await?;
            let taken = self.session.take(line);
            self.waiting = taken.messages;
            for line in taken.lines {
                self.outbox.put(line);
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        for line in self.session.end() {
            self.outbox.put(line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// Returns a transport over these lines, which nobody answers, and the end that would write.
    fn unanswered(lines: String) -> (Lines<io::Cursor<Vec<u8>>>, outbox::Writing<tokio::io::Sink>) {
        let (outbox, writing) = outbox(tokio::io::sink());
        let reader = io::Cursor::new(lines.into_bytes());
        let versions = vec![ProtocolVersion::LATEST];
        let ended = CancellationToken::new();
        let (unanswered, told) = (Unanswered::default(), ToldRequests::default());
        (Lines::new(reader, outbox, versions, ended, unanswered, told), writing)
    }

    /// Checks, with a paused clock, that a crowd of slow calls delays the lines behind it once.
    #[tokio::test(start_paused = true)]
    async fn a_crowd_of_slow_calls_delays_the_lines_behind_it_once() {
        let ping = |id| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n");
        let lines = CROWD + 200;
        let (mut transport, _writing) = unanswered((0..lines).map(ping).collect());
        let began = Instant::now();
        for _ in 0..lines {
            assert!(transport.receive().await.is_some());
        }
        assert!(began.elapsed() < 2 * CROWD_WAIT, "{:?}", began.elapsed());
    }

    /// Checks, with a paused clock, that a batch is handed on as the same calls are line by line,
    /// and not at all while the client takes no answers.
    #[tokio::test(start_paused = true)]
    async fn a_batch_waits_as_its_calls_would_on_lines_of_their_own() {
        let calls = CROWD + 200;
        let ping = |id| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}");
        let batch = format!("[{}]\n", (0..calls).map(ping).collect::<Vec<_>>().join(","));
        let (mut transport, _writing) = unanswered(batch);
        let began = Instant::now();
        for _ in 0..CROWD {
            assert!(transport.receive().await.is_some());
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(transport.receive().await.is_some());
        assert_eq!(began.elapsed(), CROWD_WAIT);
        for _ in 0..64 {
            transport.outbox.put("an answer that nobody takes".to_owned());
        }
        let next = timeout(Duration::from_secs(60), transport.receive());
        assert!(next.await.is_err(), "it is handed on though no answer is taken");
    }

    #[tokio::test]
    async fn a_cancellation_with_an_odd_member_reaches_its_call() {
        for odd in [r#","reason":5"#, r#","_meta":5"#, r#","progress":[]"#] {
            let lines = [
                r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
                r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#,
                &format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":"a"{odd}}}}}"#
                ),
            ];
            let (mut transport, _writing) = unanswered(lines.join("\n"));
            let mut messages = Vec::new();
            while let Some(message) = transport.receive().await {
                messages.push(message);
            }
            let Some(JsonRpcMessage::Notification(last)) = messages.last() else {
                panic!("{odd}: {messages:?}")
            };
            let kind = format!("{:?}", last.notification);
            assert!(kind.starts_with("CancelledNotification"), "{odd}: {kind}");
        }
    }
}
