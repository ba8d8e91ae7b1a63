//! Whether keys are there: their variables by name, never their values.

use serde::Serialize;

use crate::credential::CredentialSource;
use crate::model::Target;
use crate::policy::{Policy, ProviderSpec};

/// Whether a key is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyState {
    /// It is.
    Set,
    /// It is not.
    Missing,
    /// None is needed.
    #[serde(rename = "not needed")]
    NotNeeded,
}

/// What is asked about keys while describing.
pub(crate) struct Keys<'a> {
    pub(crate) credentials: &'a dyn CredentialSource,
    pub(crate) offline: bool,
}

impl Keys<'_> {
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

    /// The variable whose key a target lacks.
    pub(crate) fn missing<'p>(&self, policy: &'p Policy, target: &Target) -> Option<&'p str> {
        let spec = policy.providers().get(&target.provider)?;
        let variable = spec.endpoint.api_key_env.as_deref()?;
        (self.state(spec) == KeyState::Missing).then_some(variable)
    }
}
