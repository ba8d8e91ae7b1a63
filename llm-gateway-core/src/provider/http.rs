//! A provider that is reached over HTTP, in any wire format.
//!
//! [`HttpProvider`] is the shell around a pure [`Wire`]: it lends a key, sends the prepared
//! bytes, holds the clocks and the bound on the body, and records what came. What the bytes
//! mean is the format's business; how a failure reads is [`failure`](super::failure)'s.

use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::timeout;

use super::anthropic::Anthropic;
use super::failure::Reporter;
use super::gemini::Gemini;
use super::openai::OpenAi;
use super::wire::{Refusal, Wire};
use super::{Call, Prepared, Provider, wait};
use crate::clock::Clock;
use crate::credential::{CredentialSource, Secret};
use crate::error::{Category, Error};
use crate::model::{Completion, Dialect, Endpoint};
use crate::transport::{Credential, HttpRequest, Recorder, Scrubber, Transport};

/// The bound on a body. The longest answers (128 k tokens, escaped as JSON) stay below 2 MiB;
/// what is larger is no answer, and would have to be kept in memory.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// What a provider over HTTP needs besides its endpoint.
#[derive(Clone)]
pub(crate) struct Means {
    /// What carries its requests.
    pub(crate) transport: Arc<dyn Transport>,
    /// Where its key comes from.
    pub(crate) credentials: Arc<dyn CredentialSource>,
    /// Knows the keys of all providers: one may echo another's.
    pub(crate) scrubber: Scrubber,
    /// Tells how far off a date is.
    pub(crate) clock: Arc<dyn Clock>,
}

/// The provider behind `endpoint`, in the format that it speaks; `None` for one that the
/// embedding program brings.
pub(crate) fn for_endpoint(endpoint: Endpoint, means: Means) -> Option<Arc<dyn Provider>> {
    Some(match endpoint.dialect {
        Dialect::OpenAi => Arc::new(HttpProvider::<OpenAi>::new(endpoint, means)),
        Dialect::Anthropic => Arc::new(HttpProvider::<Anthropic>::new(endpoint, means)),
        Dialect::Gemini => Arc::new(HttpProvider::<Gemini>::new(endpoint, means)),
        Dialect::Own => return None,
    })
}

/// A provider over HTTP that speaks the wire format `W`.
pub(crate) struct HttpProvider<W> {
    endpoint: Endpoint,
    means: Means,
    wire: PhantomData<fn() -> W>,
}

impl<W: Wire> HttpProvider<W> {
    fn new(endpoint: Endpoint, means: Means) -> Self {
        Self { endpoint, means, wire: PhantomData }
    }

    fn reporter<'a>(&'a self, call: &'a Call, scrubber: &'a Scrubber) -> Reporter<'a> {
        Reporter { endpoint: &self.endpoint, call, scrubber }
    }

    /// The key to send, where the endpoint wants one.
    async fn lease(&self, call: &Call) -> Result<Option<Secret>, Error> {
        let Some(variable) = &self.endpoint.api_key_env else { return Ok(None) };
        match self.means.credentials.lease(&self.endpoint.provider, variable).await {
            Some(lease) => Ok(Some(lease.secret)),
            None => Err(self.reporter(call, &self.means.scrubber).missing_key(variable)),
        }
    }

    /// One request and its whole answer, each silence bounded.
    async fn exchange(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
        recorder: &Recorder,
        reporter: &Reporter<'_>,
    ) -> Result<Answer, Error> {
        let head = self.heard(self.means.transport.send(request, credential), reporter).await?;
        let mut response = head.map_err(|error| reporter.transport(error))?;
        let status = response.status;
        let mut intake = Intake::new(status, response.headers, recorder, reporter.scrubber);
        while let Some(chunk) = self.heard(response.body.next(), reporter).await? {
            match chunk {
                Ok(chunk) if intake.body.len() + chunk.len() <= LARGEST_BODY => {
                    intake.body.extend_from_slice(&chunk);
                }
                Ok(_) => {
                    let what = format!("answered with a body above {LARGEST_BODY} bytes");
                    let error = reporter.error(Category::BadResponse, &what);
                    return Err(error.with_http_status(status.as_u16()));
                }
                // An error's status has said what there is to say, whatever became of its body.
                Err(_) if !status.is_success() => break,
                Err(error) => {
                    return Err(reporter.transport(error).with_http_status(status.as_u16()));
                }
            }
        }
        Ok(intake.finish())
    }

    /// Waits for a sign of life.
    async fn heard<T>(
        &self,
        sign: impl Future<Output = T>,
        reporter: &Reporter<'_>,
    ) -> Result<T, Error> {
        let idle = self.endpoint.idle_timeout;
        timeout(idle, sign)
            .await
            .map_err(|_| reporter.timeout("sent nothing", "idle_timeout_s", idle))
    }
}

#[async_trait]
impl<W: Wire> Provider for HttpProvider<W> {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        let body = W::encode(&call).map_err(|error| {
            let what = format!("cannot be asked this: {error}");
            self.reporter(&call, &self.means.scrubber).error(Category::InvalidRequest, &what)
        })?;
        let mut headers = W::headers();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let url = format!("{}{}", self.endpoint.base_url, W::path(&call));
        Ok(Prepared::recorded(call, HttpRequest::post(url, headers, body)))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        let call = &prepared.call;
        let secret = self.lease(call).await?;
        let scrubber = match &secret {
            Some(secret) => self.means.scrubber.knowing(secret),
            None => self.means.scrubber.clone(),
        };
        let reporter = self.reporter(call, &scrubber);
        let Some(request) = &prepared.request else {
            return Err(reporter.error(Category::Internal, "was handed a call without its bytes"));
        };
        let credential = secret.map(W::credential);
        recorder.sent(request);
        let limit = self.endpoint.timeout;
        let exchange = self.exchange(request, credential.as_ref(), recorder, &reporter);
        let answer = timeout(limit, exchange)
            .await
            .map_err(|_| reporter.timeout("did not finish", "timeout_s", limit))??;
        read::<W>(&answer, &reporter, self.means.clock.now())
    }
}

/// What an answer says. An error object counts whatever the status: some servers put one
/// into a 200.
fn read<W: Wire>(
    answer: &Answer,
    reporter: &Reporter<'_>,
    now: Duration,
) -> Result<Completion, Error> {
    let Answer { status, headers, body } = answer;
    let refusal = W::decode_error(body);
    if refusal.is_none() && status.is_success() {
        let draft = W::decode(body).map_err(|error| reporter.malformed(*status, body, &error))?;
        return draft
            .complete(reporter.call.max_tokens)
            .map(|completion| reporter.presentable(completion))
            .map_err(|unusable| reporter.unusable(*status, unusable));
    }
    let refusal = refusal.unwrap_or_else(|| Refusal::from_text(body));
    let category = W::classify(*status, &refusal);
    let error = reporter.refused(*status, category, &refusal);
    Err(match wait::asked(category, headers, refusal.retry_after, now) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    })
}

/// A whole response, with known keys replaced.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// A response that is being read. When it goes (read to its end, timed out, cancelled), what
/// came until then is scrubbed and recorded, once.
struct Intake<'a> {
    status: StatusCode,
    headers: HeaderMap,
    body: BytesMut,
    scrubber: &'a Scrubber,
    recorder: Option<&'a Recorder>,
}

impl<'a> Intake<'a> {
    fn new(
        status: StatusCode,
        headers: HeaderMap,
        recorder: &'a Recorder,
        scrubber: &'a Scrubber,
    ) -> Self {
        Self { status, headers, body: BytesMut::new(), scrubber, recorder: Some(recorder) }
    }

    fn finish(mut self) -> Answer {
        self.record()
    }

    fn record(&mut self) -> Answer {
        let (body, mut redacted) = self.scrubber.scrub_bytes(mem::take(&mut self.body).freeze());
        let mut headers = mem::take(&mut self.headers);
        for value in headers.values_mut() {
            let (scrubbed, found) =
                self.scrubber.scrub_bytes(Bytes::copy_from_slice(value.as_bytes()));
            if let (true, Ok(scrubbed)) = (found, HeaderValue::from_maybe_shared(scrubbed)) {
                *value = scrubbed;
                redacted = true;
            }
        }
        if let Some(recorder) = self.recorder.take() {
            recorder.received(self.status, headers.clone(), body.clone(), redacted);
        }
        Answer { status: self.status, headers, body }
    }
}

impl Drop for Intake<'_> {
    fn drop(&mut self) {
        if self.recorder.is_some() {
            self.record();
        }
    }
}

#[cfg(test)]
mod tests;
