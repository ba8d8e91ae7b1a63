//! Where a piece of text comes from, as a type.
//!
//! Each kind is minted in one place: [`CallerText`] at the gateway's door, [`PolicyText`] by the
//! policy's loader and the built-in roles, [`ModelText`] from a decoded answer, [`FrameText`]
//! where the gateway's own words around a model's text are written. None can be made from a
//! string:
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

/// A prompt that holds no other model's text. Only a type.
#[derive(Debug, Clone, Copy)]
pub enum Blind {}

/// A prompt that may hold other models' text. Only a type.
#[derive(Debug, Clone, Copy)]
pub enum Open {}

/// Text that the caller wrote. Minted once per request, at the gateway's door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerText(Arc<str>);

impl CallerText {
    pub(crate) fn mint(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text of the policy file, minted by its loader, or one of the built-in instructions that stand
/// for what the file leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText(Arc<str>);

impl PolicyText {
    pub(crate) fn mint(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that a model wrote. Minted from a decoded answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelText(Arc<str>);

impl ModelText {
    pub(in crate::model) fn mint(text: String) -> Self {
        Self(text.into())
    }

    /// What was read out of it: still the model's.
    pub(crate) fn excerpt(&self, text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Words of the gateway's own, around a model's text: the lines that mark where it begins and
/// ends, and what is asked about it. Nothing of it was written by a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameText(Arc<str>);

impl FrameText {
    pub(super) fn mint(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Leave to show one model another one's text. Only an edge of a validated
/// [`Workflow`](crate::policy::Workflow) yields it.
#[derive(Debug)]
pub struct Grant(());

impl Grant {
    /// For `policy::workflow` alone, which has checked the edge.
    pub(crate) fn for_declared_edge() -> Self {
        Self(())
    }

    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self(())
    }
}
