//! The keys that a description reports as set or missing. Variables appear by name, never by value.

use serde::Serialize;

use crate::credential::CredentialSource;
use crate::model::Target;
use crate::policy::{Policy, ProviderSpec};

/// The state of a provider's key: set, missing or not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyState {
    /// The provider's key is set.
    Set,
    /// The provider needs a key and none is set.
    Missing,
    /// The provider needs no key, or answers are scripted.
    #[serde(rename = "not needed")]
    NotNeeded,
}

/// The source in which a description looks keys up.
pub(crate) struct Keys<'a> {
    pub(crate) credentials: &'a dyn CredentialSource,
    pub(crate) offline: bool,
}

impl Keys<'_> {
    /// Returns the state of a provider's key and of the variables of its headers.
    pub(crate) fn state(&self, spec: &ProviderSpec) -> KeyState {
        if self.offline || spec.endpoint.variables().is_empty() {
            return KeyState::NotNeeded;
        }
        match self.lacking(spec).is_empty() {
            true => KeyState::Set,
            false => KeyState::Missing,
        }
    }

    /// Returns whether there is a key of the provider, needed or not.
    pub(crate) fn has_key(&self, spec: &ProviderSpec) -> bool {
        let endpoint = &spec.endpoint;
        let variable = endpoint.api_key_env.as_deref();
        variable.is_some_and(|variable| self.credentials.has(&endpoint.provider, variable))
    }

    /// Returns the variables that a provider needs and that are not set.
    pub(crate) fn lacking<'p>(&self, spec: &'p ProviderSpec) -> Vec<&'p str> {
        let endpoint = &spec.endpoint;
        let mut variables = endpoint.variables();
        variables.retain(|it| !self.offline && !self.credentials.has(&endpoint.provider, it));
        variables
    }

    /// Returns the variables that the provider of a target needs and that are not set.
    pub(crate) fn missing<'p>(&self, policy: &'p Policy, target: &Target) -> Vec<&'p str> {
        policy.providers().get(&target.provider).map(|spec| self.lacking(spec)).unwrap_or_default()
    }
}
