//! The reading of a response: its timeouts, its bounds and its record.
//!
//! Whatever ends the reading, the bytes that have arrived until then are scrubbed of keys and
//! recorded. This module does not decide what the bytes mean.

use std::future::ready;
use std::mem;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Fuse};
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_TYPE, TRAILER};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::Reporter;
use super::framing::{self, Framing};
use super::room::{AnswerRoom, LARGEST_STREAM, RoomShare};
use crate::error::{Category, Error};
use crate::model::SharedBytes;
use crate::provider::SendContext;
use crate::transport::{BodyStream, HttpResponse, REDACTED, Recorder, Trailers};

/// The bound on a body, in bytes. A body is kept in memory, and the longest answers (128 k tokens,
/// escaped as JSON) stay below 2 MiB.
pub(super) const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// The bound on the body of an error, in bytes, exceeded by one chunk at most. Usual errors have
/// some hundred bytes, and the rest of a long error page is of no use.
pub(super) const LARGEST_ERROR: usize = 64 * 1024;

/// The longest time in which the body of an error is read. It usually arrives with the head, and
/// the status already decides the category.
pub(super) const LONGEST_ERROR: Duration = Duration::from_secs(1);

/// The longest wait for headers behind a stream. A server that announces them sends them at its
/// end.
const LONGEST_TRAILERS: Duration = Duration::from_secs(1);

/// The most chunks that are read between the end of an answer and the headers behind it.
const MOST_CHUNKS_BEHIND: usize = 16;

/// The longest time for which a body may go on after the end of its answer before its connection is
/// closed. Most bodies end at once, or after the 40 ms of a delayed acknowledgement.
const LINGER: Duration = Duration::from_millis(50);

/// A response that is being read. When it is dropped (read to its end, timed out or cancelled), the
/// bytes that have arrived are scrubbed and recorded, once.
pub(super) struct Reading<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The end of the attempt.
    pub(super) deadline: Instant,
    /// The time at which the head arrived.
    pub(super) began: Instant,
    body: Fuse<BodyStream>,
    /// The headers behind the body, which count like those before it.
    trailers: Trailers,
    came: BytesMut,
    /// The bytes that arrived before the framing of the body was known, and are still to be passed
    /// on.
    ahead: Option<Bytes>,
    /// The whole answer without keys.
    scrubbed: Option<Scrubbed>,
    room: RoomShare<'a>,
    reporter: &'a Reporter<'a>,
    recorder: &'a Recorder,
}

/// Headers and body with known keys replaced, and whether any key was replaced.
#[derive(Clone)]
struct Scrubbed {
    headers: HeaderMap,
    body: Bytes,
    has_keys: bool,
}

/// A whole response, with known keys replaced.
pub(super) struct ScrubbedResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl<'a> Reading<'a> {
    /// Begins to read a response. `deadline` is when the attempt ends.
    pub(super) fn new(
        response: HttpResponse,
        deadline: Instant,
        room: &AnswerRoom,
        reporter: &'a Reporter<'a>,
        context: &'a SendContext<'a>,
    ) -> Self {
        let HttpResponse { status, headers, body } = response;
        Self {
            status,
            headers,
            deadline,
            began: Instant::now(),
            trailers: body.trailers(),
            body: body.into_stream().fuse(),
            came: BytesMut::new(),
            ahead: None,
            scrubbed: None,
            room: room.share(context.progress()),
            reporter,
            recorder: context.recorder(),
        }
    }

    /// Reads until the body shows how the answer is framed, whatever was asked for and whatever the
    /// content type says. If the body shows no framing, the content type decides.
    pub(super) async fn framing(&mut self) -> Result<Framing, Error> {
        let declared = if self.is_stream() { Framing::Events } else { Framing::Documents };
        while framing::is_open(&self.came) {
            if self.next().await?.is_none() {
                break;
            }
        }
        self.ahead = Some(Bytes::copy_from_slice(&self.came)).filter(|came| !came.is_empty());
        Ok(framing::shown_by(&self.came).unwrap_or(declared))
    }

    /// Returns whether the content type says that the answer is a stream.
    fn is_stream(&self) -> bool {
        let media_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|text| text.split(';').next()).unwrap_or_default();
        self.status.is_success() && essence.trim().eq_ignore_ascii_case("text/event-stream")
    }

    /// Returns the next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// Fails if the body is silent for too long, breaks off or is too large.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let status = self.status;
        let idle = self.reporter.endpoint.idle_timeout;
        let has_begun = !(self.came.is_empty() && self.is_stream());
        self.room.before_reading().await;
        let heard = timeout(idle, self.body.next()).await.map_err(|_| {
            if !has_begun {
                return self.reporter.not_begun(status);
            }
            let what = "fell silent in the middle of its answer";
            let error = self.reporter.timeout(what, "idle_timeout_s", idle);
            error.with_http_status(status.as_u16())
        });
        match heard? {
            None => Ok(None),
            Some(Ok(chunk)) if self.came.len() + chunk.len() <= self.largest() => {
                self.room.used(chunk.len()).await;
                self.came.extend_from_slice(&chunk);
                Ok(Some(chunk))
            }
            Some(Ok(_)) => {
                let what = format!("answered with a body above {} bytes", self.largest());
                let error = self.reporter.error(Category::BadResponse, &what);
                Err(error.with_http_status(status.as_u16()))
            }
            Some(Err(error)) => {
                Err(self.reporter.transport(error).with_http_status(status.as_u16()))
            }
        }
    }

    /// Returns the bound on the body, in bytes.
    fn largest(&self) -> usize {
        if self.is_stream() { LARGEST_STREAM } else { LARGEST_BODY }
    }

    /// Returns the rest of the body's bytes as chunks.
    // Boxed, or the compiler cannot see that a future which holds the stream may change threads.
    pub(super) fn chunks(&mut self) -> BoxStream<'_, Result<Bytes, Error>> {
        Box::pin(stream::try_unfold(self, |reading| async move {
            let chunk = match reading.ahead.take() {
                Some(ahead) => Some(ahead),
                None => reading.next().await?,
            };
            Ok(chunk.map(|chunk| (chunk, reading)))
        }))
    }

    /// Reads past the end of a stream to the headers behind the body, if the head announces them.
    /// Chunks on the way are not recorded.
    pub(super) async fn trailers(&mut self) {
        if self.headers.contains_key(TRAILER) {
            let soon = self.deadline.min(Instant::now() + LONGEST_TRAILERS);
            let chunks = self.body.by_ref().take(MOST_CHUNKS_BEHIND).for_each(|_| ready(()));
            // If they do not come, the headers before the body are all that count.
            timeout_at(soon, chunks).await.ok();
        }
    }

    /// Takes the rest of the body, which is then neither read nor recorded here.
    pub(super) fn rest(&mut self) -> Fuse<BodyStream> {
        let nothing: BodyStream = Box::pin(stream::empty());
        mem::replace(&mut self.body, nothing.fuse())
    }

    /// Reads the rest of the response, and returns all of it. The response is recorded when this
    /// reader is dropped.
    pub(super) async fn whole(&mut self) -> Result<ScrubbedResponse, Error> {
        while self.next().await?.is_some() {}
        Ok(self.response())
    }

    /// Returns the part of an error response that arrives soon. Its status counts even if its body
    /// breaks off. The bytes are not counted against the room for answers, because they are few and
    /// are kept for a second at most.
    pub(super) async fn error(&mut self) -> ScrubbedResponse {
        let soon = self.deadline.min(Instant::now() + LONGEST_ERROR);
        while self.came.len() < LARGEST_ERROR {
            let Ok(Some(Ok(chunk))) = timeout_at(soon, self.body.next()).await else { break };
            self.came.extend_from_slice(&chunk);
        }
        self.response()
    }

    fn response(&mut self) -> ScrubbedResponse {
        let Scrubbed { headers, body, .. } = self.scrub();
        ScrubbedResponse { status: self.status, headers, body }
    }

    /// Returns the bytes that have arrived, without keys.
    fn scrub(&mut self) -> Scrubbed {
        if let Some(scrubbed) = &self.scrubbed {
            return scrubbed.clone();
        }
        let scrubber = self.reporter.scrubber;
        let (body, in_body) = scrubber.scrub_bytes(mem::take(&mut self.came).freeze());
        let mut headers = mem::take(&mut self.headers);
        self.trailers.append(&mut headers);
        let (headers, in_headers) = scrubber.scrub_headers(headers);
        let has_keys = in_body || in_headers;
        self.scrubbed.insert(Scrubbed { headers, body, has_keys }).clone()
    }

    fn record(&mut self) {
        let recorder = self.recorder;
        let Scrubbed { headers, mut body, mut has_keys } = self.scrub();
        // What reads a record puts pieces together.
        if self.reporter.scrubber.finds_pieces(&body) {
            body = Bytes::from_static(REDACTED.as_bytes());
            has_keys = true;
        }
        let body = SharedBytes::from_bytes(body);
        if has_keys {
            recorder.received_redacted(self.status, headers, body);
        } else {
            recorder.received(self.status, headers, body);
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.record();
    }
}

/// Reads on in the background after the end of an answer, so that the body can end and its
/// connection can be used again. No caller waits for that, so an answer that was paid for is
/// neither delayed nor lost to the attempt's timeout.
pub(super) fn linger(rest: impl Stream<Item = impl Send> + Send + 'static) {
    tokio::spawn(timeout(LINGER, rest.for_each(|_| ready(()))));
}
