//! The port for keys of providers, and the type that keeps a key from being shown.
//!
//! [`EnvironmentCredentials`] reads keys from variables. A program that keeps its keys elsewhere
//! implements [`CredentialSource`].
//!
//! ```
//! use async_trait::async_trait;
//! use llm_gateway_core::credential::{CredentialSource, Lease, Secret};
//! use llm_gateway_core::model::ProviderName;
//!
//! /// One key, which works for every provider behind a proxy.
//! struct ProxyKey(Secret);
//!
//! #[async_trait]
//! impl CredentialSource for ProxyKey {
//!     async fn lease(&self, _: &ProviderName, _: &str) -> Option<Lease> {
//!         Some(Lease::new("proxy", self.0.clone()))
//!     }
//!
//!     fn has(&self, _: &ProviderName, _: &str) -> bool {
//!         true
//!     }
//!
//!     fn known(&self) -> Vec<Secret> {
//!         vec![self.0.clone()]
//!     }
//! }
//! ```

mod environment;
mod isolated;
mod leases;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;
use crate::model::{ProviderName, Target};

pub use environment::EnvironmentCredentials;
pub(crate) use isolated::IsolatedCredentials;
pub(crate) use leases::AttemptLeases;

/// A provider's key. It has no `Debug`, `Display` or `Serialize`, so that it cannot be printed by
/// accident. Its memory is wiped when it is dropped.
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
    /// Creates a secret from a key.
    pub fn new(key: String) -> Self {
        Self(key.into())
    }

    /// Returns the key in the clear, for the code that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A lease of a key, for one attempt.
#[derive(Clone)]
#[non_exhaustive]
pub struct Lease {
    /// The name of the leased key, which does not show the key. `Debug` prints it, and a source
    /// that offers several keys is asked for one by it.
    pub id: String,
    /// The leased key.
    pub secret: Secret,
    /// What keeps the key known to the scrubber for as long as a clone of the lease lives.
    _keeper: Option<Arc<dyn Any + Send + Sync>>,
}

// Without the key.
impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Lease {
    /// Creates a lease of `secret` under the name `id`.
    pub fn new(id: impl Into<String>, secret: Secret) -> Self {
        Self { id: id.into(), secret, _keeper: None }
    }

    /// Holds on to `keeper` for as long as a clone of the lease lives.
    #[must_use]
    pub(crate) fn kept_by(self, keeper: Arc<dyn Any + Send + Sync>) -> Self {
        Self { _keeper: Some(keeper), ..self }
    }
}

/// A lease, and the variable for which the policy expects its key.
#[derive(Debug, Clone)]
pub(crate) struct LeasedKey {
    pub(crate) variable: String,
    pub(crate) lease: Lease,
}

/// The end of an attempt, as the source of its keys hears it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum LeaseEnd<'a> {
    /// The attempt returned an answer.
    Answered,
    /// The attempt failed. The category of the error says whether the key is at fault:
    /// [`Auth`](crate::Category::Auth), [`Quota`](crate::Category::Quota) and
    /// [`RateLimit`](crate::Category::RateLimit) are about the key, and
    /// [`Error::retry_after`] may say for how long.
    Failed(&'a Error),
    /// The caller dropped the request while the attempt was under way.
    Dropped,
}

/// A source of providers' keys. Implement it to take keys from a vault.
///
/// # Keys that rotate
/// A source is asked for each attempt, so that a key it has changed counts with the next one. What
/// it lends is removed from every text that the gateway shows or keeps: from the moment it is lent,
/// for as long as anybody holds the lease or a clone of it, and after that until 256 newer keys have
/// been lent. What it names by [`known`](Self::known) is removed from the moment the next text is
/// read, and until 256 newer keys have been named after it was last named itself.
///
/// The gateway asks a source for the providers that it asks itself. A
/// [`Provider`](crate::provider::Provider) of the program's own takes its key itself, such as from
/// the same source. The gateway does not hear of that, so [`known`](Self::known) returns such a key
/// for as long as a call uses it, also if another key has replaced it meanwhile.
///
/// # Panics, waits and money
/// A key that cannot be had costs nothing. While the source is asked, no byte of the request has
/// left, so a caller who leaves and a deadline that passes give the money that was set aside back.
/// A source that never answers is ended by the request's deadline, or earlier where another target
/// is ready, and a future that is not waited for any longer is dropped. On a runtime of several
/// threads, leases are waited for in a task of their own, so that a source that blocks its thread
/// keeps nobody else waiting; the other methods must not block. A panic is the answer of a source
/// that has nothing: no key, which is [`Category::MissingKey`](crate::Category::MissingKey) of the
/// target for which it was asked, no names, no report.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// Returns a key for `provider`, which the policy expects in the variable `variable`; `None` if
    /// there is none.
    async fn lease(&self, provider: &ProviderName, variable: &str) -> Option<Lease>;

    /// Returns whether there is a key for `provider`, without leasing it. It must not block,
    /// because `llm_routing_info` waits for it.
    fn has(&self, provider: &ProviderName, variable: &str) -> bool;

    /// Returns every key that is in force now, so that it can be removed from what providers send.
    /// A key that was leased by the gateway is removed whether or not it is returned here.
    ///
    /// The gateway asks whenever it removes keys from a text, for each piece of a streamed answer
    /// too. So it must be quick, and must not block.
    fn known(&self) -> Vec<Secret>;

    /// Returns why there is no key although its variable is set, in words that go on after the
    /// variable's name, such as "holds a value that is still in quotes". It never returns any part
    /// of the value. `None` if the variable is not set, or the source does not know.
    fn why_missing(&self, provider: &ProviderName, variable: &str) -> Option<&'static str> {
        let _ = (provider, variable);
        None
    }

    /// Returns the ids of the keys of which [`lease_key`](Self::lease_key) can lease each now, the
    /// best first. It must not block. Without any, as by default, there is one key for `variable`.
    ///
    /// After a failure that is about the key, the gateway asks the same target again at once with
    /// the first of these keys that has not failed in the request, within the policy's
    /// `max_retries`.
    fn keys(&self, provider: &ProviderName, variable: &str) -> Vec<String> {
        let _ = (provider, variable);
        Vec::new()
    }

    /// Returns the key that is called `id`, one of [`keys`](Self::keys); `None` if it is gone. The
    /// default implementation returns what [`lease`](Self::lease) returns.
    async fn lease_key(&self, provider: &ProviderName, variable: &str, id: &str) -> Option<Lease> {
        let _ = id;
        self.lease(provider, variable).await
    }

    /// Leases a key for an attempt at `target`: the one that is called `id`, or whichever the
    /// source chooses.
    #[doc(hidden)]
    async fn lease_for(&self, target: &Target, variable: &str, id: Option<&str>) -> Option<Lease> {
        match id {
            Some(id) => self.lease_key(&target.provider, variable, id).await,
            None => self.lease(&target.provider, variable).await,
        }
    }

    /// Hears how the attempt at `target` ended for which the gateway took `lease`. It is called
    /// exactly once for each of these, also if the attempt was stopped or its caller has left. It
    /// must not block. The default implementation ignores it.
    fn report(&self, lease: &Lease, target: &Target, end: LeaseEnd<'_>) {
        let _ = (lease, target, end);
    }
}

/// Returns the words for a key that is missing: the name of its variable, and what is wrong with
/// it.
pub(crate) fn missing(
    source: &dyn CredentialSource,
    provider: &ProviderName,
    variable: &str,
) -> String {
    let why = source.why_missing(provider, variable).unwrap_or("is not set");
    format!("{variable} {why}")
}
