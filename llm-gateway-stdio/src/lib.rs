//! The MCP server: a [`Gateway`] over a pair of byte streams.
//!
//! [`serve`] speaks MCP on any reader and writer. The binary passes stdin and stdout, the tour and
//! the tests pass pipes in memory. The crate holds no policy: `tools` defines what a client sees of
//! each tool, `arguments` checks what a model wrote, `server` turns the call into a
//! [`Request`](llm_gateway_core::Request) or a [`Task`](llm_gateway_core::Task) for the gateway,
//! and `wire` turns the envelope into a tool result.

mod arguments;
mod server;
mod shutdown;
mod tools;
mod wire;

use std::time::Duration;

use llm_gateway_core::Gateway;
use rmcp::ServiceExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use server::Server;
use shutdown::EndWatch;

/// The time for which calls in flight may go on after the reader has ended.
const GRACE_AFTER_END: Duration = Duration::from_secs(1);

/// The time for which the last answers may be written after all calls have been cancelled. Together
/// with [`GRACE_AFTER_END`] this stays below the two seconds after which clients kill a server.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves MCP until the reader ends or `stop` is ready, and returns within two seconds of that.
///
/// When the reader ends, calls in flight have one second to finish and to be answered, and are then
/// cancelled. When `stop` is ready, they are cancelled at once. An orchestration that is cancelled
/// ends with the steps that it has completed, and its answer holds them. A line that is not
/// JSON-RPC is skipped.
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
pub async fn serve<R, W, S>(gateway: Gateway, reader: R, writer: W, stop: S)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
    S: Future<Output = ()>,
{
    let (calls, session) = (CancellationToken::new(), CancellationToken::new());
    let _cancel_on_drop = (calls.clone().drop_guard(), session.clone().drop_guard());
    let (reader, ended) = EndWatch::new(reader);
    let server = Server::new(gateway, calls.clone());
    let mut stop = std::pin::pin!(stop);
    let starting = Box::pin(server.serve_with_ct((reader, writer), session.clone()));
    let service = tokio::select! {
        // `stop` is polled first, so that a signal counts before a client learns that the server
        // runs.
        biased;
        () = &mut stop => return,
        started = starting => match started {
            Ok(service) => service,
            // A client that leaves before `initialize` expects no answer.
            Err(error) => return tracing::debug!(%error, "no session"),
        },
    };
    let mut finished = Box::pin(service.waiting());
    let stopped = tokio::select! {
        _ = &mut finished => return,
        () = &mut stop => true,
        () = async { ended.cancelled().await; sleep(GRACE_AFTER_END).await } => false,
    };
    calls.cancel();
    if stopped {
        session.cancel();
    }
    // Cancelled calls still answer, and their answers need time to be written.
    let _ = timeout(LAST_WORDS, finished).await;
}
