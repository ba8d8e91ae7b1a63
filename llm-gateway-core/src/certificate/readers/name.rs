//! The names in a response: the id of the model that answered, and the id of the response.

use std::borrow::Cow;

use serde_json::Value;

use crate::certificate::canonical;
use crate::model::LONGEST_RECEIPT_NAME;

/// The number of characters that are kept of a value that is no name, or of a name that is too
/// long.
const SHOWN: usize = 64;

/// A name as a response reports it, if any. Null and the empty text count as absent. Of a value
/// that is no text, the beginning is kept as it is written, so that it can be compared and is
/// recognised as no known id.
#[derive(Debug, Default)]
pub(super) struct ReportedName(pub(super) Option<String>);

impl ReportedName {
    /// Reads the name in a field.
    pub(super) fn at(field: Option<&Value>) -> Self {
        Self(match field {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(other) => Some(other.to_string().chars().take(SHOWN).collect()),
        })
    }

    /// Returns the name in the form in which it is stored. A name that is too long for a receipt is
    /// stored as its beginning and its digest, so that two names are equal only if they are equal
    /// to the end.
    pub(super) fn kept(&self) -> Option<Cow<'_, str>> {
        let name = self.0.as_deref()?;
        if name.len() <= LONGEST_RECEIPT_NAME {
            return Some(Cow::Borrowed(name));
        }
        let start: String = name.chars().take(SHOWN).collect();
        Some(Cow::Owned(format!("{start}… (SHA-256 {})", canonical::plain_digest(&name))))
    }
}
