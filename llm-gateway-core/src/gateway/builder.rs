//! Puts a gateway together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::clock::{Clock, SystemClock};
use crate::config::{self, Diagnostic, LoadRequest, PolicyProblems, PolicySource};
use crate::credential::{CredentialSource, EnvironmentCredentials};
use crate::environment::Environment;
use crate::ledger::{Ledger, MemoryLedger};
use crate::model::{InvalidName, ProviderName};
use crate::policy::{Policy, ProviderSpec};
use crate::provider::{self, Provider, ProviderParts};
use crate::random::Random;
use crate::reliability::{Limiter, Targets};
use crate::run::{EscalationCounts, RecentAnswers, SharedState};
use crate::transport::{Scripted, Scrubber, Transport};

use super::{Gateway, adapters};

/// Puts a [`Gateway`] together. Without any call it takes the embedded policy, the
/// process's environment and the network.
#[must_use = "a builder does nothing until `build`"]
pub struct GatewayBuilder {
    source: PolicySource,
    environment: Option<Environment>,
    env_file: Option<PathBuf>,
    providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
    credentials: Option<Arc<dyn CredentialSource>>,
    transport: Option<Arc<dyn Transport>>,
    ledger: Option<Arc<dyn Ledger>>,
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    offline: bool,
}

impl Default for GatewayBuilder {
    fn default() -> Self {
        Self {
            source: PolicySource::Embedded,
            environment: None,
            env_file: None,
            providers: BTreeMap::new(),
            credentials: None,
            transport: None,
            ledger: None,
            clock: Arc::new(SystemClock),
            seed: None,
            offline: false,
        }
    }
}

impl GatewayBuilder {
    /// Reads the policy from `source`.
    pub fn policy(mut self, source: PolicySource) -> Self {
        self.source = source;
        self
    }

    /// Reads the policy from a file, and keys from `.env` beside it if that is there.
    pub fn policy_file(self, path: impl Into<PathBuf>) -> Self {
        self.policy(PolicySource::File(path.into()))
    }

    /// Takes the policy as YAML text.
    pub fn policy_yaml(self, text: impl Into<String>) -> Self {
        self.policy(PolicySource::Text(text.into()))
    }

    /// Takes the policy as a value, in the shape of the file.
    pub fn policy_value(self, value: &serde_json::Value) -> Self {
        // JSON is YAML; printed over several lines it has places that problems can name.
        self.policy_yaml(format!("{value:#}"))
    }

    /// Uses these variables in place of the process's environment.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Reads variables from this file in place of `.env` beside the policy.
    pub fn env_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.env_file = Some(path.into());
        self
    }

    /// Brings a provider of one's own. The policy may name it as a target's provider, and may
    /// give its models prices under `providers.<name>.models`. Where it records what it sends
    /// ([`Prepared::recorded`](crate::provider::Prepared::recorded)), a `kind` there says of which
    /// format the bytes are, and a `base_url` where they go; without them certificates read none.
    ///
    /// # Errors
    /// [`InvalidName`] says what a provider's name must look like.
    pub fn provider(
        mut self,
        name: &str,
        provider: Arc<dyn Provider>,
    ) -> Result<Self, InvalidName> {
        self.providers.insert(ProviderName::new(name)?, provider);
        Ok(self)
    }

    /// Takes keys from `source` in place of the environment.
    pub fn credentials(mut self, source: Arc<dyn CredentialSource>) -> Self {
        self.credentials = Some(source);
        self
    }

    /// Counts money in `ledger` in place of the file that the environment names.
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Takes the date from `clock` in place of the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Draws run ids and the jitter of retries from this seed in place of the system's randomness, for tests.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sends requests through `transport` in place of the network.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.offline = false;
        self.transport = Some(transport);
        self
    }

    /// Answers from a scripted transport: nothing leaves the machine, no key is needed. A
    /// provider that the program brings itself does what it does.
    pub fn offline(self) -> Self {
        self.scripted(Scripted::new())
    }

    /// Answers from `script`. As [`offline`](Self::offline), with answers and faults of the
    /// caller's choice.
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
        Self { offline: true, ..self.transport(Arc::new(script)) }
    }

    /// Builds a gateway with a policy that holds.
    ///
    /// # Errors
    /// Every problem of the policy, each with its place and a way out.
    pub fn build(self) -> Result<Gateway, PolicyProblems> {
        let gateway = self.build_always();
        match &gateway.state.policy {
            Ok(_) => Ok(gateway),
            Err(problems) => Err(problems.clone()),
        }
    }

    /// Builds a gateway whatever the policy is like. Without a usable one every request is
    /// answered by what is wrong with it: what a server needs, which must always start.
    pub fn build_always(self) -> Gateway {
        let environment = self.environment.unwrap_or_else(Environment::from_process);
        let own_providers: Vec<_> = self.providers.keys().cloned().collect();
        let request = LoadRequest::new(&self.source, self.clock.now())
            .with_environment(environment)
            .with_env_file(self.env_file.as_deref())
            .with_own_providers(&own_providers);
        let loaded = config::load(request);
        let transport = self.transport.or_else(adapters::network);
        let file = loaded.policy.as_ref().ok().and_then(|policy| policy.spending().ledger.clone());
        let wants_ledger = self.ledger.is_some() || file.is_some();
        let ledger = self.ledger.or_else(|| file.and_then(|path| ledger_at(path, self.offline)));
        let mut problems = loaded.problems;
        let policy = loaded.policy.and_then(|policy| {
            let no_network = || adapters::missing_network(&policy, self.providers.keys());
            let no_network = transport.is_none().then(no_network).flatten();
            let no_ledger = (wants_ledger && ledger.is_none()).then(adapters::missing_file_ledger);
            let missing: Vec<Diagnostic> = no_network.into_iter().chain(no_ledger).collect();
            if missing.is_empty() {
                return Ok(Arc::new(policy));
            }
            problems.extend(missing);
            Err(PolicyProblems::new(problems.clone()))
        });
        let specs = policy.iter().flat_map(|policy| policy.providers().values());
        let variables = specs.filter_map(|spec| spec.endpoint.api_key_env.clone());
        let credentials = self.credentials.unwrap_or_else(|| {
            Arc::new(EnvironmentCredentials::new(loaded.environment, variables))
        });
        let scrubber = Scrubber::new(credentials.known());
        let mut providers = BTreeMap::new();
        // Without a transport the policy names providers of the program only.
        if let (Ok(policy), Some(transport)) = (&policy, transport) {
            let parts = ProviderParts {
                transport,
                credentials: Arc::clone(&credentials),
                scrubber,
                clock: Arc::clone(&self.clock),
            };
            providers = Wiring { parts, offline: self.offline }.providers(policy);
        }
        providers.extend(self.providers);
        let limiters = policy.iter().flat_map(|policy| policy.providers()).map(limiter).collect();
        Gateway {
            state: Arc::new(SharedState {
                policy,
                problems,
                providers,
                credentials,
                ledger,
                clock: self.clock,
                random: Random::new(self.seed),
                targets: Targets::default(),
                limiters,
                kinship: OnceLock::new(),
                recent_answers: RecentAnswers::default(),
                escalation_counts: EscalationCounts::default(),
                offline: self.offline,
            }),
        }
    }
}

fn limiter((name, spec): (&ProviderName, &ProviderSpec)) -> (ProviderName, Limiter) {
    (name.clone(), Limiter::new(spec.limits))
}

/// Scripted answers cost nothing, so offline the user's own ledger is left alone; every rule
/// still holds, in memory.
fn ledger_at(path: PathBuf, offline: bool) -> Option<Arc<dyn Ledger>> {
    if offline { Some(Arc::new(MemoryLedger::new())) } else { adapters::file_ledger(path) }
}

/// Makes adapters of what the policy says.
struct Wiring {
    parts: ProviderParts,
    offline: bool,
}

impl Wiring {
    fn providers(&self, policy: &Policy) -> BTreeMap<ProviderName, Arc<dyn Provider>> {
        let http = |(name, spec): (&ProviderName, &ProviderSpec)| {
            let mut endpoint = spec.endpoint.clone();
            if self.offline {
                endpoint.api_key_env = None;
            }
            let provider = provider::for_endpoint(endpoint, self.parts.clone())?;
            Some((name.clone(), provider))
        };
        policy.providers().iter().filter_map(http).collect()
    }
}
