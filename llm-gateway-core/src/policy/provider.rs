//! A provider as the policy describes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Endpoint, Limits, ModelFacts};

/// Where a provider is reached, how much of it may be used, and what its models are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderSpec {
    /// Where it is reached.
    pub endpoint: Endpoint,
    /// How much of it may be used.
    pub limits: Limits,
    /// Rows by id, aliases included; several ids may share a row.
    pub(crate) models: BTreeMap<String, Arc<ModelFacts>>,
}

impl ProviderSpec {
    /// The row of a model, by its exact id or a declared alias. Never by prefix: a model
    /// that merely starts like another one costs something else.
    pub fn model(&self, id: &str) -> Option<&Arc<ModelFacts>> {
        self.models.get(id)
    }

    /// Every row by the ids that lead to it, aliases included.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &ModelFacts)> {
        self.models.iter().map(|(id, facts)| (id.as_str(), &**facts))
    }

    /// The ids under which rows stand, without aliases.
    pub fn model_ids(&self) -> impl Iterator<Item = &str> {
        self.models.iter().filter(|(id, facts)| **id == facts.canonical).map(|(id, _)| id.as_str())
    }
}
