//! The id of a request, and the way in which its client wrote it.
//!
//! An answer repeats the id byte for byte. Two ways to write one id (`1` and `1.0`, `"a"` and
//! `"\u0061"`) are one id.

use rmcp::model::RequestId;
use serde_json::{Number, Value};

use super::glance::is_number;
use crate::arguments::kind;

/// The whole number up to which each has a float of its own: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns the number by which rmcp knows a request.
pub(super) fn number(id: &RequestId) -> Option<i64> {
    match id {
        RequestId::Number(number) => Some(*number),
        RequestId::String(_) => None,
    }
}

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id {
    key: String,
    written: String,
}

/// The error of an id that no request may have.
#[derive(Debug)]
pub(crate) struct WrongId {
    /// The id as it was written, if an answer can carry it.
    pub(crate) written: Option<String>,
    pub(crate) why: String,
}

impl Id {
    /// Reads an id. `written` returns the id as it was written, if that is known. Null is no id.
    ///
    /// # Errors
    /// Fails if no request may have this id.
    pub(crate) fn read(
        value: &Value,
        written: impl FnOnce() -> Option<String>,
    ) -> Result<Option<Self>, WrongId> {
        let as_written = || match value {
            // There is one way to write these.
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => written().unwrap_or_else(|| value.to_string()),
        };
        let why = || format!("`id` must be text or a whole number, not {}", kind(value));
        match value {
            Value::Null => Ok(None),
            Value::String(_) | Value::Number(_) => {
                let written = as_written();
                match key(value, &written) {
                    Some(key) => Ok(Some(Self { key, written })),
                    None => Err(WrongId { written: Some(written), why: why() }),
                }
            }
            _ => Err(WrongId { written: None, why: why() }),
        }
    }

    /// Returns the id as its client wrote it.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// Returns a text that is the same for every way to write this id, and differs for every other
    /// id.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// Returns the key of an id; `None` for a number that is not whole.
fn key(value: &Value, written: &str) -> Option<String> {
    match value {
        // What was lost of two texts with lone surrogates may be what told them apart.
        Value::String(text) if text.contains('\u{fffd}') => Some(format!("written {written}")),
        Value::String(text) => Some(format!("text {text}")),
        Value::Number(number) => whole(number, written).map(|number| format!("number {number}")),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation)]
fn whole(number: &Number, written: &str) -> Option<String> {
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let float = number.as_f64()?;
    if float.fract() == 0.0 && float.abs() < EXACT {
        return Some((float as i64).to_string());
    }
    // A whole number beyond 64 bits is told by its digits.
    let plain = !written.contains(['.', 'e', 'E']) && is_number(written);
    plain.then(|| written.to_owned())
}
