//! One way to write a document, and the digests over it.
//!
//! RFC 8785 fixes the order of keys and the form of numbers and strings, and leaves out all
//! space: equal documents are equal bytes.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The canonical bytes of a document.
pub(super) fn to_bytes(document: &impl Serialize) -> Vec<u8> {
    // Fails only for a map whose keys are no strings, and no document of this room has one.
    serde_json_canonicalizer::to_vec(document).unwrap_or_default()
}

/// SHA-256 over the canonical bytes, in hex.
pub(super) fn plain_digest(document: &impl Serialize) -> String {
    hex(&Sha256::digest(to_bytes(document)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
