//! The body of a response while it arrives.
//!
//! [`Body`] keeps the stream type out of the public signatures, so that a program's own transport
//! depends on no crate for it.

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};

use crate::model::SharedBytes;

use super::TransportError;

/// The chunks of a body as a stream.
pub(crate) type BodyStream = BoxStream<'static, Result<Bytes, TransportError>>;

/// The body of a response, chunk by chunk. Dropping it closes the connection.
pub struct Body(BodyStream);

impl Body {
    /// Creates a body of one chunk.
    pub fn whole(bytes: impl Into<SharedBytes>) -> Self {
        let chunk = bytes.into().into_bytes();
        Self::from_stream(stream::iter([Ok(chunk)]))
    }

    /// Creates a body that arrives chunk by chunk. `next` returns the next chunk with the state for
    /// the call after it, or `None` at the end of the body; it is not called after an error.
    ///
    /// ```
    /// use llm_gateway_core::transport::Body;
    ///
    /// /// The same body in upper case.
    /// fn shouted(body: Body) -> Body {
    ///     Body::unfold(body, |mut body| async move {
    ///         let chunk = body.next().await?;
    ///         Some((chunk.map(|bytes| bytes.to_ascii_uppercase().into()), body))
    ///     })
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut body = shouted(Body::whole("text"));
    /// assert_eq!(body.next().await.unwrap()?, "TEXT");
    /// assert!(body.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn unfold<S, N, F>(state: S, mut next: N) -> Self
    where
        S: Send + 'static,
        N: FnMut(S) -> F + Send + 'static,
        F: Future<Output = Option<(Result<SharedBytes, TransportError>, S)>> + Send + 'static,
    {
        let chunks = stream::unfold(Some(state), move |state| {
            let next = state.map(&mut next);
            async move {
                let (chunk, state) = next?.await?;
                let state = chunk.is_ok().then_some(state);
                Some((chunk.map(SharedBytes::into_bytes), state))
            }
        });
        // A caller that asks again after the end gets `None` again.
        Self::from_stream(chunks.fuse())
    }

    /// Returns the next chunk, or `None` at the end of the body.
    ///
    /// # Errors
    /// Fails with a [`TransportError`] if the body breaks off before its end.
    ///
    /// # Cancel safety
    /// No chunk is lost when the future is dropped, unless the body was made by
    /// [`unfold`](Self::unfold) of a function that loses one.
    pub async fn next(&mut self) -> Option<Result<SharedBytes, TransportError>> {
        let chunk = self.0.next().await?;
        Some(chunk.map(SharedBytes::from_bytes))
    }

    /// Wraps a stream.
    pub(crate) fn from_stream(
        chunks: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
    ) -> Self {
        Self(chunks.boxed())
    }

    /// Returns the stream of chunks.
    pub(crate) fn into_stream(self) -> BodyStream {
        self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Phase;

    #[tokio::test]
    async fn a_body_ends_at_its_first_error() {
        let mut body = Body::unfold(1, |n| async move {
            let broken = Err(TransportError::new(Phase::Body, "connection reset"));
            Some((if n < 3 { Ok(n.to_string().into()) } else { broken }, n + 1))
        });
        assert_eq!(body.next().await.unwrap().unwrap(), "1");
        assert_eq!(body.next().await.unwrap().unwrap(), "2");
        assert_eq!(body.next().await.unwrap().unwrap_err().phase, Phase::Body);
        assert!(body.next().await.is_none() && body.next().await.is_none());
    }
}
