//! The MCP server: a [`Gateway`](llm_gateway_core::Gateway) over a pair of byte streams.
//!
//! [`serve`] speaks MCP on any reader and writer. The binary passes stdin and stdout, the tour and
//! the tests pass pipes in memory. The crate holds no policy: `tools` defines what a client sees of
//! each tool, `current` holds the gateway in force, and `lines` turns bytes into well-formed requests.
//! `arguments` and `faults` check what a model wrote. `server` turns the call into a
//! [`Request`](llm_gateway_core::Request) or a [`Task`](llm_gateway_core::Task) for the gateway,
//! `runs` works on it and keeps its result, and `progress` tells the client meanwhile. `client` knows
//! how the client waits and reads, `advice` how it is given a key, and `wire` turns the envelope into
//! a tool result.

mod advice;
mod arguments;
mod client;
mod current;
mod faults;
mod lines;
mod progress;
mod runs;
mod server;
mod tools;
mod wire;

use std::time::Duration;

use llm_gateway_process::LiveGateway;
use rmcp::{ServerHandler, ServiceExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use current::Current;
use lines::{Lines, Teller, ToldRequests, Unanswered, outbox};
use runs::{Runs, ServerEnds};
use server::Server;

/// The time for which calls in flight may go on after the reader has ended.
const GRACE_AFTER_END: Duration = Duration::from_secs(1);

/// The time for which the last answers may be written after all calls have been cancelled. Clients
/// kill a server after two seconds. The end of a server takes [`GRACE_AFTER_END`] (1 s, or 1.05 s
/// if the binary notices by itself that the client has left), these last answers (0.4 s), the last
/// bookings (0.3 s), the end of the runtime (0.1 s) and the last log lines (0.05 s): 1.9 s at most.
const LAST_WORDS: Duration = Duration::from_millis(400);

/// The reason to end a server before its reader has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The server was asked to stop, for example by a signal.
    Asked,
    /// The client has closed its end of a stream.
    ClientLeft,
}

/// Serves MCP until the reader ends or `stop` is ready, and returns within two seconds of that.
///
/// A gateway is served as it is. A [`LiveGateway`] is asked at the beginning of each call, and the
/// client is told when the tools that it sees have changed.
///
/// When the reader ends, calls in flight have one second to finish and to be answered, and are then
/// cancelled without an answer. Runs whose calls were handed off have that second too. When `stop`
/// is ready, they are cancelled at once, and answered unless the client has left. An orchestration
/// that is cancelled ends with the steps that it has completed: its receipt holds them, and so does
/// its answer if it gets one. A writer that nobody reads any more counts as the end of the reader.
/// While no line is read because answers wait (below), the end of the reader is noticed only once
/// the client has read them; the binary watches its pipes for that, and passes
/// [`StopReason::ClientLeft`].
///
/// Every line is answered unless it is a notification or an answer: a line that is no request gets
/// an error, with its id if one can be read. While 64 messages or 16 MiB wait to be written, no
/// further line is read.
///
/// # Cancel safety
/// Dropping the future cancels every call in flight.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use llm_gateway_core::Gateway;
///
/// let gateway = Gateway::builder().offline().build()?;
/// let (client, server) = tokio::io::duplex(64 * 1024);
/// let (reader, writer) = tokio::io::split(server);
/// drop(client); // A real client would speak MCP over its end first.
/// llm_gateway_stdio::serve(gateway, reader, writer, std::future::pending()).await;
/// # Ok(())
/// # }
/// ```
pub async fn serve<R, W, S>(gateway: impl Into<LiveGateway>, reader: R, writer: W, stop: S)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
    S: Future<Output = StopReason>,
{
    let (calls, session) = (CancellationToken::new(), CancellationToken::new());
    let _cancel_on_drop = (calls.clone().drop_guard(), session.clone().drop_guard());
    let (ended, (outbox, writing)) = (CancellationToken::new(), outbox(writer));
    // Dropping the set stops a writer that is stuck.
    let mut writers = JoinSet::new();
    writers.spawn(writing.run());
    let (unanswered, told) = (Unanswered::default(), ToldRequests::default());
    let teller = Teller::new(told.clone(), outbox.weak(), ended.clone());
    let ends =
        ServerEnds { calls: calls.clone(), ended: ended.clone(), unanswered: unanswered.clone() };
    let (runs, mut all_ended) = Runs::new(ends);
    let live = gateway.into();
    let current = Current::of(&live);
    let server = Server::new(current.clone(), runs, teller);
    let versions = ServerHandler::supported_protocol_versions(&server).into_owned();
    let lines = Lines::new(reader, outbox, versions, ended.clone(), unanswered, told);
    let serving = server.serve_with_ct(lines, session.clone());
    let mut finished = Box::pin(async {
        match serving.await {
            Ok(service) => drop(service.waiting().await),
            // A client that leaves before `initialize` expects no answer.
            Err(error) => tracing::debug!(%error, "no session"),
        }
        last_words(&mut writers, &mut all_ended).await;
    });
    let stopped = tokio::select! {
        // `stop` is polled first, so that a signal counts before a client learns that the server
        // runs.
        biased;
        reason = stop => Some(reason),
        () = &mut finished => return,
        () = async { ended.cancelled().await; sleep(GRACE_AFTER_END).await } => None,
        never = current.follow(live) => match never {},
    };
    if stopped == Some(StopReason::ClientLeft) {
        ended.cancel();
    }
    calls.cancel();
    if stopped.is_some() {
        session.cancel();
    }
    // Cancelled calls still answer, and their answers need time to be written.
    let _ = timeout(LAST_WORDS, finished).await;
}

/// Waits until the last lines are written and the last runs have ended.
async fn last_words(writers: &mut JoinSet<()>, all_ended: &mut mpsc::Receiver<()>) {
    // The last lines are written once the transport is dropped.
    while writers.join_next().await.is_some() {}
    // Runs that were handed off end with the server, as calls in flight do.
    let _ = all_ended.recv().await;
}
