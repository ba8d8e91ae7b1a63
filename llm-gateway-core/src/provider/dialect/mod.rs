//! Wire formats as pure functions, and the rules that every format shares.
//!
//! Each dialect ([`openai`], [`anthropic`], [`gemini`]) implements [`WireFormat`]: bytes out, bytes
//! in, no I/O, no clock. A dialect decodes an answer into a [`DecodedAnswer`] and an error into an
//! [`ErrorReport`]. Their meaning is decided once for all dialects: [`json`] and [`lenient`] decide
//! which text is JSON, [`reasons`] why a model stopped, [`counts`] how many tokens it used, and
//! [`classify`](mod@classify) which category an error has. [`http`](super::http) sends the bytes.

mod anthropic;
mod asked_wait;
mod assembly;
mod classify;
mod counts;
mod decoded;
mod error_report;
mod error_words;
mod gemini;
mod json;
mod lenient;
mod openai;
mod reasons;

use http::HeaderMap;

use super::Call;
use crate::credential::Secret;
use crate::model::Delivery;
use crate::transport::Credential;

pub(super) use self::anthropic::Anthropic;
pub(super) use self::assembly::{Assembly, Completeness, is_object};
pub(super) use self::classify::classify;
pub(super) use self::decoded::{
    DecodedAnswer, UnusableAnswer, is_no_answer, text_behind_thinking, without_text,
    without_thinking,
};
pub(super) use self::error_report::ErrorReport;
pub(super) use self::gemini::Gemini;
pub(super) use self::openai::OpenAi;

/// A wire format, implemented once by each dialect.
pub(crate) trait WireFormat: Send + Sync + 'static {
    /// The assembly of a streamed answer from its events.
    type Stream: Assembly;

    /// Returns the path of a request, which follows the endpoint's base URL.
    fn path(call: &Call, delivery: Delivery) -> String;

    /// Returns the headers that the format requires, besides the content type.
    fn headers() -> HeaderMap;

    /// Returns the header in which the key travels.
    fn credential(secret: Secret) -> Credential;

    /// Encodes the body of a request. Fields have a fixed order, so equal calls have equal bytes.
    fn encode(call: &Call, delivery: Delivery) -> serde_json::Result<Vec<u8>>;

    /// Decodes a whole answer.
    ///
    /// # Errors
    /// Fails with what is wrong with the body. If the body ended too early,
    /// [`is_eof`](serde_json::Error::is_eof) is true.
    fn decode(body: &[u8]) -> serde_json::Result<DecodedAnswer>;

    /// Decodes the error object of a body or of an event, whatever the status. Returns `None` if
    /// there is none.
    fn decode_error(body: &[u8]) -> Option<ErrorReport>;
}

#[cfg(test)]
mod tests;
