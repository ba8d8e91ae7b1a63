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
    /// Returns the state of a provider's key.
    pub(crate) fn state(&self, spec: &ProviderSpec) -> KeyState {
        let endpoint = &spec.endpoint;
        match &endpoint.api_key_env {
            Some(variable) if !self.offline => {
                match self.credentials.has(&endpoint.provider, variable) {
                    true => KeyState::Set,
                    false => KeyState::Missing,
                }
            }
            _ => KeyState::NotNeeded,
        }
    }

    /// Returns the variable of a target's key, or `None` unless that key is missing.
    pub(crate) fn missing<'p>(&self, policy: &'p Policy, target: &Target) -> Option<&'p str> {
        let spec = policy.providers().get(&target.provider)?;
        let variable = spec.endpoint.api_key_env.as_deref()?;
        (self.state(spec) == KeyState::Missing).then_some(variable)
    }
}
