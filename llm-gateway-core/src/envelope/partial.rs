//! The part of an envelope about the text of a call that was not answered, as far as it came.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Target;
use crate::outcome::{Failure, PanelAnswer, PartialText};

use super::panel::PanelData;

/// The `data` of a request that failed: what was paid for.
#[derive(Serialize, JsonSchema)]
pub(super) struct FailureData<'a> {
    #[serde(flatten)]
    gate: Option<PanelData<'a>>,
    /// The text that the model had written when it failed or was stopped: the beginning of an
    /// answer, and no answer. Present where there is any; `meta.text_from` says whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    text: Option<&'a str>,
}

/// The part of a failure's `meta` about the text in its `data`.
#[derive(Serialize, JsonSchema)]
pub(super) struct PartialMeta<'a> {
    /// The target whose model wrote `data.text`; present where that is the beginning of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Target")]
    text_from: Option<&'a Target>,
    /// Present and true where a part of `data.text` was passed on while it arrived, so that no
    /// other model was asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    committed: bool,
}

impl<'a> FailureData<'a> {
    /// Returns the `data` of a request of one model, or of a cascade whose `gate` was asked; `None`
    /// if there is nothing to show.
    pub(super) fn of(failure: &'a Failure, gate: Option<&'a PanelAnswer>) -> Option<Self> {
        let text = failure.partial().map(|partial| partial.text.as_str());
        let gate = gate.map(PanelData::of);
        (text.is_some() || gate.is_some()).then_some(Self { gate, text })
    }
}

impl<'a> PartialMeta<'a> {
    pub(super) fn of(failure: &'a Failure) -> Self {
        let partial: Option<&PartialText> = failure.partial();
        Self {
            text_from: partial.map(|partial| &partial.target),
            committed: partial.is_some_and(|partial| partial.is_committed),
        }
    }
}
