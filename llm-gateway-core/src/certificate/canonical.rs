//! The canonical form (RFC 8785) of receipts and bundles, and the digests over them.
//!
//! The form fixes the order of keys and the form of numbers and strings, and leaves out all white
//! space, so equal documents are equal bytes. Any JSON tool may have rewritten a document before it
//! is read. The document's canonical form is unchanged by that, and so is its digest.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{effort, json};

/// The salt of a receipt: 32 random bytes that go into the digests of its requests, responses and
/// evidence. Without them nobody can confirm a guessed prompt by its digest. Draw a new salt for
/// each receipt; the bundle contains it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Salt(String);

impl Salt {
    /// Creates a salt from 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(hex(&bytes))
    }
}

impl TryFrom<String> for Salt {
    type Error = InvalidHex;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_hex(&text) { Ok(Self(text)) } else { Err(InvalidHex("a salt")) }
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// The digest that names a receipt, as its envelope shows it: SHA-256 in lower-case hex.
///
/// ```
/// use llm_gateway_core::certificate::ReceiptDigest;
///
/// assert!("ab".repeat(32).parse::<ReceiptDigest>().is_ok());
/// let error = "ab".parse::<ReceiptDigest>().unwrap_err();
/// assert_eq!(error.to_string(), "a receipt's digest is 64 hex digits");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptDigest(String);

impl ReceiptDigest {
    /// Returns the digest that a receipt states, which may be any text. A receipt is checked before
    /// its digest is believed.
    pub(super) fn stated(text: String) -> Self {
        Self(text)
    }

    /// Reads the digest that a receipt states.
    pub(super) fn read_stated<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::stated)
    }

    /// Returns the digest as 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReceiptDigest {
    type Err = InvalidHex;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match is_hex(text) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(InvalidHex("a receipt's digest")),
        }
    }
}

impl fmt::Display for ReceiptDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Error of a text that is neither a salt nor a digest, because it is not 64 hex digits. The field
/// names what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is 64 hex digits")]
pub struct InvalidHex(&'static str);

/// Writes a document as JSON in canonical form (RFC 8785).
pub(super) fn to_bytes(document: &impl Serialize) -> Vec<u8> {
    // This fails only for a map whose keys are not strings, and no document here has such a map.
    let bytes = serde_json_canonicalizer::to_vec(document).unwrap_or_default();
    effort::add(bytes.len());
    bytes
}

/// The factor by which a document that a tool has rewritten may be larger than its canonical form.
/// Indentation doubles a receipt, and `\u` escapes triple a text that is not ASCII.
pub(super) const REWRITTEN: usize = 4;

/// The largest number of values of a document that a tool has rewritten: a thousand for each call
/// of the largest run.
const MOST_REWRITTEN_VALUES: usize = 1 << 22;

/// A document that was read, and how it was written.
#[derive(Debug)]
pub(super) struct OpenedDocument<T> {
    pub(super) document: T,
    /// Whether the document is written in another form than the canonical one.
    pub(super) is_reformatted: bool,
}

/// Reads a JSON document, in canonical form or rewritten by a JSON tool: with other white space,
/// order of keys, escapes, spelling of numbers or encoding. Its canonical form must have at most
/// `largest` bytes.
pub(super) fn read<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    largest: usize,
) -> Result<OpenedDocument<T>, ReadFailure> {
    let as_issued = serde_json::from_slice(bytes).ok();
    if let Some(document) = as_issued.filter(|document: &T| to_bytes(document) == bytes) {
        return Ok(OpenedDocument { document, is_reformatted: false });
    }
    let value =
        json::parse_within(MOST_REWRITTEN_VALUES, &decoded(bytes)).map_err(|error| match error
            .classify()
        {
            serde_json::error::Category::Data => ReadFailure::Ambiguous(error.to_string()),
            _ => ReadFailure::Form(parse_failure(&error)),
        })?;
    let value = with_whole_numbers(value);
    let canonical = to_bytes(&value);
    if canonical.len() > largest {
        return Err(ReadFailure::Form(format!("it is larger than {largest} bytes")));
    }
    let document: T =
        serde_json::from_value(value).map_err(|error| ReadFailure::Form(parse_failure(&error)))?;
    // What a reader passes over or takes for the same, such as a list for a set, would be a
    // difference that no digest shows.
    match to_bytes(&document) == canonical {
        true => Ok(OpenedDocument { document, is_reformatted: true }),
        false => Err(ReadFailure::NotAsIssued),
    }
}

/// Returns the bytes of a document in UTF-8, without a byte order mark. Some tools write UTF-16,
/// which the byte order mark shows.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
        text.ok().filter(|_| rest.is_empty()).map(|text| Cow::Owned(text.into_bytes()))
    };
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => Cow::Borrowed(text),
        [0xff, 0xfe, text @ ..] => utf16(text, u16::from_le_bytes).unwrap_or(Cow::Borrowed(bytes)),
        [0xfe, 0xff, text @ ..] => utf16(text, u16::from_be_bytes).unwrap_or(Cow::Borrowed(bytes)),
        _ => Cow::Borrowed(bytes),
    }
}

/// Writes each number that is whole without a fraction and an exponent: `1.0` and `1e0` are 1. They
/// are one number in JSON, and have one canonical form.
fn with_whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            // Each number below 2^64 that has no fraction is one of the type.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some(float)
                if float.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&float) =>
            {
                Value::from(float as u64)
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(with_whole_numbers).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, field)| (key, with_whole_numbers(field))).collect()
        }
        other => other,
    }
}

/// Describes why bytes could not be parsed: they are not JSON, or JSON of another shape.
pub(super) fn parse_failure(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            format!("it is not JSON: {error}")
        }
        _ => error.to_string(),
    }
}

/// The reason why a receipt or a bundle could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadFailure {
    /// Bytes that are not a document of the expected shape; the text says why.
    #[error("{0}")]
    Form(String),
    /// A document that two readers may take for two different ones; the text says why.
    #[error("it has no single reading: {0}")]
    Ambiguous(String),
    /// A document of the expected shape whose content no gateway writes in this way.
    #[error("it differs from what a gateway writes in more than its form")]
    NotAsIssued,
}

/// Returns the SHA-256 of a document's canonical JSON, in hex.
pub(super) fn plain_digest(document: &impl Serialize) -> String {
    hex(&Sha256::digest(to_bytes(document)))
}

/// Returns a document's salted digest: the SHA-256, in hex, over the salt's 64 hex digits, the
/// document's `kind`, a zero byte, the canonical bytes of its `head` and the bytes of its `body`. A
/// digest of one kind can therefore never be taken for one of another kind, and a head, which is a
/// list, ends where its bracket closes.
pub(super) fn salted_digest(salt: &Salt, kind: &str, head: &impl Serialize, body: &[u8]) -> String {
    effort::add(body.len());
    let digest = Sha256::new()
        .chain_update(&salt.0)
        .chain_update(kind)
        .chain_update([0])
        .chain_update(to_bytes(head))
        .chain_update(body)
        .finalize();
    hex(&digest)
}

/// Returns whether a text consists of 64 hex digits, which are 32 bytes.
fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
