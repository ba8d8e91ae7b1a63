//! A provider of the policy.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::families::ModelNames;
use crate::model::{Capability, Endpoint, Limits, ModelFacts};

/// A provider of the policy: how it is called, the limits on its use, and its models.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderSpec {
    /// The address of the provider's API, and how it is called.
    pub endpoint: Endpoint,
    /// The origin of the endpoint's base URL.
    pub base_url_from: BaseUrlFrom,
    /// Whether descriptions list the provider where no target names it.
    pub(crate) listing: Listing,
    /// The naming scheme of the models that have no row.
    pub(crate) names: ModelNames,
    /// The limits on the use of the provider.
    pub limits: Limits,
    /// The facts about the provider's models by id, aliases included. Several ids may share a row.
    pub(crate) models: BTreeMap<String, Arc<ModelFacts>>,
}

/// The origin of a provider's base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BaseUrlFrom {
    /// The base URL comes from this variable of the process.
    Environment(&'static str),
    /// The base URL comes from this variable of a `.env` file.
    EnvFile(&'static str),
    /// The base URL is written in the policy file.
    Policy,
    /// The base URL is the one that the gateway knows.
    BuiltIn,
}

impl BaseUrlFrom {
    /// Returns the origin as a word: `environment`, `env_file`, `policy` or `built_in`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment(_) => "environment",
            Self::EnvFile(_) => "env_file",
            Self::Policy => "policy",
            Self::BuiltIn => "built_in",
        }
    }

    /// Returns the name of the variable that overrides the policy; `None` where none does.
    pub fn variable(self) -> Option<&'static str> {
        match self {
            Self::Environment(name) | Self::EnvFile(name) => Some(name),
            Self::Policy | Self::BuiltIn => None,
        }
    }
}

impl fmt::Display for BaseUrlFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes the word.
impl Serialize for BaseUrlFrom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Whether a provider that no target names is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    /// The provider is always listed.
    Always,
    /// The provider is listed where its key is set.
    WithKey,
}

impl ProviderSpec {
    /// Returns the facts about a model by its exact id or a declared alias. Ids are never matched
    /// by prefix, because a model whose id begins like another one's has other prices.
    pub fn model(&self, id: &str) -> Option<&Arc<ModelFacts>> {
        self.models.get(id)
    }

    /// Returns what a model can do and what its API requires: by its row, else by its family.
    pub(crate) fn capabilities(&self, id: &str) -> Vec<Capability> {
        match self.model(id) {
            Some(facts) => facts.capabilities.clone(),
            None => self.names.capabilities(id),
        }
    }

    /// Returns the facts about every model of the provider, with each id that leads to them,
    /// aliases included.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &ModelFacts)> {
        self.models.iter().map(|(id, facts)| (id.as_str(), &**facts))
    }

    /// Returns the ids of all models of the provider, without aliases.
    pub fn model_ids(&self) -> impl Iterator<Item = &str> {
        self.models.iter().filter(|(id, facts)| **id == facts.canonical).map(|(id, _)| id.as_str())
    }
}
