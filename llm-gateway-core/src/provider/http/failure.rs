//! Writes the errors of an attempt: the sentence and the hint that a person reads.
//!
//! Categories are decided in [`dialect`](crate::provider::dialect) and [`http`](super). This module
//! adds the provider's name, the provider's own words made safe to show, and a hint if a reader can
//! do something about the failure.

use std::time::Duration;

use http::StatusCode;

use super::advice;
use crate::credential::{CredentialSource, missing};
use crate::error::{Category, Error};
use crate::model::{Completion, Endpoint, OutputPart, Target, Usage, printable, single_spaced};
use crate::provider::Call;
use crate::provider::dialect::{ErrorReport, UnusableAnswer};
use crate::provider::late::{INTERRUPTED_HINT, late};
use crate::transport::{Phase, Scrubber, SentMark, TransportError};

/// The largest number of characters that are shown of a provider's sentence: enough for any usual
/// sentence, too few for an error page or an echoed prompt.
const LONGEST_SENTENCE: usize = 300;

/// The largest number of characters that are kept of a model id or a response id. Usual ids have a
/// third of them.
const LONGEST_KEPT_ID: usize = 256;

/// Advice for a process that has no descriptor or no memory left.
const OUT_OF_RESOURCES: &str = "this process has no descriptor or no memory left: raise its limits \
    (`ulimit -n`), or send it fewer requests at once (`limits: {concurrent}` of the provider)";

/// The writer of errors for one attempt.
pub(super) struct Reporter<'a> {
    /// The endpoint that was called.
    pub(super) endpoint: &'a Endpoint,
    /// The call that was made.
    pub(super) call: &'a Call,
    /// The path that was asked, without a query; empty before anything is sent.
    pub(super) path: &'a str,
    /// The scrubber of all known keys, including the key that was sent.
    pub(super) scrubber: &'a Scrubber,
}

impl Reporter<'_> {
    /// Creates the error "`<provider> <what>`", with the target and the category's usual hint.
    pub(super) fn error(&self, category: Category, what: &str) -> Error {
        let provider = &self.endpoint.provider;
        let error = Error::new(category, format!("{provider} {what}")).with_target(self.target());
        advice::usual(self.endpoint, self.call, category).given_with(error)
    }

    /// Returns the target that was called.
    fn target(&self) -> Target {
        Target::new(self.endpoint.provider.clone(), self.call.model.clone())
    }

    /// Creates the error for a missing key, which should be in `variable`.
    pub(super) fn missing_key(&self, variable: &str, keys: &dyn CredentialSource) -> Error {
        let missing = missing(keys, &self.endpoint.provider, variable);
        let what = format!("needs a key, and {missing}");
        let hint = format!("set {variable} in the environment or in .env beside the policy file");
        self.error(Category::MissingKey, &what).with_hint(hint).with_nothing_sent()
    }

    /// Creates the error for a header whose `variable` holds a character that no header can carry.
    pub(super) fn unfit_header(&self, variable: &str) -> Error {
        let what = format!("cannot be sent {variable}: a header carries printable ASCII only");
        let hint = format!("check {variable} for line ends and other invisible characters");
        self.error(Category::Auth, &what).with_hint(hint).with_nothing_sent()
    }

    /// Creates the error for a timeout of the policy: `setting` names it, and `what` did not happen
    /// within `limit`.
    pub(super) fn timeout(&self, what: &str, setting: &str, limit: Duration) -> Error {
        late(self.target(), what, setting, limit)
    }

    /// Creates the error for a key that cannot travel in its header.
    pub(super) fn unsendable_key(&self) -> Error {
        let what = "cannot be sent its key: it holds a character that no header may carry";
        let error = self.error(Category::Auth, what).with_nothing_sent();
        match &self.endpoint.api_key_env {
            Some(variable) => error
                .with_hint(format!("remove line breaks and control characters from {variable}")),
            None => error,
        }
    }

    /// Creates the error for a response whose head did not come in time.
    pub(super) fn no_head(&self, mark: &SentMark) -> Error {
        let Endpoint { timeout, idle_timeout, .. } = self.endpoint;
        let (setting, limit) = match timeout < idle_timeout {
            true => ("timeout_s", *timeout),
            false => ("idle_timeout_s", *idle_timeout),
        };
        match (mark.is_set(), setting) {
            (true, "timeout_s") => self.timeout("did not finish", setting, limit),
            (true, _) => self.timeout("sent nothing", setting, limit),
            (false, _) => {
                let what = format!("could not be reached: no connection within {limit:?}");
                self.error(Category::Network, &what).with_nothing_sent()
            }
        }
    }

    /// Creates the error for a stream whose answer did not begin in time.
    pub(super) fn not_begun(&self, status: StatusCode) -> Error {
        let idle = self.endpoint.idle_timeout;
        self.timeout("did not begin its answer", "idle_timeout_s", idle)
            .with_http_status(status.as_u16())
    }

    /// Creates the error for a failure of the transport.
    pub(super) fn transport(&self, error: TransportError) -> Error {
        let (category, what) = match error.phase {
            Phase::OutOfResources => (Category::Internal, "was not asked"),
            Phase::Interrupted => (Category::Internal, "was not heard to its end"),
            Phase::Setting => (Category::Network, "was not asked"),
            Phase::Connect => (Category::Network, "could not be reached"),
            Phase::Refused => (Category::Network, "did not take the request"),
            Phase::Send => (Category::Network, "went away before it answered"),
            Phase::Body => (Category::Truncated, "broke off in the middle of its answer"),
        };
        let what = format!("{what}: {}", self.sentence(&error.message));
        let TransportError { phase, hint, .. } = error;
        let source = TransportError::new(phase, self.sentence(&error.message));
        let failure = self.error(category, &what).with_source(source);
        match phase {
            Phase::OutOfResources => failure.with_nothing_sent().with_hint(OUT_OF_RESOURCES),
            Phase::Setting => {
                let failure = failure.with_nothing_sent().with_lasting_cause();
                hint.into_iter().fold(failure, Error::with_hint)
            }
            Phase::Connect | Phase::Refused => failure.with_nothing_sent(),
            Phase::Interrupted => failure.with_lasting_cause().with_hint(INTERRUPTED_HINT),
            Phase::Send | Phase::Body => failure,
        }
    }

    /// Creates the error for a response with an error status.
    pub(super) fn refused(
        &self,
        status: StatusCode,
        category: Category,
        report: &ErrorReport,
    ) -> Error {
        let said = self.said(report).or_else(|| Some(status.canonical_reason()?.to_lowercase()));
        let what = match said {
            Some(said) => format!("answered {}: {said}", status.as_u16()),
            None => format!("answered {}", status.as_u16()),
        };
        let error = self.error(category, &what).with_http_status(status.as_u16());
        match advice::about(self.endpoint, self.call, self.path, &error, report) {
            Some(hint) => error.with_hint(self.scrubber.scrub(&hint)),
            None => error,
        }
    }

    /// Creates the error for a stream that contains an error.
    pub(super) fn broke_off(
        &self,
        status: StatusCode,
        category: Category,
        report: &ErrorReport,
    ) -> Error {
        let what = match self.said(report) {
            Some(said) => format!("broke off with an error: {said}"),
            None => "broke off with an error".to_owned(),
        };
        self.error(category, &what).with_http_status(status.as_u16())
    }

    /// Returns the provider's own sentence in a form that can be shown; `None` if there is none.
    fn said(&self, report: &ErrorReport) -> Option<String> {
        let sentence = self.sentence(report.message.as_deref()?);
        (!sentence.is_empty()).then_some(sentence)
    }

    /// Creates the error for a body that is no answer of the dialect, or that ends too early.
    pub(super) fn malformed(
        &self,
        status: StatusCode,
        body: &[u8],
        error: &serde_json::Error,
    ) -> Error {
        let dialect = self.endpoint.dialect.as_str();
        let (category, what) = if body.is_empty() {
            (Category::BadResponse, "with an empty body".to_owned())
        } else if error.is_eof() {
            (Category::Truncated, "with JSON that ends too early".to_owned())
        } else {
            let why = self.sentence(&error.to_string());
            (Category::BadResponse, format!("with a body that is no {dialect} answer: {why}"))
        };
        // The error itself is not kept as a source: it quotes the body, where escapes may hide a
        // key.
        self.error(category, &format!("answered {} {what}", status.as_u16()))
            .with_http_status(status.as_u16())
    }

    /// Creates the error for a stream with an event that does not belong to the dialect.
    pub(super) fn malformed_event(&self, status: StatusCode, why: &str) -> Error {
        let dialect = self.endpoint.dialect.as_str();
        let (status, why) = (status.as_u16(), self.sentence(why));
        let what = format!("answered {status} with a stream that is no {dialect} answer: {why}");
        self.error(Category::BadResponse, &what).with_http_status(status)
    }

    /// Creates the error for a stream that ended before its answer was complete.
    pub(super) fn ended_early(&self, status: StatusCode) -> Error {
        self.error(Category::Truncated, "ended its stream before the end of its answer")
            .with_http_status(status.as_u16())
    }

    /// Removes keys from an answer, because a JSON escape may have hidden one from the scrubber of
    /// the bytes. Names that a server made up are cut to the length of a usual one.
    pub(super) fn presentable(&self, mut completion: Completion) -> Completion {
        for OutputPart::Text(text) in &mut completion.parts {
            *text = self.scrubber.scrub(text);
        }
        let Completion { model, response_id, service_tier, .. } = &mut completion;
        for name in [model, response_id, service_tier].into_iter().flatten() {
            *name = self.name(name);
        }
        completion
    }

    /// Adds the usage and the model by which a failed attempt is billed, if the provider sent them.
    pub(super) fn billed(&self, error: Error, usage: Option<Usage>, model: Option<&str>) -> Error {
        let Some(usage) = usage else { return error };
        match model {
            Some(model) => error.with_usage(usage).with_answered_by(self.name(model)),
            None => error.with_usage(usage),
        }
    }

    /// Returns a name that a server made up, without keys and cut to the length of a usual one. The
    /// order matters: a cut could leave most of a key.
    fn name(&self, name: &str) -> String {
        self.scrubber.scrub(name).chars().take(LONGEST_KEPT_ID).collect()
    }

    /// Creates the error for an answer that is well-formed but holds no text.
    pub(super) fn unusable(&self, status: StatusCode, unusable: UnusableAnswer) -> Error {
        let error = self
            .error(unusable.category, &self.sentence(&unusable.message))
            .with_http_status(status.as_u16());
        let usage = unusable.usage.map(|reported| reported.usage);
        let error = self.billed(error, usage, unusable.model.as_deref());
        match unusable.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// Returns a provider's text in a form that can be shown: without control characters (a
    /// terminal would obey them), without keys, and not too long. The order matters: a key may hide
    /// behind a control character or a JSON escape, and a cut could leave half of a key.
    fn sentence(&self, text: &str) -> String {
        let visible = printable(&single_spaced(text), usize::MAX);
        let clean = self.scrubber.scrub(&visible);
        match clean.char_indices().nth(LONGEST_SENTENCE) {
            Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
            None => clean,
        }
    }
}
