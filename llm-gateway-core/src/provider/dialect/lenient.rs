//! Deserializers that ignore an unreadable field instead of refusing the whole answer.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Deserializes a value, or `None` if it is not what is expected: an answer that was paid for is
/// not thrown away for an odd id or an odd count beside it.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// Deserializes the name of a model or a response as [`lenient`] does. An empty name counts as
/// absent: proxies write one where they know no name, and Azure beside its filter's result.
pub(crate) fn name<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(lenient::<D, String>(deserializer)?.filter(|name| !name.is_empty()))
}
