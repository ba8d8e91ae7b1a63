//! Sees the end of a reader.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// Passes reads on and tells when the reader has ended. The service that reads from it
/// would otherwise wait five seconds for calls in flight and tell nobody.
pub(crate) struct EndWatch<R> {
    inner: R,
    ended: CancellationToken,
}

impl<R> EndWatch<R> {
    /// Watches `inner`; the token is cancelled when it ends or fails.
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
        // A read without room says nothing about the end.
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
