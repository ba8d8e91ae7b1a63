//! A provider that is reached over HTTP, in any wire format.
//!
//! [`HttpProvider`] is the shell around a pure [`WireFormat`]. It asks for the key, sends the
//! prepared bytes and decodes what arrives, in one piece or event by event. [`reading`] holds the
//! clocks, the bounds and the record of a response; [`gathering`] decides when a streamed answer is
//! complete; [`events`] parses server-sent events; [`failure`] writes the errors. The meaning of
//! the bytes is decided in [`dialect`](super::dialect).

mod advice;
mod events;
mod failure;
mod framing;
mod gathering;
mod headers;
mod keys;
mod live_text;
mod possible_bill;
mod reading;
mod refused_streams;
mod room;
mod so_far;

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::{Instant, timeout};
use url::Url;

pub(crate) use self::room::AnswerRoom;
pub(super) use self::room::in_provider_time;

use self::failure::Reporter;
use self::framing::{Framing, documents};
use self::headers::add_redacted;
use self::possible_bill::with_possible_bill;
use self::reading::{Reading, ScrubbedResponse, linger};
use self::refused_streams::{StreamRefusals, refuses_stream};
use self::so_far::{Unfinished, keep};
use super::dialect::{
    Anthropic, Assembly, DecodedAnswer, ErrorReport, Gemini, OpenAi, WireFormat, classify,
};
use super::{Call, Prepared, Provider, SendContext, wait};
use crate::clock::Clock;
use crate::credential::CredentialSource;
use crate::error::{Category, Error};
use crate::model::{Completion, Delivery, Dialect, Endpoint};
use crate::transport::{Credential, HttpRequest, Recorder, Scrubber, SentMark, Transport};

/// The parts that a provider over HTTP needs besides its endpoint.
#[derive(Clone)]
pub(crate) struct ProviderParts {
    /// The transport that sends the requests.
    pub(crate) transport: Arc<dyn Transport>,
    /// The source of the key.
    pub(crate) credentials: Arc<dyn CredentialSource>,
    /// The scrubber of the keys of all providers, because one provider may echo the key of another.
    pub(crate) scrubber: Scrubber,
    /// The clock that converts a date in a header into a wait.
    pub(crate) clock: Arc<dyn Clock>,
    /// The room that bounds the bytes of all answers that are being read.
    pub(crate) room: AnswerRoom,
    /// The servers that refuse to stream.
    streams: StreamRefusals,
}

impl ProviderParts {
    /// Creates the parts of a provider. Clones share the memory of servers that refuse to stream.
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        credentials: Arc<dyn CredentialSource>,
        scrubber: Scrubber,
        clock: Arc<dyn Clock>,
        room: AnswerRoom,
    ) -> Self {
        Self { transport, credentials, scrubber, clock, room, streams: StreamRefusals::default() }
    }
}

/// Creates the provider at `endpoint`, in the wire format that it speaks. Returns `None` for a
/// provider that the embedding program brings.
pub(crate) fn for_endpoint(endpoint: Endpoint, parts: ProviderParts) -> Option<Arc<dyn Provider>> {
    Some(match endpoint.dialect {
        Dialect::OpenAi => Arc::new(HttpProvider::<OpenAi>::new(endpoint, parts)),
        Dialect::Anthropic => Arc::new(HttpProvider::<Anthropic>::new(endpoint, parts)),
        Dialect::Gemini => Arc::new(HttpProvider::<Gemini>::new(endpoint, parts)),
        Dialect::Own => return None,
    })
}

/// A provider over HTTP that speaks the wire format `W`.
pub(crate) struct HttpProvider<W> {
    endpoint: Endpoint,
    parts: ProviderParts,
    wire: PhantomData<fn() -> W>,
}

impl<W: WireFormat> HttpProvider<W> {
    fn new(endpoint: Endpoint, parts: ProviderParts) -> Self {
        Self { endpoint, parts, wire: PhantomData }
    }

    /// Returns the delivery that is asked for `call`: the policy's, unless the server has refused
    /// to stream.
    fn delivery(&self, call: &Call) -> Delivery {
        match self.parts.streams.holds(&self.endpoint, &call.model) {
            true => Delivery::Whole,
            false => self.endpoint.delivery,
        }
    }

    /// Remembers a refused stream, so that the next call is prepared without one. The refusal of a
    /// request for a whole answer is ignored, because it is about something else.
    fn note_refused_stream(&self, call: &Call, request: &HttpRequest, error: Error) -> Error {
        if error.category() != Category::InvalidRequest {
            return error;
        }
        let whole = W::encode(call, Delivery::Whole).ok();
        let is_whole = whole.is_some_and(|body| request.body == body)
            && request.url.ends_with(&W::path(call, Delivery::Whole));
        let streams = &self.parts.streams;
        match error.refuses_form() {
            _ if is_whole => {
                streams.forget(&self.endpoint, &call.model);
                error.without_refused_form()
            }
            true => {
                streams.note(&self.endpoint, &call.model);
                error
            }
            false => error,
        }
    }

    /// Returns the writer of errors for one attempt.
    fn reporter<'a>(&'a self, call: &'a Call, scrubber: &'a Scrubber) -> Reporter<'a> {
        Reporter { endpoint: &self.endpoint, call, path: "", scrubber }
    }

    /// Sends one request and reads its answer. Each silence is bounded by the idle timeout, and the
    /// whole exchange by the attempt's timeout.
    async fn exchange(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
        mark: &SentMark,
        context: &SendContext<'_>,
        reporter: &Reporter<'_>,
    ) -> Result<Completion, Error> {
        let limit = self.endpoint.timeout;
        let deadline = Instant::now() + limit;
        let late = || reporter.timeout("did not finish", "timeout_s", limit);
        let head = self.parts.transport.send_marked(request, credential, mark);
        let head = timeout(limit.min(self.endpoint.idle_timeout), head).await;
        let head = head.map_err(|_| reporter.no_head(mark))?;
        let response = head.map_err(|error| reporter.transport(error))?;
        let room = &self.parts.room;
        let mut reading = Reading::new(response, deadline, room, reporter, context);
        let status = reading.status;
        if !status.is_success() {
            return Err(self.refused(&reading.error().await, reporter));
        }
        let answer = self.answer(reading, context, reporter);
        let answer = in_provider_time(deadline, context.progress(), answer).await;
        answer.map_err(|_| late().with_http_status(status.as_u16()))?
    }

    /// Reads the answer of a response with a successful status, in one piece or event by event.
    async fn answer(
        &self,
        mut reading: Reading<'_>,
        context: &SendContext<'_>,
        reporter: &Reporter<'_>,
    ) -> Result<Completion, Error> {
        match reading.framing().await? {
            Framing::Events => self.assemble(reading, context, reporter).await,
            Framing::Documents => {
                context.progress().answer_began();
                let whole = reading.whole().await?;
                let decoded = self.decode(&whole, context, reporter)?;
                self.complete(decoded, whole.status, &whole.headers, context, reporter)
            }
        }
    }

    /// Decodes a whole answer. If it contains an error object, the attempt fails with that error.
    fn decode(
        &self,
        answer: &ScrubbedResponse,
        context: &SendContext<'_>,
        reporter: &Reporter<'_>,
    ) -> Result<DecodedAnswer, Error> {
        let ScrubbedResponse { status, body, .. } = answer;
        if W::decode_error(body).is_some() {
            return Err(self.refused(answer, reporter));
        }
        W::decode(body).or_else(|error| {
            // A stream without its framing has more than one document.
            match documents(body) {
                Some(lines) if !error.is_eof() => {
                    self.assemble_lines(&lines, answer, context, reporter)
                }
                _ => Err(reporter.malformed(*status, body, &error)),
            }
        })
    }

    /// Decodes the documents of a body as the events of a stream that ends with the body.
    fn assemble_lines(
        &self,
        lines: &[String],
        answer: &ScrubbedResponse,
        context: &SendContext<'_>,
        reporter: &Reporter<'_>,
    ) -> Result<DecodedAnswer, Error> {
        let status = answer.status;
        let mut unfinished: Unfinished<'_, W::Stream> = Unfinished::new(context, reporter);
        for line in lines.iter().map(String::as_str).chain(["[DONE]"]) {
            if let Some(report) = W::decode_error(line.as_bytes()) {
                return Err(self.with_meaning(status, &answer.headers, &report, reporter));
            }
            match unfinished.assembly.take("message", line) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(error) if error.is_eof() => return Err(reporter.ended_early(status)),
                Err(error) => return Err(reporter.malformed_event(status, &error.to_string())),
            }
        }
        unfinished.finish(status)
    }

    /// Returns the error that an answer contains, whatever its status: some servers put an error
    /// into a 200.
    fn refused(&self, answer: &ScrubbedResponse, reporter: &Reporter<'_>) -> Error {
        let ScrubbedResponse { status, headers, body } = answer;
        let mut report = W::decode_error(body).unwrap_or_else(|| ErrorReport::from_body(body));
        // Bedrock names its errors in a header: `ModelNotReadyException:http://…`.
        let named = headers.get("x-amzn-errortype").and_then(|name| name.to_str().ok());
        report.codes.extend(named.and_then(|name| name.split(':').next()).map(str::to_owned));
        let error = self.with_meaning(*status, headers, &report, reporter);
        let error = with_possible_bill(error, *status, body);
        match error.category() {
            Category::InvalidRequest if refuses_stream(*status, body) => error.with_refused_form(),
            _ => error,
        }
    }

    fn with_meaning(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        report: &ErrorReport,
        reporter: &Reporter<'_>,
    ) -> Error {
        let error = reporter.refused(status, classify(status, report), report);
        self.with_requested_wait(error, headers, report)
    }

    /// Converts a decoded answer into a completion, or into the error of an unusable answer.
    fn complete(
        &self,
        decoded: DecodedAnswer,
        status: StatusCode,
        headers: &HeaderMap,
        context: &SendContext<'_>,
        reporter: &Reporter<'_>,
    ) -> Result<Completion, Error> {
        if let Some(report) = &decoded.error {
            keep(&decoded.text, context, reporter);
            let error = self.with_meaning(status, headers, report, reporter);
            let usage = decoded.usage.map(|reported| reported.usage);
            return Err(reporter.billed(error, usage, decoded.model.as_deref()));
        }
        decoded.complete(reporter.call).map(|completion| reporter.presentable(completion)).map_err(
            |unusable| {
                keep(&unusable.text, context, reporter);
                reporter.unusable(status, *unusable)
            },
        )
    }

    /// Reads a streamed answer to its end and decodes it.
    async fn assemble(
        &self,
        mut reading: Reading<'_>,
        context: &SendContext<'_>,
        reporter: &Reporter<'_>,
    ) -> Result<Completion, Error> {
        let mut unfinished: Unfinished<'_, W::Stream> = Unfinished::new(context, reporter);
        let assembly = &mut unfinished.assembly;
        let gathered = self.gather(assembly, &mut reading, context, reporter).await;
        if gathered.is_ok() {
            reading.trailers().await;
            linger(reading.rest());
        }
        let pieces = unfinished.assembly.pieces();
        // Final or absent: an attempt that failed after its bill had come costs what it says.
        let usage = pieces.usage().map(|reported| reported.usage);
        let model = pieces.model.clone();
        let with_bill = |error| reporter.billed(error, usage, model.as_deref());
        let status = reading.status;
        gathered.map_err(with_bill)?;
        let decoded = unfinished.finish(status).map_err(with_bill)?;
        self.complete(decoded, status, &reading.headers, context, reporter)
    }

    /// Adds the wait that the provider asks for to an error.
    fn with_requested_wait(
        &self,
        error: Error,
        headers: &HeaderMap,
        report: &ErrorReport,
    ) -> Error {
        let (now, asked) = (self.parts.clock.now(), &report.asked);
        let in_body = asked.stated.max(wait::stated_wait(&asked.headers, now));
        let asked_in = |headers| wait::requested_wait(error.category(), headers, in_body, now);
        match asked_in(headers).or_else(|| asked_in(&asked.headers)) {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }
}

#[async_trait]
impl<W: WireFormat> Provider for HttpProvider<W> {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        let delivery = self.delivery(&call);
        let body = W::encode(&call, delivery).map_err(|error| {
            let what = format!("cannot be asked this: {error}");
            self.reporter(&call, &self.parts.scrubber).error(Category::InvalidRequest, &what)
        })?;
        let mut headers = W::headers();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        add_redacted(&self.endpoint, &mut headers);
        let url = format!("{}{}", self.endpoint.base_url, W::path(&call, delivery));
        Ok(Prepared::recorded(call, HttpRequest::post(url, headers, body)))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        self.send_with(prepared, &SendContext::new(recorder)).await
    }

    async fn send_with(
        &self,
        prepared: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        let call = &prepared.call;
        let mark = context.progress().begin_attempt();
        if !context.is_leased() {
            return self.send_leased(prepared, context).await;
        }
        let secret = self.key(call, context)?;
        let values = self.header_values(call, context)?;
        let known = secret.iter().chain(&values.secrets);
        let secrets = known.filter(|secret| self.endpoint.guards(secret.expose()));
        let scrubber = secrets.fold(self.parts.scrubber.clone(), |it, secret| it.knowing(secret));
        let reporter = self.reporter(call, &scrubber);
        let Some(request) = &prepared.request else {
            return Err(reporter.error(Category::Internal, "was handed a call without its bytes"));
        };
        let url = Url::parse(&request.url).ok();
        let path = url.as_ref().map_or("", Url::path);
        let reporter = Reporter { path, ..reporter };
        let credential = secret.map(W::credential);
        if credential.as_ref().is_some_and(|credential| credential.header_value().is_none()) {
            return Err(reporter.unsendable_key());
        }
        context.recorder().sent(request);
        let filled = values.put_into(request);
        let exchange = self.exchange(&filled, credential.as_ref(), &mark, context, &reporter);
        exchange.await.map_err(|error| self.note_refused_stream(call, request, error))
    }
}

#[cfg(test)]
mod tests;
