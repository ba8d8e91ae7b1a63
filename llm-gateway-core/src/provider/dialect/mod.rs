//! Wire formats as pure functions, and the rules that every format shares.
//!
//! Each dialect ([`openai`], [`anthropic`], [`gemini`]) implements [`WireFormat`]: bytes out, bytes
//! in, no I/O, no clock. A dialect decodes an answer into a [`DecodedAnswer`] and an error into an
//! [`ErrorReport`]. What those mean (success, or which [`Category`]) is decided here, once, for all
//! dialects. Sending the bytes is the business of [`http`](super::http).

mod anthropic;
mod assembly;
mod decoded;
mod error_report;
mod gemini;
mod lenient;
mod openai;

use http::{HeaderMap, StatusCode};

use super::Call;
use crate::credential::Secret;
use crate::error::Category;
use crate::model::Delivery;
use crate::transport::Credential;

pub(super) use self::anthropic::Anthropic;
pub(super) use self::assembly::{Assembly, Completeness};
pub(super) use self::decoded::{DecodedAnswer, UnusableAnswer};
pub(super) use self::error_report::ErrorReport;
pub(super) use self::gemini::Gemini;
pub(super) use self::openai::OpenAi;

/// A wire format, implemented once by each dialect.
pub(crate) trait WireFormat: Send + Sync + 'static {
    /// Puts the events of a streamed answer together.
    type Stream: Assembly;

    /// The category of each of the provider's error codes. A code that says no more than its
    /// status is left out.
    const CODES: &'static [(&'static str, Category)];

    /// The category of each general error name, used where no status says more: in the middle of a
    /// stream.
    const GENERAL: &'static [(&'static str, Category)] = &[];

    /// Failures that the provider distinguishes by their sentence alone. A row holds the general
    /// code that such a failure comes with, the start of its sentence, and its category. No other
    /// code of the gateway reads message text to decide; each row has a fixture.
    const MESSAGES: &'static [(&'static str, &'static str, Category)];

    /// Returns the path of a request, which follows the endpoint's base URL.
    fn path(call: &Call, delivery: Delivery) -> String;

    /// Returns the headers that the format requires, besides the content type.
    fn headers() -> HeaderMap;

    /// Returns the header in which the key travels.
    fn credential(secret: Secret) -> Credential;

    /// Encodes the body of a request. Fields stand in a fixed order, so equal calls are equal
    /// bytes.
    fn encode(call: &Call, delivery: Delivery) -> serde_json::Result<Vec<u8>>;

    /// Decodes a whole answer.
    ///
    /// # Errors
    /// Fails with what is wrong with the body. Of a body that ended too early,
    /// [`is_eof`](serde_json::Error::is_eof) is true.
    fn decode(body: &[u8]) -> serde_json::Result<DecodedAnswer>;

    /// Decodes the error object of a body or of an event, whatever the status. Returns `None` if
    /// there is none.
    fn decode_error(body: &[u8]) -> Option<ErrorReport>;

    /// Returns the category of an error: by its documented sentence, else by its code, else by the
    /// status.
    fn classify(status: StatusCode, report: &ErrorReport) -> Category {
        by_message(Self::MESSAGES, report).or_else(|| by_code(Self::CODES, report)).unwrap_or_else(
            || match by_status(report.status_in(status)) {
                Category::BadResponse => {
                    by_code(Self::GENERAL, report).unwrap_or(Category::BadResponse)
                }
                category => category,
            },
        )
    }
}

/// Returns the category of the row whose code and sentence an error has.
fn by_message(
    table: &[(&'static str, &'static str, Category)],
    report: &ErrorReport,
) -> Option<Category> {
    let message = report.message.as_deref()?;
    // Only the start counts, because a message may quote the prompt further on.
    let row = table.iter().find(|(code, start, _)| {
        message.starts_with(start) && report.codes.iter().any(|known| known == code)
    })?;
    Some(row.2)
}

/// Returns the category of the first of an error's codes that the table has.
fn by_code(table: &[(&'static str, Category)], report: &ErrorReport) -> Option<Category> {
    let meaning = |code: &String| table.iter().find(|(known, _)| known == code);
    report.codes.iter().find_map(meaning).map(|&(_, category)| category)
}

/// Returns the category of a status, used when no code says more.
fn by_status(status: StatusCode) -> Category {
    match status.as_u16() {
        401 | 403 => Category::Auth,
        402 => Category::Quota,
        404 => Category::ModelNotFound,
        408 => Category::Timeout,
        413 => Category::ContextLength,
        429 => Category::RateLimit,
        400..=499 => Category::InvalidRequest,
        // 529 is not registered with IANA. Anthropic means "overloaded" by it.
        529 => Category::Overloaded,
        500..=599 => Category::Provider5xx,
        // What is left is a redirect, or an error object in a 200.
        _ => Category::BadResponse,
    }
}

#[cfg(test)]
mod tests;
