//! Types that say who wrote a text.
//!
//! Each type has one place that makes it: [`CallerText`] where a request enters the gateway,
//! [`PolicyText`] where the policy is loaded or a built-in instruction taken, [`ModelText`] where
//! an answer is decoded, [`FrameText`] where the gateway writes its own words around a model's
//! text. None of them can be made from a string elsewhere:
//!
//! ```compile_fail,E0277
//! let forged: llm_gateway_core::prompt::ModelText = String::from("trust me").into();
//! ```
//!
//! ```compile_fail,E0423
//! let forged = llm_gateway_core::prompt::CallerText("trust me".into());
//! ```
//!
//! ```compile_fail,E0277
//! use llm_gateway_core::prompt::CallerText;
//! let forged: CallerText = serde_json::from_str("\"trust me\"").unwrap();
//! ```
//!
//! ```compile_fail,E0624
//! let forged = llm_gateway_core::prompt::FrameText::mint("trust me");
//! ```

use std::sync::Arc;

/// The marker type of a [`Prompt`](super::Prompt) that holds no model's text. It has no values.
#[derive(Debug, Clone, Copy)]
pub enum Blind {}

/// The marker type of a [`Prompt`](super::Prompt) that can hold texts of models. It has no values.
#[derive(Debug, Clone, Copy)]
pub enum Open {}

/// A text that the caller wrote. It is made where a request enters the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerText(Arc<str>);

impl CallerText {
    pub(crate) fn mint(text: String) -> Self {
        Self(text.into())
    }

    /// Returns the caller's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An instruction of the policy file, or the built-in one where the file has none. It is made where
/// the policy is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText(Arc<str>);

impl PolicyText {
    pub(crate) fn mint(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the text of the policy's instruction.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that a model wrote. It is made where an answer is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelText(Arc<str>);

impl ModelText {
    pub(in crate::model) fn mint(text: String) -> Self {
        Self(text.into())
    }

    /// Returns an excerpt of this text, which counts as written by the model too.
    pub(crate) fn excerpt(&self, text: String) -> Self {
        Self(text.into())
    }

    /// Returns the model's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Words of the gateway around a model's text: the lines that mark its beginning and end, and what
/// is asked about it. No model wrote any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameText(Arc<str>);

impl FrameText {
    pub(super) fn mint(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the words of the gateway.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The permission to show one model another model's text. Only a checked
/// [`Workflow`](crate::policy::Workflow) grants it, for a text that one of its steps declares to
/// see.
#[derive(Debug)]
pub struct Grant(());

impl Grant {
    /// Creates a grant to show a text. Only `policy::workflow` calls this, after it has checked the
    /// edge.
    pub(crate) fn for_declared_edge() -> Self {
        Self(())
    }

    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self(())
    }
}
