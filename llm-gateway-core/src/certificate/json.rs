//! A strict JSON parser, and the leaves of a JSON document.
//!
//! A key that occurs twice in one object is an error: two parsers may use different values of the
//! two, so a request could mean one thing to this reader and another to the model.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::effort;
use crate::model::printable;

/// The largest number of characters of a JSON pointer that is shown. The document, and so the
/// pointer, may come from a stranger.
const SHOWN_POINTER: usize = 160;

/// The largest number of characters of a leaf's keys that count as its text.
const LONGEST_KEYS: usize = 4_096;

/// The largest number of values that a JSON document may have. A request of this gateway has a few
/// for each part of its prompt.
const MOST_VALUES: usize = 65_536;

/// Parses one complete JSON document strictly. The document may be a stranger's bundle or a
/// verifier's reply, so its depth is bounded by serde_json (128 levels) and its size by
/// [`MOST_VALUES`].
///
/// # Errors
/// The bytes are not one JSON document, a key occurs twice in one object, or a bound is exceeded.
pub(crate) fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    parse_within(MOST_VALUES, bytes)
}

/// Parses one complete JSON document as strictly as [`parse`] does, of at most `most` values.
///
/// # Errors
/// The errors of [`parse`]. The error belongs to [`serde_json::error::Category::Data`] if the bytes
/// are JSON and a key occurs twice or a bound is exceeded.
pub(super) fn parse_within(most: usize, bytes: &[u8]) -> serde_json::Result<Value> {
    effort::add(bytes.len());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let left = Cell::new(most);
    let value = StrictBuilder { left: &left }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// A builder of a JSON [`Value`] that fails if a key occurs twice in one object.
#[derive(Clone, Copy)]
struct StrictBuilder<'a> {
    /// The number of further values that the document may have.
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for StrictBuilder<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| D::Error::custom("there are too many values"))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictBuilder<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice in one object"));
            }
        }
        Ok(Value::Object(object))
    }
}

/// One step on the path into a JSON document: a key or an index. The key `"0"` is not the index 0,
/// although a JSON pointer writes both in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathStep<'a> {
    Key(&'a str),
    Index(usize),
}

/// A JSON value that contains no other value: a string, number, bool, null, or an empty list or
/// object.
pub(super) struct Leaf<'a> {
    /// Path from the document's root to the value, step by step.
    pub(super) path: Vec<PathStep<'a>>,
    pub(super) value: &'a Value,
}

impl Leaf<'_> {
    /// Returns the place of the leaf as an RFC 6901 pointer, cut to a printable length.
    pub(super) fn pointer(&self) -> String {
        let cut = |key: &str| key.chars().take(SHOWN_POINTER).collect::<String>();
        let escape = |key: String| key.replace('~', "~0").replace('/', "~1");
        let step = |step: &PathStep<'_>| match step {
            PathStep::Key(key) => format!("/{}", escape(cut(key))),
            PathStep::Index(index) => format!("/{index}"),
        };
        let pointer: String = self.path.iter().map(step).collect();
        printable(&pointer, SHOWN_POINTER)
    }

    /// Returns the keys on the way to the leaf, followed by its string value. Keys count because a
    /// key may carry a text as well.
    pub(super) fn text(&self) -> String {
        let keys = self.path.iter().filter_map(|step| match step {
            PathStep::Key(key) => Some(*key),
            PathStep::Index(_) => None,
        });
        // One long key may be above many leaves.
        let keys = keys.flat_map(|key| key.chars().chain([' ']));
        let mut text: String = keys.take(LONGEST_KEYS).collect();
        text.push_str(self.value.as_str().unwrap_or_default());
        text
    }
}

/// Returns every leaf of a JSON document, in document order.
pub(super) fn leaves(value: &Value) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    walk(value, &mut Vec::new(), &mut found);
    found
}

/// Collects the leaves below a JSON value. The recursion is at most as deep as [`parse`] allows.
fn walk<'a>(value: &'a Value, path: &mut Vec<PathStep<'a>>, found: &mut Vec<Leaf<'a>>) {
    let mut step = |step, value| {
        path.push(step);
        walk(value, path, found);
        path.pop();
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(n, item)| step(PathStep::Index(n), item));
        }
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(key, field)| step(PathStep::Key(key), field));
        }
        _ => found.push(Leaf { path: path.clone(), value }),
    }
}
