//! The MCP server: `llm-gateway` over a pair of byte streams.
//!
//! [`serve`] speaks MCP on any reader and writer; the binary hands it stdin and stdout,
//! the tour and the tests hand it pipes in memory. It holds no policy: `server` turns a
//! tool call into a [`Request`](llm_gateway_core::Request), `tools` says what the tools
//! look like, `arguments` reads what a model wrote, and the gateway does the rest.

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

/// How long calls in flight may go on after stdin has ended.
const GRACE_AFTER_END: Duration = Duration::from_secs(1);

/// How long the last answers may take to be written. With the grace this stays below the
/// two seconds after which clients kill.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves MCP until the reader ends or `stop` is ready.
///
/// At the end of the reader, calls in flight have a second to finish and be written, then
/// they are cancelled; `stop` cancels them at once. An orchestration so ends with what there is of
/// it. Returns after both within two seconds.
/// The reader may carry junk: a line that is no JSON-RPC is passed over.
///
/// # Cancel safety
/// Dropping the future cancels every call in flight.
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
        // First, so that a signal is heard before a client hears that the server is there.
        biased;
        () = &mut stop => return,
        started = starting => match started {
            Ok(service) => service,
            // A client that leaves before `initialize` has nothing to be told.
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
    // Cancelled calls still answer; give their answers time to be written.
    let _ = timeout(LAST_WORDS, finished).await;
}
