//! Detects the end of a reader, which `serve` needs to know in order to end in time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// A reader that forwards every read and cancels a token when the inner reader has ended.
///
/// Without this reader, rmcp's service would wait five seconds for calls in flight, and nothing
/// outside the service would know that the reader has ended.
pub(crate) struct EndWatch<R> {
    inner: R,
    ended: CancellationToken,
}

impl<R> EndWatch<R> {
    /// Wraps the reader `inner`, and returns the token that is cancelled when `inner` ends or
    /// fails.
    pub(crate) fn new(inner: R) -> (Self, CancellationToken) {
        let ended = CancellationToken::new();
        (Self { inner, ended: ended.clone() }, ended)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for EndWatch<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A read into a full buffer returns nothing and does not mean the end.
        if buffer.remaining() == 0 {
            return Pin::new(&mut self.inner).poll_read(context, buffer);
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        match &polled {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {}
            Poll::Ready(_) => self.ended.cancel(),
            Poll::Pending => {}
        }
        polled
    }
}
