//! The MCP server: `llm-gateway` over a pair of byte streams.
//!
//! [`serve`] speaks MCP on any reader and writer; the binary hands it stdin and stdout,
//! the tour and the tests hand it pipes in memory. It holds no policy: `server` turns a
//! tool call into a [`Request`](llm_gateway_core::Request), `tools` says what the tools
//! look like, `arguments` reads what a model wrote, and the gateway does the rest.

mod arguments;
pub mod process;
mod server;
mod shutdown;
mod tools;
mod wire;

use std::time::Duration;

use futures_util::future::{Either, select};
use llm_gateway_core::Gateway;
use rmcp::ServiceExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use server::Server;
use shutdown::EndWatch;

/// How long calls in flight may go on after stdin has ended.
const GRACE_AFTER_END: Duration = Duration::from_secs(1);

/// How long the last answers may take to be written. With the grace this stays below the
/// two seconds after which clients kill.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves MCP until the reader ends or `stop` is cancelled.
///
/// At the end of the reader, calls in flight have a second to finish and be written, then
/// they are cancelled; `stop` cancels them at once. Returns after both within two seconds.
/// The reader may carry junk: a line that is no JSON-RPC is passed over.
///
/// # Cancel safety
/// Dropping the future cancels every call in flight.
pub async fn serve<R, W>(gateway: Gateway, reader: R, writer: W, stop: CancellationToken)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let calls = CancellationToken::new();
    let _cancel_on_drop = calls.clone().drop_guard();
    let (reader, ended) = EndWatch::new(reader);
    let server = Server::new(gateway, calls.clone());
    let starting = Box::pin(server.serve_with_ct((reader, writer), stop.child_token()));
    let stopped = Box::pin(stop.cancelled());
    let service = match select(starting, stopped).await {
        Either::Left((Ok(service), _)) => service,
        // A client that leaves before `initialize` has nothing to be told.
        Either::Left((Err(error), _)) => return tracing::debug!(%error, "no session"),
        Either::Right(_) => return,
    };
    let finished = Box::pin(service.waiting());
    let leaving = Box::pin(async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = async { ended.cancelled().await; tokio::time::sleep(GRACE_AFTER_END).await } => {}
        }
        calls.cancel();
    });
    if let Either::Right(((), finished)) = select(finished, leaving).await {
        // Cancelled calls still answer; give their answers time to be written.
        let _ = timeout(LAST_WORDS, finished).await;
    }
}
