//! The body of a response while it arrives.
//!
//! [`Body`] keeps the stream type out of the public signatures, so that a program's own transport
//! depends on no crate for it.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;

use crate::model::SharedBytes;

use super::TransportError;

/// The chunks of a body as a stream.
pub(crate) type BodyStream = BoxStream<'static, Result<Bytes, TransportError>>;

/// The body of a response, chunk by chunk. Dropping it closes the connection.
pub struct Body {
    chunks: BodyStream,
    trailers: Trailers,
}

/// The headers that a response sends behind its body. They are empty until the body has ended.
/// Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trailers(Arc<Mutex<HeaderMap>>);

impl Trailers {
    /// Keeps the headers that came behind the body.
    #[cfg_attr(not(feature = "reqwest"), allow(dead_code))] // No other transport has any.
    pub(crate) fn keep(&self, came: HeaderMap) {
        append_all(&mut self.lock(), came);
    }

    /// Adds the headers that came behind the body until now to those before it.
    pub(crate) fn append(&self, headers: &mut HeaderMap) {
        let came = std::mem::take(&mut *self.lock());
        append_all(headers, came);
    }

    fn lock(&self) -> MutexGuard<'_, HeaderMap> {
        // Every write is one extension or exchange, so a poisoned map is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends headers to others. A name that both have keeps all values.
fn append_all(headers: &mut HeaderMap, more: HeaderMap) {
    let mut last = None;
    for (name, value) in more {
        // The name stands before the first of its values alone.
        last = name.or(last);
        if let Some(name) = &last {
            headers.append(name.clone(), value);
        }
    }
}

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
        let chunk = self.chunks.next().await?;
        Some(chunk.map(SharedBytes::from_bytes))
    }

    /// Wraps a stream.
    pub(crate) fn from_stream(
        chunks: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
    ) -> Self {
        Self { chunks: chunks.boxed(), trailers: Trailers::default() }
    }

    /// Sets where the headers behind the body will be found.
    #[cfg_attr(not(feature = "reqwest"), allow(dead_code))] // No other transport has any.
    #[must_use]
    pub(crate) fn with_trailers(self, trailers: Trailers) -> Self {
        Self { trailers, ..self }
    }

    /// Returns where the headers behind the body will be found.
    pub(crate) fn trailers(&self) -> Trailers {
        self.trailers.clone()
    }

    /// Returns the stream of chunks.
    pub(crate) fn into_stream(self) -> BodyStream {
        self.chunks
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
