//! Gathers a streamed answer, event by event.
//!
//! This module decides when an answer has begun, when it is complete, and which silence is its end.
//! The dialect's [`Assembly`] decides what an event means.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::HttpProvider;
use super::events::{self, Fault, LARGEST_EVENT, ServerSentEvent};
use super::failure::Reporter;
use super::live_text::LiveText;
use super::reading::Reading;
use super::room::{TimeExceeded, in_provider_time};
use crate::error::{Category, Error};
use crate::provider::SendContext;
use crate::provider::dialect::{Assembly, Completeness, ErrorReport, WireFormat, classify};
use crate::transport::CallProgress;

/// The longest wait for more data after an answer has ended. Token counts arrive with the end of an
/// answer, or at once after it.
const GRACE: Duration = Duration::from_secs(1);

impl<W: WireFormat> HttpProvider<W> {
    /// Reads events until the answer is complete or the body ends. The answer has to begin within
    /// the idle timeout, whatever pings arrive; after its beginning, pings are enough.
    ///
    /// # Errors
    /// Fails if the answer does not begin, the body breaks off, or an event is an error or
    /// malformed.
    pub(super) async fn gather(
        &self,
        assembly: &mut W::Stream,
        reading: &mut Reading<'_>,
        context: &SendContext<'_>,
        reporter: &Reporter<'_>,
    ) -> Result<(), Error> {
        let progress = context.progress();
        let mut live = LiveText::new(context, reporter);
        let (status, deadline) = (reading.status, reading.deadline);
        let headers = reading.headers.clone();
        let mut begins_by = Some(reading.began + self.endpoint.idle_timeout);
        let mut events = pin!(events::read(reading.chunks()));
        let mut has_events = false;
        loop {
            let ends_by = self.ends_by(assembly.completeness(), deadline);
            let next = next_by(begins_by.or(ends_by), progress, events.next()).await;
            if next.is_err() && begins_by.is_some() {
                return Err(reporter.not_begun(status));
            }
            let Some(event) = next.unwrap_or(None) else { break };
            if is_ending_silence(&event, assembly.completeness()) {
                break;
            }
            let event = event.map_err(|fault| unreadable(fault, status, reporter))?;
            has_events = has_events || !event.is_ping();
            self.refuse_error_event(&event, status, &headers, reporter)?;
            if event.is_heartbeat() {
                continue;
            }
            begins_by = None;
            progress.answer_began();
            match take_event(assembly, &event, status, progress, reporter) {
                // What was cut is not read: the answer ended before it.
                Err(_) if event.may_be_cut => break,
                Err(error) => return Err(error),
                Ok(ControlFlow::Break(())) => break,
                Ok(ControlFlow::Continue(())) => {}
            }
            if let Some(report) = &assembly.pieces().error {
                return Err(self.broke_off(report, status, &headers, reporter));
            }
            live.grown(assembly.settled()).await;
        }
        match has_events && !assembly.has_begun() {
            true => Err(reporter.malformed_event(status, "no event of it belongs to an answer")),
            false => Ok(()),
        }
    }

    /// Checks that an event is not an error.
    ///
    /// # Errors
    /// Fails with the error that the event contains, or that its name makes it.
    fn refuse_error_event(
        &self,
        event: &ServerSentEvent,
        status: StatusCode,
        headers: &HeaderMap,
        reporter: &Reporter<'_>,
    ) -> Result<(), Error> {
        let data = event.data.as_bytes();
        let named = || (event.name == "error").then(|| ErrorReport::from_named(data));
        let Some(report) = W::decode_error(data).or_else(named) else { return Ok(()) };
        Err(self.broke_off(&report, status, headers, reporter))
    }

    /// Creates the failure of an answer that contains an error.
    fn broke_off(
        &self,
        report: &ErrorReport,
        status: StatusCode,
        headers: &HeaderMap,
        reporter: &Reporter<'_>,
    ) -> Error {
        let error = reporter.broke_off(status, classify(status, report), report);
        self.with_requested_wait(error, headers, report)
    }

    /// Returns when silence counts as the end of an answer; `None` if it never does. The end of the
    /// attempt is not the end of an answer that may still continue.
    fn ends_by(&self, ending: Completeness, deadline: Instant) -> Option<Instant> {
        let idle = self.endpoint.idle_timeout;
        match ending {
            Completeness::Incomplete => None,
            Completeness::Likely => Some(Instant::now() + idle),
            Completeness::Certain => Some(deadline.min(Instant::now() + GRACE.min(idle))),
        }
    }
}

/// Returns whether the reading timed out in a long silence that ends an answer.
fn is_ending_silence(event: &Result<ServerSentEvent, Fault<Error>>, ending: Completeness) -> bool {
    let is_silence = |fault: &Fault<Error>| match fault {
        Fault::Source(error) => error.category() == Category::Timeout,
        Fault::TooLarge | Fault::Unreadable => false,
    };
    ending != Completeness::Incomplete && event.as_ref().is_err_and(is_silence)
}

/// Waits for an event until the limit, if there is one.
async fn next_by<T>(
    limit: Option<Instant>,
    progress: &CallProgress,
    next: impl Future<Output = T>,
) -> Result<T, TimeExceeded> {
    match limit {
        Some(limit) => in_provider_time(limit, progress, next).await,
        None => Ok(next.await),
    }
}

/// Adds an event to the answer, and reports how much text has arrived.
fn take_event(
    assembly: &mut impl Assembly,
    event: &ServerSentEvent,
    status: StatusCode,
    progress: &CallProgress,
    reporter: &Reporter<'_>,
) -> Result<ControlFlow<()>, Error> {
    let before = assembly.pieces().chars;
    let taken = assembly.take(&event.name, &event.data);
    let flow = taken.map_err(|error| reporter.malformed_event(status, &error.to_string()))?;
    let chars = assembly.pieces().chars;
    if chars > before {
        progress.grown_to(chars);
    }
    Ok(flow)
}

/// Creates the error of a stream that could not be read further.
fn unreadable(fault: Fault<Error>, status: StatusCode, reporter: &Reporter<'_>) -> Error {
    match fault {
        Fault::Source(error) => error,
        Fault::TooLarge => {
            reporter.malformed_event(status, &format!("an event above {LARGEST_EVENT} bytes"))
        }
        Fault::Unreadable => reporter.malformed_event(status, "it is no stream of events"),
    }
}
