//! The JSON schema that an answer is asked to follow.
//!
//! A prompt may hold one. A provider sends it only to a model whose API can constrain answers, see
//! [`Capability::JsonSchema`](crate::model::Capability::JsonSchema). This module reads no answer:
//! the caller has to check that an answer follows the schema.

use serde_json::Value;

/// A JSON schema that an answer is asked to follow. It is a constant of the program, so that no
/// caller and no model can have written any of it.
///
/// ```
/// use llm_gateway_core::prompt::AnswerSchema;
///
/// const YES_OR_NO: AnswerSchema =
///     AnswerSchema::new("yes_or_no", r#"{"type": "string", "enum": ["yes", "no"]}"#);
/// assert_eq!(YES_OR_NO.name(), "yes_or_no");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerSchema {
    name: &'static str,
    json: &'static str,
}

impl AnswerSchema {
    /// Creates an answer schema from its JSON text. The name has at most 64 letters, digits, `_`
    /// and `-`, by OpenAI's rule: <https://platform.openai.com/docs/guides/structured-outputs>. The
    /// text is parsed when a request is encoded, which fails if it is not JSON.
    pub const fn new(name: &'static str, json: &'static str) -> Self {
        Self { name, json }
    }

    /// Returns the name of the answer schema, which some wire formats ask for.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the answer schema as JSON text.
    pub fn json(&self) -> &'static str {
        self.json
    }

    /// Returns the answer schema as a JSON document with its keys in their order.
    ///
    /// # Errors
    /// If the text is not JSON.
    pub(crate) fn document(&self) -> serde_json::Result<Value> {
        serde_json::from_str(self.json)
    }
}
