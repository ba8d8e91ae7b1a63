//! The frames of a response's body: its chunks, and the headers behind them.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::Body as _;

use crate::transport::Trailers;

/// Returns the chunks of a body. The headers behind it are kept in `trailers` when they come.
pub(super) fn chunks(
    body: ::reqwest::Body,
    trailers: Trailers,
) -> impl Stream<Item = Result<Bytes, ::reqwest::Error>> {
    stream::unfold((body, trailers), |(mut body, trailers)| async move {
        loop {
            let frame = match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await? {
                Ok(frame) => frame,
                Err(error) => return Some((Err(error), (body, trailers))),
            };
            match frame.into_data() {
                Ok(chunk) => return Some((Ok(chunk), (body, trailers))),
                Err(frame) => trailers.keep(frame.into_trailers().unwrap_or_default()),
            }
        }
    })
}
