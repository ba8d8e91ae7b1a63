//! Where keys come from, and the type that keeps them from being shown.

mod environment;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::model::ProviderName;

pub use environment::EnvironmentCredentials;

/// A key. It has no `Debug`, `Display` or `Serialize`, so it cannot be printed by accident,
/// and its memory is wiped when it is dropped.
///
/// ```compile_fail,E0277
/// println!("{:?}", llm_gateway_core::credential::Secret::new("sk-very-secret".to_string()));
/// ```
/// ```compile_fail,E0277
/// println!("{}", llm_gateway_core::credential::Secret::new("sk-very-secret".to_string()));
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a key.
    pub fn new(key: String) -> Self {
        Self(key.into())
    }

    /// The key in the clear, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A key on loan for one attempt.
#[derive(Clone)]
#[non_exhaustive]
pub struct Lease {
    /// Names the key without showing it; a pool reports failures by it.
    pub id: String,
    /// The key.
    pub secret: Secret,
}

impl Lease {
    /// Lends `secret` under the name `id`.
    pub fn new(id: impl Into<String>, secret: Secret) -> Self {
        Self { id: id.into(), secret }
    }
}

/// Something that knows keys. Implement it to bring keys from a vault.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// A key for `provider`, which the policy expects in the variable `variable`; `None`
    /// when there is none.
    async fn lease(&self, provider: &ProviderName, variable: &str) -> Option<Lease>;

    /// Whether a key is there, without taking it. Must not block: it answers
    /// `llm_routing_info`.
    fn has(&self, provider: &ProviderName, variable: &str) -> bool;

    /// Every key that is known by now, so that it can be scrubbed from what providers send.
    /// A leased key is scrubbed whether or not it is listed here.
    fn known(&self) -> Vec<Secret>;
}
