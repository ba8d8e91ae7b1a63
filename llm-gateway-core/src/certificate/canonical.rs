//! The canonical form (RFC 8785) of receipts and bundles, and the digests over them.
//!
//! The form fixes the order of keys and the form of numbers and strings, and leaves out all white
//! space, so equal documents are equal bytes. A document that is read must be in this form, so that
//! it has exactly one digest.

use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

/// The salt of a receipt: 32 random bytes that go into the digests of its requests, responses and
/// evidence. Without them nobody can confirm a guessed prompt by its digest. Draw a new salt for
/// each receipt; the bundle contains it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Salt(String);

impl Salt {
    /// Makes a salt of 32 random bytes.
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

/// Error of a text that is neither a salt nor a digest, because it is not 64 hex digits. It holds
/// what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is 64 hex digits")]
pub struct InvalidHex(&'static str);

/// Writes a document as JSON in canonical form (RFC 8785).
pub(super) fn to_bytes(document: &impl Serialize) -> Vec<u8> {
    // This fails only for a map whose keys are not strings, and no document here has such a map.
    serde_json_canonicalizer::to_vec(document).unwrap_or_default()
}

/// Reads a JSON document that must be in canonical form (RFC 8785). White space at the end is
/// allowed, because editors add a line feed there.
pub(super) fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Unread> {
    let bytes = bytes.trim_ascii_end();
    let document: T =
        serde_json::from_slice(bytes).map_err(|error| Unread::Form(parse_failure(&error)))?;
    if to_bytes(&document) == bytes { Ok(document) } else { Err(Unread::NotCanonical) }
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
pub(super) enum Unread {
    /// Bytes that are not a document of the expected shape; the text says why.
    #[error("{0}")]
    Form(String),
    /// A document of the expected shape that is not in the canonical form in which it was issued.
    #[error("it is not in the canonical form (RFC 8785) in which it was issued")]
    NotCanonical,
}

/// Returns the SHA-256 of a document's canonical JSON, in hex.
pub(super) fn plain_digest(document: &impl Serialize) -> String {
    hex(&Sha256::digest(to_bytes(document)))
}

/// Returns a document's salted digest: the SHA-256, in hex, over the salt's 64 hex digits, the
/// document's `kind`, a zero byte, the canonical bytes of its `head` and the bytes of its `body`. A
/// digest of one kind can therefore never stand for another kind, and a head, which is a list, ends
/// where its bracket closes.
pub(super) fn salted_digest(salt: &Salt, kind: &str, head: &impl Serialize, body: &[u8]) -> String {
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
