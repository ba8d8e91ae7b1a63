//! The names in a response: the id of the model that answered, and the id of the response.

use serde_json::Value;

/// How many bytes a name may have. Ids of models have at most 128 characters.
const LONGEST_NAME: usize = 256;

/// How many characters of something that is no name are kept in the place of one.
const SHOWN_JSON: usize = 64;

/// A name as a response reports it, if it does. Null and the empty text count as absent. Of anything
/// else the beginning is kept as it is written: it can then be compared, and is seen not to be a
/// known id.
#[derive(Debug, Default)]
pub(super) struct ReportedName(pub(super) Option<String>);

impl ReportedName {
    /// Reads the name in a field.
    pub(super) fn at(field: Option<&Value>) -> Self {
        Self(match field {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(other) => Some(other.to_string().chars().take(SHOWN_JSON).collect()),
        })
    }

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
