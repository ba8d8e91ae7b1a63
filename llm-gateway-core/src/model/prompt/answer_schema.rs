//! The shape that an answer is to have, as a JSON schema.
//!
//! A prompt may carry one; whether it travels is the dialect's business, and only for a model
//! that [can be held to one](crate::model::Capability::JsonSchema). Nothing here reads an
//! answer: that it has the shape is for whoever asked to check.

use serde_json::Value;

/// A JSON schema that is a part of the program: neither a caller nor a model can have written
/// any of it.
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
    /// The schema that the text `json` is, under a name of at most 64 letters, digits, `_` and
    /// `-` (OpenAI's rule: <https://platform.openai.com/docs/guides/structured-outputs>). A text
    /// that is no JSON shows when it is put into a request.
    pub const fn new(name: &'static str, json: &'static str) -> Self {
        Self { name, json }
    }

    /// What the schema is called, where a format has a place for that.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The schema as text.
    pub fn json(&self) -> &'static str {
        self.json
    }

    /// The schema as a document, its keys in their order.
    ///
    /// # Errors
    /// When the text is no JSON.
    pub(crate) fn document(&self) -> serde_json::Result<Value> {
        serde_json::from_str(self.json)
    }
}
