//! The builder of a gateway, which connects adapters with ports.
//!
//! The builder decides which transport, ledger, clock and source of keys stand behind the ports,
//! and makes one provider for each entry of the policy. What a policy means is decided in
//! [`config`], what a request goes through in the room `run`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::cache::AnswerCache;
use crate::clock::{Clock, SystemClock};
use crate::config::{
    self, Diagnostic, JsonPolicy, LoadRequest, Loaded, PipeTexts, PolicyProblems, PolicySource,
};
use crate::credential::{CredentialSource, EnvironmentCredentials};
use crate::environment::Environment;
use crate::ledger::{Ledger, MemoryLedger};
use crate::model::{InvalidName, ProviderName};
use crate::network::Network;
use crate::policy::{Caps, Policy, Spending};
use crate::provider::Provider;
use crate::random::Random;
use crate::run::{LastingState, SharedState};
use crate::transport::{KnownSecrets, Scripted, Scrubber, Transport};

use super::lending::ScrubbedCredentials;
use super::origin::{LedgerFile, Origin, SizedRoom, limiters_for, remembered};
use super::providers::{http_providers, own_providers};
use super::scripts::script_problems;
use super::secrets::{SecretRule, ask_whenever_read, reader};
use super::{Gateway, adapters, own_parts};

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
        self.ledger = Some(own_parts::ledger(ledger));
        self
    }

    /// Limits what calls may cost, beside the caps of the environment and the budgets of the policy.
    /// The lowest cap on a call counts.
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

    /// Builds the gateway.
    ///
    /// # Errors
    /// [`PolicyProblems`] lists everything that makes the policy unusable, each with its line, its
    /// column and a hint. A provider's name that is not valid, and an adapter that this build lacks
    /// but the policy needs, are listed as well.
    pub fn build(self) -> Result<Gateway, PolicyProblems> {
        let gateway = self.build_always();
        match &gateway.state.policy {
            Ok(_) => Ok(gateway),
            Err(problems) => Err(problems.clone()),
        }
    }

    /// Builds the gateway even if the policy cannot be used.
    ///
    /// Every request then fails with [`Category::PolicyInvalid`](crate::Category::PolicyInvalid)
    /// and the problems of the policy. A server, which has to start before anybody can read its
    /// errors, builds its gateway this way.
    pub fn build_always(mut self) -> Gateway {
        let before = self.before.take();
        let origin = before.as_ref().map(|before| &*before.origin);
        let process = self.environment.take().unwrap_or_else(Environment::from_process);
        let given = Self { environment: Some(process.clone()), ..self.clone() };
        let pipes = origin.map(|it| Arc::clone(&it.pipes)).unwrap_or_default();
        let Loaded { policy, problems, environment, env_file, .. } =
            self.load(process, origin, &pipes);
        let (network, transport) = self.network_for(&environment, origin);
        let spending = policy.as_ref().ok().map(Policy::spending).filter(|it| it.counts);
        let ledger_file = self.ledger_file(spending, origin);
        let in_file = ledger_file.as_ref().filter(|_| spending.is_some());
        let ledger = self.ledger.clone().or_else(|| in_file.map(|it| Arc::clone(&it.ledger)));
        let missing = self.missing(policy.as_ref().ok(), transport.is_some(), ledger.is_some());
        let moved = ledger_file.as_ref().and_then(|it| it.moved(spending?));
        let policy = policy.ok().filter(|_| missing.is_empty()).map(Arc::new);
        let of_network = network.iter().flat_map(|it| adapters::network_problems(it.remarks()));
        let problems: Vec<Diagnostic> =
            problems.into_iter().chain(missing).chain(of_network).chain(moved).collect();
        let policy = policy.ok_or_else(|| PolicyProblems::new(problems.clone()));
        let reader = reader(policy.as_ref().ok(), before.as_ref());
        let used = policy.as_deref().ok();
        let secrets = remembered(origin, network.as_deref());
        let credentials = self.credentials_for(reader.clone(), &environment, &secrets);
        let room = used.map(|policy| SizedRoom::of(origin, policy.output().max_bytes_in_flight));
        let parts = Origin { network, transport, ledger_file, room, secrets, env_file, pipes };
        let mut providers = match used {
            Some(policy) => {
                http_providers(policy, &credentials, &self.clock, self.script.as_ref(), &parts)
            }
            None => BTreeMap::new(),
        };
        let own = own_parts::providers(used, self.providers);
        providers.extend(own_providers(own, &parts.secrets));
        let limiters = before.as_ref().map(|before| &before.state.limiters);
        let lasting = before.as_ref().map(|before| Arc::clone(&before.state.lasting));
        let state = SharedState {
            providers,
            limiters: used.map(|policy| limiters_for(policy, limiters)).unwrap_or_default(),
            policy,
            problems,
            credentials,
            scrubber: Scrubber::sharing(Arc::clone(&parts.secrets)),
            ledger,
            cache: self.cache,
            clock: self.clock,
            lasting: lasting.unwrap_or_else(|| Arc::new(LastingState::new(Random::new(self.seed)))),
            kinship: OnceLock::new(),
            offline: self.offline,
            is_hermetic: self.is_hermetic,
        };
        let (given, origin) = (Arc::new(given), Arc::new(parts));
        Gateway { state: Arc::new(state), given, origin, policy_error: None }
    }

    /// Returns the problems of what the policy needs and this build, or the program, lacks.
    fn missing(
        &self,
        policy: Option<&Policy>,
        has_transport: bool,
        has_ledger: bool,
    ) -> Vec<Diagnostic> {
        let mut missing = self.invalid_provider_names();
        if let Some(script) = &self.script {
            missing.extend(script_problems(script, policy, self.providers.keys()));
        }
        let Some(policy) = policy else { return missing };
        if !has_transport {
            missing.extend(adapters::missing_network(policy, self.providers.keys()));
        }
        if policy.spending().counts && !has_ledger {
            missing.push(adapters::missing_file_ledger());
        }
        missing
    }

    /// Returns the program's transport, else that over the network, with the network's settings. A
    /// transport of the program's own has its own, and that of `before` keeps its connections.
    fn network_for(
        &mut self,
        environment: &Environment,
        before: Option<&Origin>,
    ) -> (Option<Arc<Network>>, Option<Arc<dyn Transport>>) {
        if let Some(before) = before {
            return (before.network.clone(), before.transport.clone());
        }
        if let Some(own) = self.transport.take() {
            return (None, Some(own));
        }
        let network = Arc::new(Network::of(environment));
        let transport = adapters::network(&network);
        (transport.is_some().then_some(network), transport)
    }

    /// Returns the program's source of keys, or the variables that the policy names. What it knows
    /// and lends is added to `secrets`.
    fn credentials_for(
        &mut self,
        policy: Option<Arc<Policy>>,
        environment: &Environment,
        secrets: &Arc<KnownSecrets>,
    ) -> Arc<dyn CredentialSource> {
        let rule = SecretRule::new(policy.clone(), environment.clone());
        let source = self.credentials.take().inspect(|own| {
            ask_whenever_read(secrets, rule.clone(), own);
        });
        let source = source.unwrap_or_else(|| {
            let specs = policy.iter().flat_map(|policy| policy.providers().values());
            let variables = specs.flat_map(|spec| spec.endpoint.variables()).map(str::to_owned);
            Arc::new(EnvironmentCredentials::new(environment.clone(), variables))
        });
        let source = ScrubbedCredentials::new(source, Arc::clone(secrets), policy);
        secrets.learn(&rule.known(&source));
        Arc::new(source)
    }

    /// Reads and compiles the policy that the builder was given.
    fn load(&self, process: Environment, before: Option<&Origin>, pipes: &PipeTexts) -> Loaded {
        let own_providers: Vec<_> = self.providers.keys().cloned().collect();
        let request = LoadRequest::new(&self.source, self.clock.now())
            .with_environment(process)
            .with_env_file(self.env_file.as_deref())
            .with_own_providers(&own_providers)
            .with_caps(self.caps.clone())
            .with_pipes(pipes)
            .after_env_file(before.and_then(|it| it.env_file.as_deref()));
        let has_file = !self.offline && self.ledger.is_none();
        config::load(if has_file { request } else { request.counting_elsewhere() })
    }

    /// Returns the ledger that was opened before, else the one that `spending` asks for, unless the
    /// program brings a ledger of its own.
    fn ledger_file(
        &self,
        spending: Option<&Spending>,
        before: Option<&Origin>,
    ) -> Option<LedgerFile> {
        if let Some(open) = before.and_then(|it| it.ledger_file.clone()) {
            return Some(open);
        }
        let spending = spending.filter(|_| self.ledger.is_none())?;
        let path = spending.ledger.clone();
        self.ledger_at(path.clone()).map(|ledger| LedgerFile { path, ledger })
    }

    /// Returns the problems of names that were given to [`provider`](Self::provider) and are not
    /// valid.
    fn invalid_provider_names(&self) -> Vec<Diagnostic> {
        let problem = |invalid: &InvalidName| {
            let hint = "give `GatewayBuilder::provider` a name such as `in_house`";
            Diagnostic::of_build(invalid.to_string(), hint)
        };
        self.invalid_names.iter().map(problem).collect()
    }

    /// Returns the ledger for the file at `path`, if this build can open one. Scripted answers cost
    /// nothing, so offline the user's own file stays untouched; the rules still hold, in memory.
    fn ledger_at(&self, path: Option<PathBuf>) -> Option<Arc<dyn Ledger>> {
        match self.offline {
            true => Some(Arc::new(MemoryLedger::new())),
            false => path.and_then(adapters::file_ledger),
        }
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
