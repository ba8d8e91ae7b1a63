//! Fields that are read as far as they can be.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads what can be read, and takes the rest for absent: a paid answer is not thrown away for
/// an odd id or an odd count beside it.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// Reads the name of a model or a response as leniently. An empty one names nothing: proxies write it
/// where they know none, Azure beside what its filter says.
pub(crate) fn name<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(lenient::<D, String>(deserializer)?.filter(|name| !name.is_empty()))
}
