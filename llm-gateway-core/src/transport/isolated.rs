//! A transport of the embedding program, whose panics and blocked threads take nobody along.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use super::body::{Body, BodyStream};
use super::{Credential, HttpRequest, HttpResponse, Phase, SentMark, Transport, TransportError};
use crate::isolation::{CaughtDrop, Interrupted, isolated};

/// A transport that runs another one in isolation, and its bodies too.
pub(crate) struct IsolatedTransport(Arc<dyn Transport>);

impl IsolatedTransport {
    /// Isolates a transport.
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }
}

#[async_trait]
impl Transport for IsolatedTransport {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.send_marked(request, credential, &SentMark::new()).await
    }

    async fn send_marked(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
        mark: &SentMark,
    ) -> Result<HttpResponse, TransportError> {
        let transport = Arc::clone(&self.0);
        let (request, credential, mark) = (request.clone(), credential.cloned(), mark.clone());
        let sent = async move { transport.send_marked(&request, credential.as_ref(), &mark).await };
        let sent = isolated(sent).await;
        let HttpResponse { status, headers, body } = sent.unwrap_or_else(|how| Err(error(how)))?;
        Ok(HttpResponse::new(status, headers, isolated_body(body)))
    }

    fn needs_isolation(&self) -> bool {
        false
    }
}

/// Returns a body whose chunks are read in isolation, one after the other.
fn isolated_body(body: Body) -> Body {
    let trailers = body.trailers();
    let chunks = CaughtDrop::new(body.into_stream());
    let read = stream::unfold(Some(chunks), |chunks| async {
        let chunks = chunks?;
        match isolated(next(chunks)).await {
            Ok((chunk, chunks)) => Some((chunk?, Some(chunks))),
            Err(how) => Some((Err(error(how)), None)),
        }
    });
    Body::from_stream(read.fuse()).with_trailers(trailers)
}

/// Reads the next chunk of a body, and returns it with the rest.
async fn next(
    mut chunks: CaughtDrop<BodyStream>,
) -> (Option<<BodyStream as futures_util::Stream>::Item>, CaughtDrop<BodyStream>) {
    let chunk = match chunks.get() {
        Some(chunks) => chunks.next().await,
        None => None,
    };
    (chunk, chunks)
}

/// Creates the error of a transport whose code came to no end.
fn error(how: Interrupted) -> TransportError {
    TransportError::new(Phase::Interrupted, format!("the transport {how}"))
}
