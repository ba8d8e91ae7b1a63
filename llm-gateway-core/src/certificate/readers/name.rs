//! The names in a response: the id of the model that answered, and the id of the response.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::PartialResponse;

/// How many bytes a name may have. Ids of models have at most 128 characters.
const LONGEST_NAME: usize = 256;

/// A name as a response reports it, if it does. Null and the empty text count as absent. A number
/// is kept as it is written: it can then be compared, and is seen not to be a known id.
#[derive(Debug, Default)]
pub(super) struct ReportedName(pub(super) Option<String>);

impl<'de> Deserialize<'de> for ReportedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }))
    }
}

impl ReportedName {
    /// Stores the name in its place. All events of a stream must report the same name.
    ///
    /// # Errors
    /// The place already has another name, or the name is too long.
    pub(super) fn settle(&self, place: &mut Option<String>, what: &str) -> Result<(), String> {
        match (&self.0, place.as_deref()) {
            (None, _) => Ok(()),
            (Some(name), _) if name.len() > LONGEST_NAME => {
                Err(format!("its {what} is longer than {LONGEST_NAME} bytes"))
            }
            (Some(name), None) => {
                *place = Some(name.clone());
                Ok(())
            }
            (Some(name), Some(known)) if name == known => Ok(()),
            (Some(name), Some(known)) => {
                Err(format!("it names the {what} twice, as {known} and as {name}"))
            }
        }
    }
}

impl PartialResponse {
    /// Takes the id of the response. Some servers give each event of a stream an id of its own
    /// (<https://github.com/microsoft/foundry-local/issues/144>); the whole response then has none.
    ///
    /// # Errors
    /// The id is too long.
    pub(super) fn identify(&mut self, id: &ReportedName) -> Result<(), String> {
        match (&id.0, &self.reply.response_id) {
            (Some(id), Some(known)) if id != known => self.is_numbered = true,
            _ => id.settle(&mut self.reply.response_id, "response id")?,
        }
        Ok(())
    }
}
