//! The builder of a gateway, which connects adapters with ports.
//!
//! Here are the choices that a program has; `building` connects what was chosen. What a policy means
//! is decided in [`config`](crate::config), what a request goes through in the room `run`.

mod building;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cache::AnswerCache;
use crate::clock::{Clock, SystemClock};
use crate::config::{JsonPolicy, PolicySource};
use crate::credential::CredentialSource;
use crate::environment::Environment;
use crate::ledger::Ledger;
use crate::model::{InvalidName, ProviderName};
use crate::observe::Observer;
use crate::policy::Caps;
use crate::provider::Provider;
use crate::transport::{Scripted, Transport};

use super::{Gateway, own_parts};

/// A builder that configures a [`Gateway`].
///
/// By default the policy is the one embedded in this crate, variables come from the process's
/// environment, requests go over the network, and money is counted where the environment says.
/// Each method replaces one of these parts.
///
/// ```no_run
/// use llm_gateway_core::Gateway;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = Gateway::builder().policy_file("routing.yaml").build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct GatewayBuilder {
    source: PolicySource,
    environment: Option<Environment>,
    env_file: Option<PathBuf>,
    providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
    /// The names given to [`provider`](Self::provider) that no provider can have; `build` reports
    /// them.
    invalid_names: Vec<InvalidName>,
    credentials: Option<Arc<dyn CredentialSource>>,
    transport: Option<Arc<dyn Transport>>,
    ledger: Option<Arc<dyn Ledger>>,
    caps: Caps,
    cache: Option<Arc<dyn AnswerCache>>,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    seed: Option<u64>,
    offline: bool,
    /// The script that answers in place of the network, if one does.
    script: Option<Scripted>,
    /// Whether nothing may depend on the machine.
    pub(super) is_hermetic: bool,
    /// The gateway whose place the new one takes.
    before: Option<Gateway>,
}

impl Default for GatewayBuilder {
    fn default() -> Self {
        Self {
            source: PolicySource::Embedded,
            environment: None,
            env_file: None,
            providers: BTreeMap::new(),
            invalid_names: Vec::new(),
            credentials: None,
            transport: None,
            ledger: None,
            caps: Caps::new(),
            cache: None,
            clock: Arc::new(SystemClock),
            observer: None,
            seed: None,
            offline: false,
            script: None,
            is_hermetic: false,
            before: None,
        }
    }
}

impl GatewayBuilder {
    /// Reads the policy from `source`.
    pub fn policy(mut self, source: PolicySource) -> Self {
        self.source = source;
        self
    }

    /// Reads the policy from a file, and variables from the file `.env` in the same directory, if
    /// there is one.
    pub fn policy_file(self, path: impl Into<PathBuf>) -> Self {
        self.policy(PolicySource::File(path.into()))
    }

    /// Reads the policy from YAML text.
    pub fn policy_yaml(self, text: impl Into<String>) -> Self {
        self.policy(PolicySource::Text(text.into()))
    }

    /// Reads the policy from a JSON value of the same shape as the policy file. Every JSON text can
    /// be held, and a number without a fraction is whole. Problems name their lines in the value as
    /// it is printed by `{:#}`.
    pub fn policy_value(self, value: &serde_json::Value) -> Self {
        self.policy(PolicySource::Value(JsonPolicy::new(value)))
    }

    /// Uses `environment` instead of the process's environment.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Reads variables from the file at `path` instead of the `.env` file beside the policy.
    pub fn env_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.env_file = Some(path.into());
        self
    }

    /// Adds a provider of the program's own under `name`.
    ///
    /// The policy can name it as the provider of a target, and can give its models prices under
    /// `providers.<name>.models`. If it records what it sends
    /// ([`Prepared::recorded`](crate::provider::Prepared::recorded)), `kind` in that entry names
    /// the format of the bytes and `base_url` the address they go to; without both, certificates
    /// cannot read the bytes.
    ///
    /// A `name` that no provider can have is reported by [`build`](Self::build).
    pub fn provider(mut self, name: &str, provider: Arc<dyn Provider>) -> Self {
        match ProviderName::new(name) {
            Ok(name) => drop(self.providers.insert(name, provider)),
            Err(invalid) => self.invalid_names.push(invalid),
        }
        self
    }

    /// Takes keys from `source` instead of the environment.
    pub fn credentials(mut self, source: Arc<dyn CredentialSource>) -> Self {
        self.credentials = Some(own_parts::credentials(source));
        self
    }

    /// Counts money in `ledger` instead of the file that the environment names.
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Lets `observer` hear of every run.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Limits what calls may cost, beside the caps of the environment and the budgets of the
    /// policy. The lowest cap on a call counts.
    pub fn caps(mut self, caps: Caps) -> Self {
        self.caps = caps;
        self
    }

    /// Keeps answers in `cache`.
    #[cfg(test)]
    pub(super) fn cache(mut self, cache: Arc<dyn AnswerCache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Takes the date from `clock` instead of the machine's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = own_parts::clock(clock);
        self
    }

    /// Draws run ids and the jitter of retries from `seed` instead of the system's randomness, so
    /// that a test can repeat them.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sends requests through `transport` instead of the network.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        (self.offline, self.script) = (false, None);
        self.transport = Some(own_parts::transport(transport));
        self
    }

    /// Answers every request with a made-up text: nothing leaves the machine, and no key is needed.
    /// Providers added with [`provider`](Self::provider) are not affected.
    pub fn offline(self) -> Self {
        self.scripted(Scripted::new())
    }

    /// Answers requests with the answers and faults of `script`, and is otherwise like
    /// [`offline`](Self::offline).
    ///
    /// ```
    /// use llm_gateway_core::{Category, Gateway, Request, Scripted};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let script = Scripted::new().answer("Paris").status(401);
    /// let gateway = Gateway::builder()
    ///     .policy_yaml("defaults: {quick_answer: {provider: openai, model: gpt-6-luna}}")
    ///     .scripted(script)
    ///     .build()?;
    /// let answer = gateway.route(Request::new("quick_answer", "Capital of France?")).await?;
    /// assert_eq!(answer.text(), "Paris");
    /// let failure = gateway.route(Request::new("quick_answer", "And of Spain?")).await.unwrap_err();
    /// assert_eq!(failure.category(), Category::Auth);
    /// # Ok(())
    /// # }
    /// ```
    pub fn scripted(self, script: Scripted) -> Self {
        let transport = Arc::new(script.clone());
        Self { offline: true, transport: Some(transport), script: Some(script), ..self }
    }

    /// Builds a gateway that takes the place of `before`, and shares its state.
    pub(super) fn taking_over(self, before: Gateway) -> Self {
        Self { before: Some(before), ..self }
    }
}

/// Shows the builder's choices, but neither variables nor the text of the policy.
impl fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayBuilder")
            .field("providers", &self.providers.keys().collect::<Vec<_>>())
            .field("env_file", &self.env_file)
            .field("seed", &self.seed)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}
