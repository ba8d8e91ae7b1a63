//! The source of keys that reads variables of the environment.

use std::fmt;

use async_trait::async_trait;

use crate::environment::Environment;
use crate::model::ProviderName;

use super::{CredentialSource, Lease, Secret};

/// A source of keys that reads them from an [`Environment`].
pub struct EnvironmentCredentials {
    environment: Environment,
    /// The names of the variables that hold keys, as the policy has them.
    variables: Vec<String>,
}

// Without the values, which are keys.
impl fmt::Debug for EnvironmentCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("EnvironmentCredentials");
        shown.field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl EnvironmentCredentials {
    /// Creates a source of keys for the variables that a policy names.
    pub fn new(environment: Environment, variables: impl IntoIterator<Item = String>) -> Self {
        Self { environment, variables: variables.into_iter().collect() }
    }

    fn secret(&self, variable: &str) -> Option<Secret> {
        self.environment.get(variable).map(|key| Secret::new(key.to_owned()))
    }
}

#[async_trait]
impl CredentialSource for EnvironmentCredentials {
    async fn lease(&self, _provider: &ProviderName, variable: &str) -> Option<Lease> {
        self.secret(variable).map(|secret| Lease::new(variable, secret))
    }

    fn has(&self, _provider: &ProviderName, variable: &str) -> bool {
        self.environment.get(variable).is_some()
    }

    fn why_missing(&self, _provider: &ProviderName, variable: &str) -> Option<&'static str> {
        self.environment.why_missing(variable)
    }

    fn known(&self) -> Vec<Secret> {
        self.variables.iter().filter_map(|variable| self.secret(variable)).collect()
    }
}
