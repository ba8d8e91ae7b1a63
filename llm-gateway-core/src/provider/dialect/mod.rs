//! A wire format as pure functions, and the rules that every format shares.
//!
//! Each dialect ([`openai`], [`anthropic`], [`gemini`]) implements [`WireFormat`]: bytes out, bytes
//! in, no I/O, no clock. Its decoder brings an answer into a [`DecodedAnswer`] and a refusal into a [`ErrorReport`]; what those
//! mean (success, or which [`Category`]) is decided here, once, for all of them.

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

/// A wire format.
pub(crate) trait WireFormat: Send + Sync + 'static {
    /// What puts a streamed answer together.
    type Stream: Assembly;

    /// What the provider's error codes mean. A code that says no more than its status has
    /// no place here.
    const CODES: &'static [(&'static str, Category)];

    /// What a general name means where no status says more: in the middle of a stream.
    const GENERAL: &'static [(&'static str, Category)] = &[];

    /// Failures that the provider tells apart by their sentence alone: the general code they
    /// come with, how the sentence starts, what it means. The only place where anyone reads
    /// message text; each row has a fixture.
    const MESSAGES: &'static [(&'static str, &'static str, Category)];

    /// What stands behind the endpoint's base URL.
    fn path(call: &Call, delivery: Delivery) -> String;

    /// The headers that the format wants, besides the content type.
    fn headers() -> HeaderMap;

    /// How the key travels.
    fn credential(secret: Secret) -> Credential;

    /// The body of the request. Fields stand in a fixed order, so equal calls are equal bytes.
    fn encode(call: &Call, delivery: Delivery) -> serde_json::Result<Vec<u8>>;

    /// Reads a whole answer. A body that ended too early is an error for which
    /// [`is_eof`](serde_json::Error::is_eof) is true.
    fn decode(body: &[u8]) -> serde_json::Result<DecodedAnswer>;

    /// Reads the error object of a body or of an event, whatever the status; `None` when it
    /// has none.
    fn decode_error(body: &[u8]) -> Option<ErrorReport>;

    /// What a refusal means: by its documented sentence, else by its code, else by the status.
    fn classify(status: StatusCode, report: &ErrorReport) -> Category {
        by_message(Self::MESSAGES, report).or_else(|| by_code(Self::CODES, report)).unwrap_or_else(
            || match by_status(report.status_in(status)) {
                Category::BadResponse => {
                    by_code(Self::GENERAL, report).unwrap_or(Category::BadResponse)
                }
                told => told,
            },
        )
    }
}

fn by_message(
    table: &[(&'static str, &'static str, Category)],
    report: &ErrorReport,
) -> Option<Category> {
    let message = report.message.as_deref()?;
    // The start, because a message may quote the prompt further on.
    let row = table.iter().find(|(code, start, _)| {
        message.starts_with(start) && report.codes.iter().any(|known| known == code)
    })?;
    Some(row.2)
}

fn by_code(table: &[(&'static str, Category)], report: &ErrorReport) -> Option<Category> {
    let meaning = |code: &String| table.iter().find(|(known, _)| known == code);
    report.codes.iter().find_map(meaning).map(|&(_, category)| category)
}

/// What a status means when no code says more.
fn by_status(status: StatusCode) -> Category {
    match status.as_u16() {
        401 | 403 => Category::Auth,
        402 => Category::Quota,
        404 => Category::ModelNotFound,
        408 => Category::Timeout,
        413 => Category::ContextLength,
        429 => Category::RateLimit,
        400..=499 => Category::InvalidRequest,
        // Not registered with IANA; Anthropic's "overloaded".
        529 => Category::Overloaded,
        500..=599 => Category::Provider5xx,
        // A redirect, or an error object in a 200.
        _ => Category::BadResponse,
    }
}

#[cfg(test)]
mod tests;
