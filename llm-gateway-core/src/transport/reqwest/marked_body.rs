//! The body of a request, which notes when it begins to leave.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::transport::SentMark;

/// A body in one piece. The client asks for the piece when it has a connection, before it writes a
/// byte of the request.
pub(super) struct MarkedBody {
    /// The piece, until it is taken.
    piece: Option<Bytes>,
    mark: SentMark,
}

impl MarkedBody {
    pub(super) fn new(bytes: Bytes, mark: SentMark) -> Self {
        Self { piece: Some(bytes), mark }
    }
}

impl Body for MarkedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.mark.set();
        Poll::Ready(self.piece.take().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.piece.as_ref().map_or(0, |piece| piece.len() as u64))
    }
}
