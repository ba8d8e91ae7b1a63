//! The names of task classes, providers, models and runs.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::printable;

/// The error of a text that is not a name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a {kind}: {rule}")]
#[non_exhaustive]
pub struct InvalidName {
    /// The kind of name: "task class", "provider name", "model id" or "category".
    pub kind: &'static str,
    /// The refused text, without control characters and cut to 60 characters.
    pub value: String,
    /// The rule that a name of this kind follows, as advice to a person.
    pub rule: &'static str,
}

impl InvalidName {
    pub(crate) fn new(kind: &'static str, value: &str, rule: &'static str) -> Self {
        Self { kind, value: printable(value, 60), rule }
    }
}

/// Declares the type of a name: a checked string that is cheap to clone.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $check:ident, $rule:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Creates a name from its text.
            ///
            /// # Errors
            /// [`InvalidName`] if `value` does not follow the rule for such names.
            pub fn new(value: &str) -> Result<Self, InvalidName> {
                if $check(value) {
                    Ok(Self(value.into()))
                } else {
                    Err(InvalidName::new($kind, value, $rule))
                }
            }

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string" })
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The name of a task class: what a caller asks for, such as `quick_answer`.
    TaskClass, "task class", is_plain_name, PLAIN_NAME_RULE
}

name! {
    /// The name of a provider in the policy, such as `openai` or `ollama`.
    ProviderName, "provider name", is_plain_name, PLAIN_NAME_RULE
}

name! {
    /// The id of a model, as its provider's API calls it, such as `gpt-4o-mini`.
    ///
    /// The characters that are allowed keep an id harmless in the path of a URL: it cannot leave
    /// its segment, and it is percent-encoded besides.
    ModelId, "model id", is_model_id, MODEL_ID_RULE
}

const PLAIN_NAME_RULE: &str = "use 1 to 64 letters, digits, `_`, `-` or `.`";
/// The largest number of bytes of a name in a receipt, and of a model's developer and families
/// together. A policy with longer names is refused, and a longer name in a response is replaced by
/// its digest. The bound matters because a finding may name each pair of members. Ids in a policy
/// have at most 128 bytes, and ids in responses about a hundred.
pub(crate) const LONGEST_RECEIPT_NAME: usize = 1_024;

const MODEL_ID_RULE: &str = "use 1 to 128 letters, digits or any of `. _ : / @ -`, without `..`";

fn is_plain_name(value: &str) -> bool {
    (1..=64).contains(&value.len())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn is_model_id(value: &str) -> bool {
    (1..=128).contains(&value.len())
        && !value.contains("..")
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '@' | '-'))
}

/// A target of calls: a model at a provider. `Display` writes both with a slash between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Target {
    /// The provider that serves the model.
    pub provider: ProviderName,
    /// The model, as its provider names it.
    pub model: ModelId,
}

impl Target {
    /// Creates the target of a model at a provider.
    pub fn new(provider: ProviderName, model: ModelId) -> Self {
        Self { provider, model }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// The id of a run, which is a request or task that was started: 128 random bits, printed as 32 hex
/// digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunId(u128);

impl RunId {
    /// Creates a run's id from 128 random bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Reads the id of a run as it is printed, in either case and with white space around it.
    /// Returns `None` if `text` is no such id.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim();
        let is_id = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| u128::from_str_radix(digits, 16).ok())?.map(Self)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for RunId {
    fn schema_name() -> Cow<'static, str> {
        "RunId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_id_cannot_climb_out_of_its_url_segment() {
        for good in ["gpt-4o-mini", "meta-llama/Llama-3.3", "llama3.3:70b", "m@1"] {
            assert_eq!(ModelId::new(good).map(|m| m.to_string()), Ok(good.to_string()));
        }
        for bad in ["", "..", "a/../b", "a b", "a?key=1", "a#b", "ä", "a\n", &"m".repeat(129)] {
            assert!(ModelId::new(bad).is_err(), "{bad:?} was taken as a model id");
        }
    }

    #[test]
    fn a_bad_name_says_what_a_good_one_looks_like() {
        let error = ProviderName::new("open ai").unwrap_err();
        insta::assert_snapshot!(error, @"`open ai` is not a provider name: use 1 to 64 letters, digits, `_`, `-` or `.`");
    }

    #[test]
    fn a_run_id_is_32_hex_digits() {
        let id = RunId::from_bits(0xab);
        assert_eq!(id.to_string(), format!("{}ab", "0".repeat(30)));
        assert_eq!(RunId::parse(&format!(" {id}\n").to_uppercase()), Some(id));
        for bad in ["", "ab", "latest", &"g".repeat(32), &"a".repeat(33), &"ä".repeat(16)] {
            assert_eq!(RunId::parse(bad), None, "{bad}");
        }
        assert_eq!(RunId::parse(&format!("+{}", "a".repeat(31))), None);
    }
}
