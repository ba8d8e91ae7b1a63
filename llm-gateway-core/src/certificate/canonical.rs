//! One way to write a document, and the digests over it.
//!
//! RFC 8785 fixes the order of keys and the form of numbers and strings, and leaves out all
//! space: equal documents are equal bytes. What is read back must be in that form, so that a
//! document has one name only.

use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// 32 bytes that make the digest of a prompt that can be guessed useless without them. Draw
/// them anew for each receipt; the bundle holds them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Salt(String);

impl Salt {
    /// Takes 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(hex(&bytes))
    }
}

impl TryFrom<String> for Salt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_hex(&text) { Ok(Self(text)) } else { Err("a salt is 64 hex digits") }
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// The name of a receipt, as its envelope gives it: SHA-256, in lower case hex.
///
/// ```
/// use llm_gateway_core::certificate::ReceiptDigest;
///
/// assert!("ab".repeat(32).parse::<ReceiptDigest>().is_ok());
/// assert!("ab".parse::<ReceiptDigest>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptDigest(String);

impl ReceiptDigest {
    /// The 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReceiptDigest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match is_hex(text) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err("a receipt's digest is 64 hex digits"),
        }
    }
}

/// The canonical bytes of a document.
pub(super) fn to_bytes(document: &impl Serialize) -> Vec<u8> {
    // Fails only for a map whose keys are no strings, and no document of this room has one.
    serde_json_canonicalizer::to_vec(document).unwrap_or_default()
}

/// Reads a document that is in its canonical form. A line feed at its end is the editor's.
pub(super) fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Unread> {
    let bytes = bytes.trim_ascii_end();
    let document: T =
        serde_json::from_slice(bytes).map_err(|error| Unread::Form(misfit(&error)))?;
    if to_bytes(&document) == bytes { Ok(document) } else { Err(Unread::NotCanonical) }
}

/// Why bytes are no such document: they are no JSON, or JSON of something else.
pub(super) fn misfit(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            format!("it is not JSON: {error}")
        }
        _ => error.to_string(),
    }
}

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// It is no such document.
    #[error("{0}")]
    Form(String),
    /// It is one, but not as it was issued.
    #[error("it is not in the canonical form (RFC 8785) in which it was issued")]
    NotCanonical,
}

/// SHA-256 over the canonical bytes, in hex.
pub(super) fn plain_digest(document: &impl Serialize) -> String {
    hex(&Sha256::digest(to_bytes(document)))
}

/// SHA-256, in hex, over the salt's 64 hex digits, what the document is, a zero byte, the
/// canonical bytes of its head and the bytes of its body: a digest of one kind never stands for
/// another, and a head, which is a list, ends where its bracket closes.
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

/// Whether a text is 32 bytes in hex.
fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
